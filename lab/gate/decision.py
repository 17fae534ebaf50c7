"""What a gate comes to: open, or what keeps it closed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from lab.gate.selectors import Scenario

FORMAT: Literal["trustpin-lab-gate/1"] = "trustpin-lab-gate/1"


class Kind(StrEnum):
    """What kind of thing keeps a gate closed, the most important first."""

    FAIL = "fail"
    """A scenario failed."""
    SIGNER = "signer"
    """A bundle is signed by somebody else."""
    BUILD = "build"
    """Another build of the app was tested, or nobody knows which."""
    INCOMPLETE = "incomplete"
    """A run did not get to its end."""
    AGE = "age"
    """A run is too old, or from the future."""
    SELFTEST = "selftest"
    """Nothing shows that the lab would have noticed."""
    DEVICE = "device"
    """On no such device did anything pass."""
    OS = "os"
    """On no device with such an operating system did anything pass."""
    MISSING = "missing"
    """A scenario was not run."""
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    MINIMUM = "minimum"
    """Too few scenarios passed."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that keeps the gate closed."""

    kind: Kind
    text: str
    """What is missing, in a sentence."""
    mend: str
    """What to do about it."""
    scenarios: tuple[Scenario, ...] = ()
    """The scenarios that it is about; empty where it is about bundles."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate came to."""

    open: bool
    gaps: tuple[Gap, ...]
    """What keeps it closed, the most important first; nothing where it is open."""
    notes: tuple[str, ...]
    """What else its reader must know: waivers that were used, ended or are not needed."""
    required: int
    """How many scenarios the rules ask for."""
    passed: int
    """How many of these passed."""
    waived: tuple[Scenario, ...]
    """Those that did not, and that a waiver names."""
    bundles: tuple[str, ...]
    format: Literal["trustpin-lab-gate/1"] = FORMAT
