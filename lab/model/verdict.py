"""Verdicts and their reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a scenario came to."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class Witness(StrEnum):
    """Who a reason comes from."""

    WIRE = "wire"
    APP = "app"
    REPORT = "report"
    CONTROL = "control"
    LAB = "lab"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a verdict, in words that a stranger understands."""

    verdict: Verdict
    """What this reason alone calls for; the worst of them is the verdict."""
    witness: Witness
    text: str
    rule: str = ""
    """Name of the judge's rule that it comes from; empty where it is no rule's."""
    finding: bool = False
    """Worth a reader's attention, though it speaks neither for nor against the client."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with every reason for it, the decisive ones first."""

    verdict: Verdict
    reasons: tuple[Reason, ...]

    @property
    def headline(self) -> str:
        """The first reason that calls for this very verdict."""
        return next((r.text for r in self.reasons if r.verdict is self.verdict), "")
