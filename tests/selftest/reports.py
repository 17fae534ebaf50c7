"""Reports of self-tests that never took place."""

from __future__ import annotations

from lab.selftest.findings import REFERENCE, Effect, Findings
from lab.selftest.report import SelftestReport, make_report
from lab.selftest.run import Outcome, Wish
from tests.selftest.builders import attack, found, mutant, survived, tried


def report(findings: Findings, *, complete: bool = True) -> SelftestReport:
    outcome = Outcome(findings, 12.3, complete)
    return make_report(Wish(), outcome, "20261130T120000Z-abcdef", 1_790_000_000.0)


def example() -> SelftestReport:
    """Return a report with something of everything in it."""
    evil = "<b>evil</b>\x1b[31m"
    mutants = [mutant("Dead", "one"), mutant("Lives", "one", "two"), mutant("Unsure", "three")]
    attacks = [attack("one", "B1"), attack("two", "B2"), attack("three", "C1"), attack("idle")]
    results = [
        tried("Dead", "one"),
        tried("Lives", "one", Effect.OTHER_REASON, rules=["answer_is_right"]),
        tried("Lives", "two", Effect.SURVIVED, why=evil),
        tried("Unsure", "three", Effect.UNDECIDED),
        tried("Dead", "idle", Effect.SURVIVED),
        *survived("one", "two", "idle"),
        tried(REFERENCE, "three", Effect.OTHER_REASON, why="it leaked"),
    ]
    return report(found(mutants, attacks, results))
