"""A trial: everything that was witnessed of one scenario, and all that the judge gets to see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from lab.model.attack import Control, Expectation, ReportsDue, Step
from lab.model.failure_report import FailureReport, ReportWay
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
    shared: bool = False
    """This benign request was made at the end of the scenario before; nothing of device, route,
    app or adversary was changed between the two."""


ANOMALY = "anomaly"
"""Name of the fact whether the anomaly of an attack went out on the wire."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a scenario measured itself. ``holds`` None: it could not be measured."""

    name: str
    holds: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """A figure that was taken. It never decides a verdict: how fast a machine is says nothing
    about whether pinning holds."""

    name: str
    """What was measured, in words."""
    seconds: tuple[float, ...]
    """Each single figure, in the order in which they were taken; empty where none was to be had."""
    budget: float
    """Seconds that the median may come to."""
    source: str
    """Who saw it, and how exactly: ``the phone's log, in whole milliseconds``."""

    @property
    def median(self) -> float | None:
        """The median in seconds, None where nothing was measured."""
        return median(self.seconds) if self.seconds else None

    @property
    def is_within(self) -> bool | None:
        """Whether the median is within the budget, None where nothing was measured."""
        return self.median <= self.budget if self.median is not None else None


@dataclass(frozen=True, slots=True)
class SideAttempt:
    """What the app was asked for beside the host under attack, while the attack was in force."""

    host: str
    outcome: AppOutcome
    expectation: Expectation
    served_chain: tuple[str, ...] = ()
    """SHA-256 of the certificates that the attack serves for it; empty where it serves none."""
    known_pins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportPromise:
    """What app and profile promise about failure reports."""

    kinds: frozenset[ErrorKind]
    """The kinds of error that are reported; empty where no report is promised."""
    collector: str = ""
    """Host of the collector: a report that goes anywhere else is a leak."""
    way: ReportWay = ReportWay.HTTP
    due: ReportsDue = ReportsDue.EACH


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
    beside: tuple[SideAttempt, ...] = ()
    """What else the app was asked for under the attack."""
    measurements: tuple[Measurement, ...] = ()

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that took place, in their order."""
        found = (self.baseline, self.attack, self.control, self.recovery)
        return tuple(phase for phase in found if phase is not None)

    @property
    def served_digests(self) -> tuple[str, ...]:
        """SHA-256 of each certificate that was served, or was to be, once each."""
        chains = [c.served_chain for phase in self.phases for c in phase.connections]
        return tuple(dict.fromkeys(d for chain in (self.served_chain, *chains) for d in chain))
