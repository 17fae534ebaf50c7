"""What one run of the lab is made of: authorities, backend, adversary, devices.

One bench serves all scenarios of a process. Nothing is restarted between two attacks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from lab.adversary.engine import Engine
from lab.backend import Backend
from lab.catalogue import hosts
from lab.devices.owner import BY_HAND, Owner
from lab.devices.registry import listen_address, make_device, source_for
from lab.devices.settings import DeviceSettings
from lab.loop import LabLoop
from lab.model.attack import Publication
from lab.model.device import AppSetup, Device, Endpoint
from lab.model.pins import PinConfiguration
from lab.pinning.jws import new_signing_key, public_key_text, sign_configuration
from lab.pki.hierarchy import LabPki

CONFIGURATION_URL = f"https://{hosts.CONFIGURATION_SERVICE}/pins.jws"
REPORT_URL = f"https://{hosts.COLLECTOR}/v1/reports"
ORGANIZATION_ID = "0b5c6e2a-6f0d-4f8e-9d5b-1f7a2c3d4e5f"
PROJECT_ID = "7d1e8b34-52c9-4a6f-8e0b-9c2d3f4a5b6c"
AGE_OF_OLDER = 3600.0
"""Seconds since an older configuration was signed."""


class Bench:
    """The run's authorities, servers and adversary. Use as a context manager."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.pki = LabPki((hosts.DOMAIN,))
        self.signing_key = new_signing_key()
        self._stack = contextlib.ExitStack()
        # There is always an earlier version.
        self._version = 1
        self._published = b""

    def __enter__(self) -> Bench:
        with contextlib.ExitStack() as stack:
            self.loop = stack.enter_context(LabLoop())
            self.backend = stack.enter_context(Backend(self.loop, self.pki, self.directory))
            for host in hosts.DECLARED:
                if host not in self.backend.addresses():
                    self.backend.serve_host(host)
            self.engine = stack.enter_context(Engine(self.loop, self.upstream, hosts.DECLARED))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def upstream(self, host: str) -> Endpoint | None:
        """Return where the genuine ``host`` listens, None for a host that is not declared."""
        return self.backend.addresses().get(host)

    def publish(self, configuration: PinConfiguration) -> None:
        """Sign ``configuration`` as the next version and let the configuration service serve it."""
        self._version += 1
        self._published = self._sign(configuration, self.signing_key, self._version, 0.0)
        self.hand_out(Publication.RIGHT)

    def hand_out(self, publication: Publication) -> None:
        """Let the configuration service serve what was published last, or what an attacker would
        have it serve in place of that."""
        token = self._published
        if publication is not Publication.RIGHT:
            former = hosts.configuration("former", self.pki, datetime.now(UTC))
            if publication is Publication.OLDER:
                token = self._sign(former, self.signing_key, self._version - 1, AGE_OF_OLDER)
            else:
                token = self._sign(former, new_signing_key(), self._version + 1, 0.0)
        self.backend.configuration.publish(token)

    def _sign(
        self,
        configuration: PinConfiguration,
        key: ec.EllipticCurvePrivateKey,
        version: int,
        age: float,
    ) -> bytes:
        numbered = PinConfiguration(configuration.domains, version)
        issued_at = int(datetime.now(UTC).timestamp() - age)
        return sign_configuration(numbered, key, issued_at=issued_at)

    def app_setup(self, name: str) -> AppSetup:
        """Return what the app is set up with under the configuration called ``name``."""
        return AppSetup(
            configuration=hosts.configuration(name, self.pki, datetime.now(UTC)),
            mode=hosts.CONFIGURATIONS[name],
            organization_id=ORGANIZATION_ID,
            project_id=PROJECT_ID,
            public_key=public_key_text(self.signing_key),
            configuration_url=CONFIGURATION_URL,
            report_url=REPORT_URL,
        )

    @contextlib.contextmanager
    def device(
        self, settings: DeviceSettings, index: int, owner: Owner = BY_HAND
    ) -> Iterator[Device]:
        """Attach the device that ``settings`` describe to its own listeners, and let go of it."""
        source = source_for(settings, index)
        address = listen_address(settings)
        surroundings = self.engine.attach(settings.id, source=source, address=address)
        try:
            device = make_device(
                settings,
                surroundings,
                self.directory / settings.id,
                factory_anchors=(self.pki.public_root.der,),
                report_url=REPORT_URL,
                source=source,
                owner=owner,
            )
            try:
                yield device
            finally:
                device.close()
        finally:
            self.engine.detach(settings.id)
