"""What to change for a scenario that failed: by the judge's rule and by what was attacked.

The texts are in one file, ``fixes.toml``, not in the code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from lab.evidence.record import ScenarioResult
from lab.evidence.tally import was_read
from lab.model.attack import Subject
from lab.model.verdict import Reason, Verdict


@dataclass(frozen=True, slots=True)
class Fix:
    """One thing to change, and the reasons that lead to it."""

    name: str
    title: str
    """What to do, in a sentence."""
    cause: str
    """What the reason shows."""
    android: str
    """Where in an Android app's code to look."""
    ios: str
    rules: tuple[str, ...]
    """The judge's rules that a reason may come from."""
    cases: tuple[str, ...] = ()
    """Catalogue ids, letters of them, or names of attacks; empty for any."""
    says: str = ""
    """Words in the reason's text; empty for any."""
    expects: str = ""
    """An ``Answer`` that the case expects of a correct client; empty for any."""
    plain: tuple[str, ...] = ()
    """Attacks that only a client with this very fault lets through."""
    covers: tuple[str, ...] = ()
    """Fixes that this one makes up for on a device that let a ``plain`` attack through."""

    def fits(self, reason: Reason, result: ScenarioResult) -> bool:
        """Tell whether this is what to do about ``reason``."""
        expected = result.trial.expectation.answer if result.trial is not None else ""
        return (
            reason.rule in self.rules
            and self.says in reason.text
            and self.expects in ("", expected)
            and (
                not self.cases
                or not {result.slug, result.case, result.case[:1]}.isdisjoint(self.cases)
            )
        )


@dataclass(frozen=True, slots=True)
class Repair:
    """A fix with all results that call for it."""

    fix: Fix
    results: tuple[ScenarioResult, ...]


def fixes_of(result: ScenarioResult) -> tuple[Fix, ...]:
    """Return what is to be changed for ``result`` to pass, the most pressing first.

    Nothing for a result that did not fail, and nothing where it is the lab that is at fault.
    """
    if result.verdict is not Verdict.FAIL or result.subject is not Subject.APP:
        return ()
    against = [r for r in result.reasons.reasons if r.verdict is Verdict.FAIL]
    found = (_fix_for(reason, result) for reason in against)
    return tuple(dict.fromkeys(fix for fix in found if fix is not None))


def causes(results: Sequence[ScenarioResult]) -> tuple[tuple[Fix, ...], ...]:
    """Return for each of ``results`` what is to be changed, seen together: an app without pins
    fails nearly every attack, and has one fault."""
    each = [fixes_of(result) for result in results]
    roots: dict[str, list[Fix]] = {}
    for result, found in zip(results, each, strict=True):
        roots.setdefault(result.device, []).extend(fix for fix in found if result.slug in fix.plain)
    return tuple(
        tuple(dict.fromkeys(_root(fix, roots[result.device]) for fix in found))
        for result, found in zip(results, each, strict=True)
    )


def repairs(results: Sequence[ScenarioResult]) -> tuple[Repair, ...]:
    """Return every fix that ``results`` call for: what loses data first, then what the most
    verdicts wait for."""
    wanted: dict[Fix, list[ScenarioResult]] = {}
    for result, found in zip(results, causes(results), strict=True):
        for fix in found:
            wanted.setdefault(fix, []).append(result)
    order = {fix: index for index, fix in enumerate(fixes())}

    def urgency(fix: Fix) -> tuple[bool, int, int]:
        return not any(map(was_read, wanted[fix])), -len(wanted[fix]), order[fix]

    return tuple(Repair(fix, tuple(wanted[fix])) for fix in sorted(wanted, key=urgency))


def _root(fix: Fix, roots: list[Fix]) -> Fix:
    """Return the cause of all others on the device that ``fix`` comes from, else ``fix``."""
    order = fixes()
    for root in sorted(set(roots), key=order.index):
        if fix.name in root.covers:
            return root
    return fix


def _fix_for(reason: Reason, result: ScenarioResult) -> Fix | None:
    return next((fix for fix in fixes() if fix.fits(reason, result)), None)


@cache
def fixes() -> tuple[Fix, ...]:
    """Return the table, first match first."""
    text = files("lab.evidence").joinpath("fixes.toml").read_text(encoding="utf-8")
    return TypeAdapter(tuple[Fix, ...]).validate_python(tomllib.loads(text)["fix"])
