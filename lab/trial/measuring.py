"""Takes the figures that the founding document promises, from outside the app.

Two clocks are read. The phone's own log has the time of each line in whole milliseconds; the SDK's
lines are documented (contract section 2.9), the app's are those that its page object reads. The
wire has the times of the adversary. Nothing here decides a verdict.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise

from lab.apps import messages
from lab.catalogue import hosts
from lab.catalogue.make import terminate
from lab.judge.reading import is_own
from lab.model.attack import Figure
from lab.model.device import LoggedLine
from lab.model.serving import HostPlan
from lab.model.trial import Measurement
from lab.model.wire import TlsVersion
from lab.trial.seat import Seat, arming

STARTS = 3
"""How often the app is set up afresh."""
LOOKS = 5
"""How often a certificate is looked at."""

BUDGETS = {
    Figure.SETUP: 0.1,
    Figure.FETCH: 0.2,
    Figure.VALIDATION: 0.005,
    Figure.LOOK_UP: 0.001,
}
"""Seconds: the upper ends of what the founding document says ("Performance Impact")."""

LOOK_BEGINS = "Starting certificate verification for domain: "
LOOK_ENDS = "Valid pin found for "
LOG = "the phone's log, in whole milliseconds"
WIRE = "the wire: from the first packet until the service has the request"


class Stopwatch:
    """Measures one device in its seat, in a benign network."""

    def __init__(self, seat: Seat, versions: tuple[TlsVersion, ...]) -> None:
        self._seat = seat
        self._versions = versions

    def take(self, figures: Sequence[Figure]) -> tuple[Measurement, ...]:
        """Return a measurement of each, and where pins are looked at one of whole requests, with
        pins and without. Raises DeviceLost."""
        taken: list[Measurement] = []
        if Figure.SETUP in figures or Figure.FETCH in figures:
            taken += self._starts()
        if Figure.VALIDATION in figures:
            taken += self._validations()
        if Figure.LOOK_UP in figures:
            taken.append(self._look_ups())
        return tuple(taken)

    def _starts(self) -> tuple[Measurement, ...]:
        setups: list[float] = []
        fetches: list[float] = []
        for _ in range(STARTS):
            number = self._arm({hosts.HOST: self._genuine(hosts.HOST)})
            since = time.time()
            lines = self._logged(self._start)
            setups += _between(lines, messages.SETUP_BEGINS, messages.SETUP_SUCCEEDED)
            fetches += self._fetched(number, since)
        return (
            Measurement("Setting up", tuple(setups), BUDGETS[Figure.SETUP], LOG),
            Measurement("Fetching the configuration", tuple(fetches), BUDGETS[Figure.FETCH], WIRE),
        )

    def _start(self) -> None:
        self._seat.launch(fresh=True)
        # Where setup does not fetch, the first request waits for the configuration.
        self._seat.ask(hosts.HOST)

    def _fetched(self, number: int, since: float) -> list[float]:
        seat, service = self._seat, hosts.CONFIGURATION_SERVICE
        records = seat.bench.engine.settle(seat.device.id, number, 0.0)
        opened = [c.opened_at for c in records if is_own(c, service)]
        asked = [hit.at for hit in seat.bench.backend.configuration.hits(since)]
        return [asked[0] - opened[0]] if opened and asked and asked[0] >= opened[0] else []

    def _validations(self) -> tuple[Measurement, ...]:
        """Look at a new certificate each time, with the pinned key, and request by turns a host
        that has pins and one that has none."""
        pki = self._seat.bench.pki
        key = pki.genuine(hosts.HOST).key
        plain = self._genuine(hosts.UNREGISTERED)

        def by_turns() -> None:
            for _ in range(LOOKS):
                fresh = HostPlan(terminate(pki.intermediate.issue(hosts.HOST, key=key)))
                self._arm({hosts.HOST: fresh, hosts.UNREGISTERED: plain})
                self._seat.ask(hosts.HOST)
                self._seat.ask(hosts.UNREGISTERED)

        lines = self._logged(by_turns)
        looks = _between(lines, LOOK_BEGINS, LOOK_ENDS)
        requests = _between(lines, messages.TEST_BEGINS, messages.TEST_SUCCEEDED)
        # Where one is missing, nothing says which is which.
        pairs = (
            zip(requests[::2], requests[1::2], strict=True) if len(requests) == 2 * LOOKS else ()
        )
        overheads = [with_pins - without for with_pins, without in pairs]
        budget = BUDGETS[Figure.VALIDATION]
        beyond = "A request with pins, beyond one without"
        return (
            Measurement("Looking at a new certificate", tuple(looks), budget, LOG),
            Measurement(beyond, tuple(overheads), budget, LOG),
        )

    def _look_ups(self) -> Measurement:
        self._arm({hosts.HOST: self._genuine(hosts.HOST)})
        self._seat.ask(hosts.HOST)
        lines = self._logged(lambda: [self._seat.ask(hosts.HOST) for _ in range(LOOKS)])
        looks = _between(lines, LOOK_BEGINS, LOOK_ENDS)
        return Measurement(
            "Looking at a known certificate", tuple(looks), BUDGETS[Figure.LOOK_UP], LOG
        )

    def _genuine(self, host: str) -> HostPlan:
        # Not relayed: a connection that the app keeps would go past what is armed next.
        return HostPlan(terminate(self._seat.bench.pki.genuine(host)))

    def _arm(self, plans: dict[str, HostPlan]) -> int:
        return self._seat.arm(arming("measurement", plans, self._versions))

    def _logged(self, act: Callable[[], object]) -> tuple[LoggedLine, ...]:
        moment = self._seat.device.log_moment()
        act()
        return self._seat.device.log_lines(moment)


def _between(lines: Sequence[LoggedLine], begins: str, ends: str) -> list[float]:
    """Return the seconds from each line that begins so to the end that follows it."""
    marks = [line for line in lines if line.message.startswith((begins, ends))]
    return [
        last.at - first.at
        for first, last in pairwise(marks)
        if first.message.startswith(begins) and last.message.startswith(ends)
    ]
