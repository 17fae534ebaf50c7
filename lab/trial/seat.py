"""A device in its seat: the state that the lab has brought it into, changed only where needed."""

from __future__ import annotations

import time

from lab.catalogue import hosts
from lab.model.attack import Control, RouteKind, Trust
from lab.model.device import AppSetup, Device
from lab.model.outcome import Answer, AppOutcome
from lab.model.serving import Arming, HostPlan, Relay
from lab.model.trial import Phase, PhaseName
from lab.model.attack import Expectation
from lab.model.wire import LEAKED, ConnectionRecord
from lab.trial.bench import Bench

CONTROL_CAP = 5.0
"""Seconds to wait for the control client to be caught."""


class Seat:
    """One device with the adversary's listeners that belong to it."""

    def __init__(self, bench: Bench, device: Device) -> None:
        self.bench = bench
        self.device = device
        self._configured: str | None = None
        self._setup: AppSetup | None = None

    def forget(self) -> None:
        """Assume nothing about the app any more: it was restarted or lost."""
        self._configured = None

    def prepare(self, route: RouteKind, trust: Trust, anchors: tuple[bytes, ...]) -> None:
        """Bring route, trust stores and clock into the state that a scenario starts from."""
        self.device.take_route(route)
        self.device.trust(trust, anchors)
        self.device.set_clock_offset(0.0)

    def configure(self, name: str, *, again: bool = False) -> AppOutcome:
        """Set the app up under the configuration called ``name``, unless it already is.

        The app starts from scratch, so that an older configuration or a report of an earlier
        scenario cannot play into this one. The network is benign meanwhile.
        """
        if self._configured == name and not again:
            return AppOutcome(Answer.ACCEPTED)
        self._configured = None
        self._setup = self.bench.app_setup(name)
        self.bench.publish(self._setup.configuration)
        self.arm(benign("set-up"))
        outcome = self.device.set_up(self._setup, fresh=True)
        if outcome.answer is Answer.ACCEPTED:
            self._configured = name
        return outcome

    @property
    def setup(self) -> AppSetup:
        """What the app was last set up with."""
        assert self._setup is not None, "the app has not been set up"
        return self._setup

    def known_pins(self, host: str) -> tuple[str, ...]:
        """Return the pins published for ``host`` as a failure report quotes them."""
        pins = self.setup.configuration.pins_for(host)
        return tuple(f"{pin.kind}={pin.digest}" for pin in pins)

    def arm(self, arming: Arming) -> int:
        return self.bench.engine.arm(self.device.id, arming)

    def request(
        self, name: PhaseName, host: str, arming: Arming, expectation: Expectation | None = None
    ) -> Phase:
        """Let the app under test request ``host`` while ``arming`` is in force."""
        number = self.arm(arming)
        outcome = self.device.request(f"https://{host}/")
        return self._witnessed(name, host, number, outcome, expectation)

    def control(self, host: str, arming: Arming, kind: Control) -> Phase:
        """Let the unpinned client request ``host`` while ``arming`` is in force."""
        number = self.arm(arming)
        scheme = "http" if kind is Control.CLEARTEXT else "https"
        outcome = self.device.control(f"{scheme}://{host}/", kind)

        def caught(record: ConnectionRecord) -> bool:
            return record.host == host and record.wire_class in LEAKED

        self.bench.engine.wait_for(self.device.id, number, caught, CONTROL_CAP)
        return self._witnessed(PhaseName.CONTROL, host, number, outcome, None)

    def _witnessed(
        self,
        name: PhaseName,
        host: str,
        number: int,
        outcome: AppOutcome,
        expectation: Expectation | None,
    ) -> Phase:
        engine = self.bench.engine
        still_armed = engine.armed(self.device.id) == number
        return Phase(
            name=name,
            host=host,
            outcome=outcome,
            connections=engine.settle(self.device.id, number),
            lookups=engine.lookups(self.device.id, number),
            armed=still_armed,
            expectation=expectation,
        )


def benign(label: str, plans: dict[str, HostPlan] | None = None, **changes: object) -> Arming:
    """Return an arming that relays every declared host but those that ``plans`` name."""
    named = plans or {}
    every = tuple((host, named.get(host, HostPlan(Relay()))) for host in hosts.DECLARED)
    return Arming(label, every)


def now() -> float:
    """Return true time in epoch seconds."""
    return time.time()
