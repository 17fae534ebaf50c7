"""A self-test from beginning to end."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lab.catalogue import CatalogueEntry
from lab.mutants import Mutant, mutants
from lab.processors import processors
from lab.selftest.crew import work_alone, work_together
from lab.selftest.findings import Findings, Tried, conclude
from lab.selftest.plan import Plan
from lab.selftest.stage import Judging, Stage, attacks_on_the_app, by_the_judge


class Unknown(LookupError):
    """There is no mutant, or no attack on the app, of a name that was given."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be tried; everything where nothing is named."""

    mutants: frozenset[str] = frozenset()
    """Names of mutants."""
    attacks: frozenset[str] = frozenset()
    """Slugs of attacks."""
    full: bool = False
    """Every mutant meets every attack."""


@dataclass(frozen=True)
class Scope:
    """What has to come of a self-test."""

    mutants: tuple[Mutant, ...]
    """These have to die, each by every attack that it names."""
    attacks: tuple[CatalogueEntry, ...]
    """The reference client has to survive these, and each has to kill."""
    all_mutants: tuple[Mutant, ...]
    cover: bool
    """Every attack is asked for a kill. Not so where mutants were named."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a self-test found, and how it went."""

    findings: Findings
    seconds: float
    complete: bool
    """Everything that was to be tried was tried."""


Progress = Callable[[Tried, int], None]
"""Is told of each result, and how many attacks are still known to be tried."""


def scope_of(wish: Wish) -> Scope:
    """Return what ``wish`` comes to. Raises Unknown."""
    every = mutants()
    attacks = {slug: cases[0].entry for slug, cases in attacks_on_the_app().items()}
    _check(wish.mutants, [mutant.name for mutant in every], "mutant")
    _check(wish.attacks, list(attacks), "attack on the app")
    chosen = [m for m in every if not wish.mutants or m.name in wish.mutants]
    if wish.attacks:
        ask_all = bool(wish.mutants)
        trimmed = (_trimmed(m, wish.attacks, ask_all=ask_all) for m in chosen)
        chosen = [m for m in trimmed if m.killed_by]
    wanted = set(wish.attacks)
    if not wanted:
        wanted = {slug for m in chosen for slug in m.killed_by} if wish.mutants else set(attacks)
    return Scope(
        mutants=tuple(chosen),
        attacks=tuple(entry for slug, entry in attacks.items() if slug in wanted),
        all_mutants=every,
        cover=not wish.mutants,
    )


def carry_out(
    wish: Wish,
    progress: Progress = lambda tried, left: None,
    *,
    workers: int | None = None,
    judging: Judging = by_the_judge,
) -> Outcome:
    """Carry out the self-test that ``wish`` asks for, in ``workers`` processes, else in as many
    as there are processors; 0 is this one. ``judging`` is for this process alone.

    Ctrl-C ends it early; what was found so far is returned. Raises Unknown, WorkersLost.
    """
    scope = scope_of(wish)
    plan = Plan(
        scope.mutants,
        scope.attacks,
        all_mutants=scope.all_mutants,
        cover=scope.cover,
        full=wish.full,
    )
    results: list[Tried] = []

    def watch(tried: Tried) -> None:
        results.append(tried)
        progress(tried, plan.open)

    started = time.monotonic()
    complete = True
    count = processors() if workers is None else workers
    with tempfile.TemporaryDirectory(prefix="trustpin-lab-selftest-") as folder:
        try:
            if count:
                work_together(plan, Path(folder), count, watch)
            else:
                by_name = {mutant.name: mutant for mutant in scope.all_mutants}
                cases = attacks_on_the_app()
                with Stage(Path(folder), by_name, cases, judging=judging) as stage:
                    work_alone(plan, stage, watch)
        except KeyboardInterrupt:
            complete = False
    findings = conclude(
        scope.mutants,
        scope.attacks,
        results,
        all_mutants=scope.all_mutants,
        named_only=not scope.cover,
    )
    return Outcome(findings, time.monotonic() - started, complete)


def _trimmed(mutant: Mutant, attacks: frozenset[str], *, ask_all: bool) -> Mutant:
    """Return ``mutant`` as it is about ``attacks`` alone: those that it names, or all."""
    named = tuple(slug for slug in mutant.killed_by if slug in attacks)
    others = tuple(sorted(attacks - set(named))) if ask_all else ()
    return replace(mutant, killed_by=(*named, *others))


def _check(names: frozenset[str], known: Sequence[str], what: str) -> None:
    unknown = sorted(names - set(known))
    if unknown:
        raise Unknown(f"there is no {what} called {unknown[0]!r}")
