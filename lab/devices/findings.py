"""What a look at a device found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How good a finding is."""

    GOOD = "good"
    LIMITED = "limited"
    """A run is possible, and shows less than it could."""
    BAD = "bad"
    """No run is possible before this is mended."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    health: Health
    text: str
    mend: str = ""
    """What to do about it; empty where nothing is to be done."""


def good(what: str, text: str) -> Finding:
    """Return a finding that needs nothing done."""
    return Finding(what, Health.GOOD, text)


def limited(what: str, text: str, mend: str) -> Finding:
    """Return a finding with which a run shows less."""
    return Finding(what, Health.LIMITED, text, mend)


def bad(what: str, text: str, mend: str) -> Finding:
    """Return a finding with which there is no run."""
    return Finding(what, Health.BAD, text, mend)
