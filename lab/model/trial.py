"""A trial: everything that was witnessed of one scenario, and all that the judge gets to see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.model.attack import Control, Expectation, Step
from lab.model.failure_report import FailureReport
from lab.model.outcome import AppOutcome, ErrorKind
from lab.model.profile import NEWEST
from lab.model.wire import ConnectionRecord, Lookup


class PhaseName(StrEnum):
    """The slices of a sandwich, and the control."""

    BASELINE = "baseline"
    ATTACK = "attack"
    CONTROL = "control"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Phase:
    """One attempt of one client, as the app and the wire tell it."""

    name: PhaseName
    host: str
    outcome: AppOutcome
    connections: tuple[ConnectionRecord, ...] = ()
    """Every connection of the window, whatever its host."""
    lookups: tuple[Lookup, ...] = ()
    armed: bool = True
    """The adversary confirmed the arming before the attempt and still held it after."""
    expectation: Expectation | None = None
    """For baseline and recovery: what a benign attempt must come to."""
    step: Step = Step.REQUEST
    """What the app was doing when it came to ``outcome``."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a scenario measured itself. ``holds`` None: it could not be measured."""

    name: str
    holds: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class ReportPromise:
    """What app and profile promise about failure reports."""

    kinds: frozenset[ErrorKind]
    """The kinds of error that are reported; empty where no report is promised."""
    collector: str = ""
    """Host of the collector: a report that goes anywhere else is a leak."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The witness records of one scenario."""

    case: str
    device: str
    host: str
    port: int
    expectation: Expectation
    baseline: Phase
    attack: Phase
    recovery: Phase
    control: Phase | None
    control_kind: Control
    served_chain: tuple[str, ...]
    """SHA-256 of the certificates that the attack serves for ``host``, leaf first; empty where
    it serves none."""
    promise: ReportPromise
    reports: tuple[FailureReport, ...] = ()
    """Every report received from this device since the baseline began."""
    known_pins: tuple[str, ...] = ()
    """The pins published for ``host``, as ``kind=base64``: what a right report must quote."""
    clock_offset: float = 0.0
    """Seconds that the device's clock is ahead of the lab's."""
    started_at: float = 0.0
    """Epoch seconds on the lab's clock."""
    ended_at: float = 0.0
    facts: tuple[Fact, ...] = ()
    private_hosts: frozenset[str] = frozenset()
    """Other hosts of the app's owner (configuration, collector): application bytes for these
    must not reach the adversary either."""
    profile: str = NEWEST.name
    """Name of the expectation profile: the SDK version whose documented behaviour is expected."""
