from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lab.backend import API, COLLECTOR, CONFIGURATION, Backend
from lab.loop import LabLoop
from lab.model.failure_report import FailureReport
from lab.model.pins import Mode, Pin, PinConfiguration, PinKind, PinnedDomain
from lab.phone.link import Patience
from lab.phone.sdk import client, configuration
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.events import ValidationEvent
from lab.phone.sdk.reports import QueuedReport, ReportQueue
from lab.phone.services import DEFAULT_TIMEOUT, Cancellation, SdkSettings
from lab.pinning.jws import new_signing_key, public_key_text, sign_configuration
from lab.pinning.pins import pin_of
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from tests.patience import CAP, LONG
from tests.phone.sdk.peers import Peer
from tests.phone.sdk.phones import TestPhone

KEY = new_signing_key()


@pytest.fixture(scope="session")
def pki() -> LabPki:
    return LabPki(("acme.test",))


@pytest.fixture(scope="session")
def loop() -> Iterator[LabLoop]:
    with LabLoop() as loop:
        yield loop


@dataclasses.dataclass
class World:
    """The owner's backend, the network, a phone in it, and the app's private directory."""

    pki: LabPki
    backend: Backend
    phone: TestPhone
    folder: Path
    stack: ExitStack
    events: list[ValidationEvent] = dataclasses.field(default_factory=list)
    peers: int = 0
    published: bytes = b""

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def settings(self) -> SdkSettings:
        return SdkSettings(
            organization_id="org",
            project_id="project",
            public_key=public_key_text(KEY),
            configuration_url=f"https://{CONFIGURATION}/pins.jws",
            report_url=f"https://{COLLECTOR}/v1/reports",
            device="phone-1",
        )

    def pins(self, host: str, expires_at: float | None = None) -> tuple[Pin, ...]:
        """Return a pin of the genuine key of ``host`` and one of its backup key."""
        expiry = None if expires_at is None else int(expires_at)
        credentials = (self.pki.genuine(host), self.pki.backup(host))
        return tuple(pin_of(c.certificate, PinKind.SPKI_SHA256, expiry) for c in credentials)

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """The owner's, which configurations are signed with."""
        return KEY

    def standard(self, version: int = 1, **more: tuple[Pin, ...]) -> PinConfiguration:
        """Return a configuration with pins of API and collector. ``more`` names other hosts, or
        takes away with (); double underscores stand for dots."""
        pins = {API: self.pins(API), COLLECTOR: self.pins(COLLECTOR)}
        pins |= {name.replace("__", "."): value for name, value in more.items()}
        return PinConfiguration(tuple(PinnedDomain(h, p) for h, p in pins.items() if p), version)

    def token(self, version: int = 1, **more: tuple[Pin, ...]) -> bytes:
        return sign_configuration(self.standard(version, **more), KEY)

    def publish(self, version: int = 1, **more: tuple[Pin, ...]) -> None:
        """Sign and serve ``standard(version, **more)``."""
        self.serve(self.token(version, **more))

    def serve(self, token: bytes) -> None:
        self.published = token
        self.backend.configuration.publish(token)

    def launch(self, cls: type[ReferenceClient] = ReferenceClient) -> ReferenceClient:
        """Start the app's process."""
        client = cls(self.phone, self.storage)
        client.add_listener(self.events.append)
        # No test may pass because of a second try that nothing but the time has led to.
        client._reporter._first_pause = 1000.0
        self.stack.callback(client.close)
        self._announce_removals(client._queue)
        return client

    def _announce_removals(self, queue: ReportQueue) -> None:
        remove = queue.remove

        def announce(report: QueuedReport) -> None:
            remove(report)
            with self.phone.changed:
                self.phone.changed.notify_all()

        queue.remove = announce  # type: ignore[method-assign]

    def ready(
        self,
        cls: type[ReferenceClient] = ReferenceClient,
        mode: Mode = Mode.STRICT,
        report_url: str | None = None,
    ) -> ReferenceClient:
        """Start the app's process, set the SDK up, and wait for what its first fetch comes to."""
        client = self.launch(cls)
        usual = self.settings
        url = usual.report_url if report_url is None else report_url
        self.set_up(client, dataclasses.replace(usual, mode=mode, report_url=url))
        return client

    def set_up(self, client: ReferenceClient, settings: SdkSettings | None = None) -> None:
        """Set the SDK up, and wait for what its first fetch comes to."""
        client.setup(settings or self.settings)
        if client._first_fetch is not None:
            client._first_fetch.wait(CAP)

    def peer(
        self, credential: Credential | None, reply: bytes = b"", kind: type[Peer] = Peer
    ) -> Peer:
        self.peers += 1
        return self.stack.enter_context(kind(credential, self.folder / f"peer-{self.peers}", reply))

    def attack(self, host: str, credential: Credential | None = None) -> Peer:
        """Lead ``host`` to an attacker with a certificate from a CA in the system store."""
        peer = self.peer(credential or self.pki.compromised.issue(host))
        self.phone.addresses[host] = peer.endpoint
        self.phone.hang_up(host)
        return peer

    def relent(self) -> None:
        """Lead every host to its genuine server again."""
        self.phone.addresses.update(self.backend.addresses())

    def reported(self, count: int = 1) -> tuple[FailureReport, ...]:
        """Return the reports once there are ``count`` of them."""
        seen: list[str] = []

        def enough(report: FailureReport) -> bool:
            seen.append(report.id)
            return len(seen) >= count

        assert self.backend.collector.wait_for(enough, CAP), f"only {len(seen)} reports"
        return self.backend.collector.reports()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody who is only slow be taken for somebody who is silent."""
    begin = Patience.__init__

    def begun(self: Patience, timeout: float, cancellation: Cancellation | None = None) -> None:
        begin(self, CAP if timeout == DEFAULT_TIMEOUT else timeout, cancellation)

    monkeypatch.setattr(Patience, "__init__", begun)
    monkeypatch.setattr(client, "DEFAULT_TIMEOUT", CAP)
    monkeypatch.setattr(client, "CLOSE_CAP", LONG)
    monkeypatch.setattr(configuration, "REFRESH_CAP", LONG)
    monkeypatch.setattr(configuration, "COLD_CAP", LONG)


@pytest.fixture
def world(pki: LabPki, loop: LabLoop, tmp_path: Path) -> Iterator[World]:
    with Backend(loop, pki, tmp_path / "backend") as backend, ExitStack() as stack:
        phone = TestPhone(
            clock=time.time() + 60,
            anchors=(pki.public_root.der, pki.compromised_root.der),
            user_anchors=(pki.user_root.der,),
            addresses=dict(backend.addresses()),
        )
        world = World(pki, backend, phone, tmp_path, stack)
        world.publish()
        yield world
