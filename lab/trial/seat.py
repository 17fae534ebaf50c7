"""A device in its seat: the state that the lab has brought it into, changed only where needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.catalogue import hosts
from lab.judge.reading import is_own, own
from lab.model.attack import Control, Expectation, RouteKind, Step, Subject, Trust
from lab.model.device import AppSetup, Device
from lab.model.outcome import Answer, AppOutcome
from lab.model.profile import Profile
from lab.model.publication import Publication
from lab.model.serving import Arming, HostPlan, Relay, Terminate
from lab.model.trial import Phase, PhaseName, Trial
from lab.model.wire import LEAKED, ConnectionRecord, TlsVersion, WireClass
from lab.trial.case import ALL_VERSIONS

if TYPE_CHECKING:
    from lab.trial.bench import Bench

SHARED_CAP = 60.0
"""Seconds for which a benign request counts as one of now."""
CONTROL_CAP = 5.0
"""Seconds to wait for the control client to be caught, once it has made its request."""

KeepPicture = Callable[[bytes], str | None]
"""Stores a screenshot and returns its name, None where it could not be kept."""

KeepCapture = Callable[[bytes], str]
"""Stores a capture of packets and returns its name."""

KeepCertificate = Callable[[bytes], None]
"""Stores the DER of a certificate."""

_CONTROLS = {Subject.UNPINNED: Control.UNPINNED, Subject.CARELESS: Control.CARELESS}


@dataclass(frozen=True, slots=True)
class Benign:
    """A request whose answer proves that everything works: who asks whom, under what."""

    subject: Subject
    host: str
    wanted: Arming


class Seat:
    """One device with the adversary's listeners that belong to it."""

    def __init__(
        self,
        bench: Bench,
        device: Device,
        keep_picture: KeepPicture,
        profile: Profile | None = None,
        keep_capture: KeepCapture | None = None,
        keep_certificate: KeepCertificate | None = None,
    ) -> None:
        self.bench = bench
        self.device = device
        self.profile = profile or device.profile
        """What the app's SDK is expected to do; what the device says, unless told otherwise."""
        self._keep_picture = keep_picture
        self.keep_capture = keep_capture
        self._keep_certificate = keep_certificate
        self._certificates: dict[str, bytes] = {}
        self._configured: str | None = None
        self._setup: AppSetup | None = None
        self._place: tuple[RouteKind, Trust, tuple[bytes, ...]] | None = None
        self._last_benign: tuple[Benign, float, Phase] | None = None
        self._seen: set[str] = set()

    def prepare(self, route: RouteKind, trust: Trust, anchors: tuple[bytes, ...]) -> None:
        """Bring route and trust stores into the state that a scenario starts from."""
        wanted = (route, trust, anchors)
        if self._place == wanted:
            return
        if self._place is None or self._place[1:] != wanted[1:]:
            # An app keeps the CAs that it has once found for as long as it runs.
            self._configured = None
        self._place = self._last_benign = None
        self.device.take_route(route)
        self.device.trust(trust, anchors)
        self._place = wanted

    def forget(self) -> None:
        """Assume nothing about the device and its app any more."""
        self._place = self._configured = self._last_benign = None

    def configure(self, name: str, *, again: bool = False) -> AppOutcome:
        """Set the app up under the configuration called ``name``, unless it already is.

        The app starts from scratch, so that an older configuration or a report of an earlier
        scenario cannot play into this one. The network is benign meanwhile.
        """
        if self._configured == name and not again:
            return AppOutcome(Answer.ACCEPTED)
        self.publish(name)
        self.arm(arming("set-up", {}))
        outcome = self.device.set_up(self.setup, fresh=True)
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

    def arm(self, wanted: Arming) -> int:
        """Put ``wanted`` in force for this device; return its number."""
        self._last_benign = None
        if self._keep_certificate is not None:
            for _, plan in wanted.hosts:
                if isinstance(plan.serving, Terminate):
                    self._certificates |= zip(plan.digests, plan.serving.chain, strict=True)
        return self.bench.engine.arm(self.device.id, wanted)

    def keep_certificates(self, trial: Trial) -> None:
        """Store each certificate that was served in ``trial``, or was to be."""
        phases = (trial.baseline, trial.attack, trial.control, trial.recovery)
        served = [c.served_chain for p in phases if p is not None for c in p.connections]
        for digest in {d for chain in (trial.served_chain, *served) for d in chain}:
            # What is not there was kept with the scenario that it was served in first.
            if self._keep_certificate is not None and digest in self._certificates:
                self._keep_certificate(self._certificates[digest])
        self._certificates.clear()

    def request(
        self,
        name: PhaseName,
        host: str,
        wanted: Arming,
        *,
        subject: Subject = Subject.APP,
        expectation: Expectation | None = None,
    ) -> Phase:
        """Let the client under test request ``host`` while ``wanted`` is in force."""
        number = self.arm(wanted)
        outcome = self.ask(host, subject)
        return self.witnessed(name, host, number, outcome, expectation)

    def remember(self, benign: Benign, phase: Phase) -> None:
        """Note that this was asked last, and what it came to."""
        took = any(c.wire_class is WireClass.INTERCEPTED for c in own(phase, benign.host))
        if took and phase.armed and phase.outcome.answer is Answer.ACCEPTED:
            self._last_benign = benign, time.monotonic(), phase

    def recalled(self, benign: Benign) -> Phase | None:
        """Return what this very request came to, where it was the last thing that was done to
        device, app and adversary, and not long ago. None where it is to be made."""
        if self._last_benign is None:
            return None
        last, at, phase = self._last_benign
        return phase if last == benign and time.monotonic() - at < SHARED_CAP else None

    def ask(self, address: str, subject: Subject = Subject.APP, path: str = "/") -> AppOutcome:
        """Let the client under test request ``path`` of ``address``, a host and perhaps a port,
        whatever is armed."""
        url = f"https://{address}{path}"
        kind = _CONTROLS.get(subject)
        return self.device.request(url) if kind is None else self.device.control(url, kind)

    def publish(self, name: str, clock_offset: float = 0.0) -> None:
        """Let the app's owner publish the configuration called ``name``, at the device's time
        where its clock is behind. The app is not taken for configured any more."""
        self._configured = None
        self._setup = self.bench.app_setup(name)
        self.bench.publisher.publish(self._setup.configuration, clock_offset)

    def hand_out(self, publication: Publication) -> None:
        """Let the configuration service serve this. The app is not taken for configured any more
        where it is not what the app's owner published."""
        self.bench.publisher.hand_out(publication)
        if not publication.is_right:
            self._configured = None

    def launch(self, *, fresh: bool) -> AppOutcome:
        """Launch the app and set it up, whatever is armed; ``fresh`` takes from it what it has
        stored. The app is not taken for configured afterwards."""
        self._configured = None
        return self.device.set_up(self.setup, fresh=fresh)

    def control(
        self, host: str, wanted: Arming, kind: Control, address: str | None = None
    ) -> Phase:
        """Let the unpinned client request ``host`` while ``wanted`` is in force; by ``address``
        where its URL does not say just that."""
        number = self.arm(wanted)
        scheme = "http" if kind is Control.CLEARTEXT else "https"
        outcome = self.device.control(f"{scheme}://{address or host}/", kind)

        def caught(record: ConnectionRecord) -> bool:
            return is_own(record, host) and record.wire_class in LEAKED

        self.bench.engine.wait_for(self.device.id, number, caught, CONTROL_CAP)
        return self.witnessed(PhaseName.CONTROL, host, number, outcome, None)

    def witnessed(
        self,
        name: PhaseName,
        host: str,
        number: int,
        outcome: AppOutcome,
        expectation: Expectation | None,
        step: Step = Step.REQUEST,
    ) -> Phase:
        """Return the phase that was tried under arming ``number``, once the wire has settled."""
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
            step=step,
        )

    def is_unseen(self, row: str) -> bool:
        """Tell whether this is the first time that this row of the catalogue is asked about."""
        unseen = row not in self._seen
        self._seen.add(row)
        return unseen

    def pictured(self, outcome: AppOutcome) -> AppOutcome:
        """Return ``outcome`` with a screenshot of the device as it is now, where it has one."""
        picture = self.device.screenshot()
        name = None if picture is None else self._keep_picture(picture)
        return outcome if name is None else replace(outcome, screenshot=name)


def arming(
    label: str,
    plans: Mapping[str, HostPlan],
    versions: tuple[TlsVersion, ...] = ALL_VERSIONS,
) -> Arming:
    """Return an arming that relays every declared host but those that ``plans`` name."""
    every = tuple((host, plans.get(host, HostPlan(Relay()))) for host in hosts.DECLARED)
    return Arming(label, every, versions)
