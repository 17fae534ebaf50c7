"""What many results come to together, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.evidence.record import ScenarioResult
from lab.evidence.text import counted, listed
from lab.judge.reading import own
from lab.model.attack import Subject
from lab.model.outcome import Answer
from lab.model.verdict import Verdict
from lab.model.wire import LEAKED

WORST_FIRST = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)

WORDS = {
    Verdict.PASS: "PASS",
    Verdict.FAIL: "FAIL",
    Verdict.INCONCLUSIVE: "INCONCLUSIVE",
    Verdict.NOT_APPLICABLE: "n/a",
}

LETTERS = {
    Verdict.PASS: "P",
    Verdict.FAIL: "F",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_APPLICABLE: "-",
}
"""Told apart without colour."""


class Sort(StrEnum):
    """What kind of statement a scenario makes."""

    ATTACK = "attack"
    """The app must refuse."""
    GENUINE = "genuine"
    """The app must keep working."""
    SELF_TEST = "self-test"
    """Another client than the app was attacked: a statement about the lab."""


def sort_of(result: ScenarioResult) -> Sort:
    """Return what kind of statement ``result`` makes."""
    if result.subject is not Subject.APP:
        return Sort.SELF_TEST
    if result.trial is not None and result.trial.expectation.answer is Answer.ACCEPTED:
        return Sort.GENUINE
    return Sort.ATTACK


def was_read(result: ScenarioResult) -> bool:
    """Tell whether the adversary read what the app under test had to keep from it."""
    trial = result.trial
    if trial is None or sort_of(result) is not Sort.ATTACK:
        return False
    return any(c.wire_class in LEAKED for c in own(trial.attack, trial.host))


@dataclass(frozen=True, slots=True)
class Tally:
    """The counts of a run."""

    by_verdict: dict[Verdict, int]
    attacks_passed: int
    attacks_run: int
    genuine_passed: int
    genuine_run: int
    self_tests_passed: int
    self_tests_run: int
    read: int
    """Attacks in which the adversary read application data."""
    retried: int
    """Scenarios that needed more than one attempt."""

    @property
    def run(self) -> int:
        """How many scenarios came to PASS, FAIL or INCONCLUSIVE."""
        return self.attacks_run + self.genuine_run + self.self_tests_run


def tally(results: Iterable[ScenarioResult]) -> Tally:
    """Count ``results``. What is not applicable is in ``by_verdict`` only."""
    results = tuple(results)
    verdicts = Counter(r.verdict for r in results)
    ran = [r for r in results if r.verdict is not Verdict.NOT_APPLICABLE]
    of = Counter(sort_of(r) for r in ran)
    good = Counter(sort_of(r) for r in ran if r.verdict is Verdict.PASS)
    return Tally(
        by_verdict={verdict: verdicts[verdict] for verdict in WORST_FIRST},
        attacks_passed=good[Sort.ATTACK],
        attacks_run=of[Sort.ATTACK],
        genuine_passed=good[Sort.GENUINE],
        genuine_run=of[Sort.GENUINE],
        self_tests_passed=good[Sort.SELF_TEST],
        self_tests_run=of[Sort.SELF_TEST],
        read=sum(was_read(r) for r in ran),
        retried=sum(r.attempts > 1 for r in results),
    )


def overall(counts: Tally, *, complete: bool = True) -> Verdict:
    """Return what the run as a whole comes to. Nothing tested is INCONCLUSIVE, never PASS."""
    if counts.by_verdict[Verdict.FAIL]:
        return Verdict.FAIL
    if counts.by_verdict[Verdict.INCONCLUSIVE] or not complete or not counts.run:
        return Verdict.INCONCLUSIVE
    return Verdict.PASS


def headline(counts: Tally) -> str:
    """Say in one sentence what became of the attacks."""
    if not counts.run:
        return "Nothing was tested."
    if not counts.attacks_run:
        return "No attack was carried out."
    refused = f"{counts.attacks_passed} of {counted(counts.attacks_run, 'attack')} refused"
    if counts.attacks_passed == counts.attacks_run:
        return f"{refused}."
    return f"{refused} as they must be."


def details(counts: Tally) -> list[str]:
    """Return what else must be said in the same breath, most important first."""
    said = []
    if counts.read:
        said.append(f"The adversary read application data in {counted(counts.read, 'attack')}.")
    worst = [
        f"{counts.by_verdict[verdict]} {verdict}"
        for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)
        if counts.by_verdict[verdict]
    ]
    if worst:
        said.append(f"{listed(worst)}.")
    if counts.genuine_run:
        said.append(
            f"{counts.genuine_passed} of {counted(counts.genuine_run, 'genuine connection')} "
            "kept working."
        )
    if counts.self_tests_run:
        said.append(
            f"{counts.self_tests_passed} of {counted(counts.self_tests_run, 'self-test')} "
            "of the lab passed."
        )
    if counts.by_verdict[Verdict.NOT_APPLICABLE]:
        said.append(f"{counts.by_verdict[Verdict.NOT_APPLICABLE]} not applicable.")
    if counts.retried:
        said.append(f"{counted(counts.retried, 'scenario')} had to be repeated.")
    return said


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the worst of ``verdicts``, of which there must be one at least."""
    return min(verdicts, key=WORST_FIRST.index)
