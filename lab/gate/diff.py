"""What changed between two runs: a pure function of their results, regressions first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from lab.evidence.assessed import advice
from lab.evidence.matrix import natural
from lab.evidence.record import ScenarioResult
from lab.evidence.tally import WORST_FIRST
from lab.evidence.text import listed, one_line
from lab.evidence.words import why
from lab.gate.selectors import Scenario, scenario_of
from lab.model.verdict import Verdict

FORMAT: Literal["trustpin-lab-diff/1"] = "trustpin-lab-diff/1"


class Change(StrEnum):
    """What became of a scenario from one run to the next, in the order in which it is told."""

    FAILS = "fails"
    """PASS before, FAIL now."""
    UNPROVEN = "unproven"
    """PASS before, INCONCLUSIVE now."""
    NOT_EXERCISED = "not_exercised"
    """PASS before, NOT_APPLICABLE now."""
    DISAPPEARED = "disappeared"
    """There before, not there now."""
    OTHER = "other"
    """Another verdict, and PASS neither before nor now."""
    FIXED = "fixed"
    """PASS now, not before."""
    NEW = "new"
    """Not there before."""
    SAME = "same"


REGRESSIONS = frozenset({Change.FAILS, Change.UNPROVEN, Change.NOT_EXERCISED, Change.DISAPPEARED})

_FROM_PASS = {
    Verdict.FAIL: Change.FAILS,
    Verdict.INCONCLUSIVE: Change.UNPROVEN,
    Verdict.NOT_APPLICABLE: Change.NOT_EXERCISED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a run says of a scenario."""

    verdict: Verdict
    why: str
    title: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One scenario in both runs."""

    change: Change
    scenario: Scenario
    """With the newer run's device and, where the attack was moved, its row."""
    old: Told | None
    """None where it was not there."""
    new: Told | None
    hint: str
    """Where to look next; empty where nothing is wrong now."""


@dataclass(frozen=True, slots=True)
class Run:
    """One of the two runs."""

    name: str
    """As the user names it."""
    lab: str
    """Version of the lab; empty where that is not known."""
    complete: bool
    results: tuple[ScenarioResult, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two runs."""

    old: str
    new: str
    changed: tuple[Changed, ...]
    """All but what is the same, in the order in which it is told: regressions first."""
    same: Mapping[str, int]
    """How many scenarios have the same verdict as before, by verdict."""
    notes: tuple[str, ...]
    """What the reader must know of the runs before believing the rest."""
    format: Literal["trustpin-lab-diff/1"] = FORMAT

    @property
    def regressions(self) -> tuple[Changed, ...]:
        """What was better before."""
        return tuple(each for each in self.changed if each.change in REGRESSIONS)


def difference(old: Run, new: Run, renamed: Mapping[str, str] | None = None) -> Difference:
    """Return what changed from ``old`` to ``new``. ``renamed`` gives devices of the old run the
    id that they have in the new one.

    A scenario is the same one where device, attack, adversary and TLS version are; where a run has
    several results of it, they are compared in the order of how bad they are.
    """
    names = renamed or {}
    before = _by_scenario(old.results, names)
    after = _by_scenario(new.results, {})
    every = [
        change
        for scenario in dict.fromkeys((*after, *before))
        for change in _changes(scenario, before.get(scenario, []), after.get(scenario, []))
    ]
    same = [each for each in every if each.change is Change.SAME]
    order = list(Change)
    return Difference(
        old=old.name,
        new=new.name,
        changed=tuple(
            sorted(
                (each for each in every if each.change is not Change.SAME),
                key=lambda each: (
                    order.index(each.change),
                    _badness(each),
                    natural(each.scenario.case),
                    each.scenario,
                ),
            )
        ),
        same={
            verdict.value: count
            for verdict in WORST_FIRST
            if (count := sum(e.new is not None and e.new.verdict is verdict for e in same))
        },
        notes=tuple(_notes(old, new, every, names)),
    )


def _by_scenario(
    results: Iterable[ScenarioResult], names: Mapping[str, str]
) -> dict[Scenario, list[ScenarioResult]]:
    found: dict[Scenario, list[ScenarioResult]] = defaultdict(list)
    for result in results:
        scenario = scenario_of(result)
        found[replace(scenario, device=names.get(result.device, result.device))].append(result)
    for same in found.values():
        same.sort(key=lambda result: WORST_FIRST.index(result.verdict))
    return dict(found)


def _changes(
    scenario: Scenario, old: Sequence[ScenarioResult], new: Sequence[ScenarioResult]
) -> Iterator[Changed]:
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else None
        after = new[index] if index < len(new) else None
        latest = after or before
        assert latest is not None, "one of the two lists is as long"
        wrong = after is not None and after.verdict is not Verdict.PASS
        yield Changed(
            change_of(_verdict(before), _verdict(after)),
            replace(scenario, case=latest.case),
            _told(before),
            _told(after),
            advice(latest) if wrong else "",
        )


def change_of(old: Verdict | None, new: Verdict | None) -> Change:
    """Return what becomes of a scenario; None stands for a run in which it is not there."""
    if old is None:
        return Change.NEW
    if new is None:
        return Change.DISAPPEARED
    if old is new:
        return Change.SAME
    if new is Verdict.PASS:
        return Change.FIXED
    return _FROM_PASS[new] if old is Verdict.PASS else Change.OTHER


def _told(result: ScenarioResult | None) -> Told | None:
    return None if result is None else Told(result.verdict, why(result), result.title)


def _verdict(result: ScenarioResult | None) -> Verdict | None:
    return None if result is None else result.verdict


def _badness(each: Changed) -> int:
    told = each.new or each.old
    return len(WORST_FIRST) if told is None else WORST_FIRST.index(told.verdict)


def _notes(old: Run, new: Run, every: Sequence[Changed], names: Mapping[str, str]) -> Iterator[str]:
    if old.lab != new.lab:
        told = f"{old.lab or 'unknown'} before, {new.lab or 'unknown'} now"
        yield (
            f"The runs are of different versions of the lab ({told}): attacks may have come, gone, "
            "or become stricter."
        )
    for run in (old, new):
        if not run.complete:
            yield f"{run.name} is of a run that did not get to everything."
    before = {names.get(result.device, result.device) for result in old.results}
    after = {result.device for result in new.results}
    if before != after:
        gone, come = sorted(before - after), sorted(after - before)
        said = [f"only before: {listed(gone)}"] if gone else []
        said += [f"only now: {listed(come)}"] if come else []
        hint = ". Where one was only renamed: --match OLD=NEW" if gone and come else ""
        yield one_line(f"Not the same devices; {'; '.join(said)}{hint}.")
    yield from dict.fromkeys(filter(None, map(_retitled, every)))


def _retitled(each: Changed) -> str:
    if each.old is None or each.new is None or each.old.title == each.new.title:
        return ""
    name = f"{each.scenario.case} {each.scenario.slug}"
    return one_line(f"{name} has another title: {each.old.title!r} before, {each.new.title!r} now.")
