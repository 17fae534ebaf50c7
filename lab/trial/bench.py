"""What one run of the lab is made of: authorities, backend, adversary, devices.

One bench serves all scenarios of a process. Nothing is restarted between two attacks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from lab.adversary.engine import Engine
from lab.backend import Backend
from lab.catalogue import hosts
from lab.devices.owner import BY_HAND, Owner
from lab.devices.registry import (
    listen_address,
    lives_in_namespace,
    make_device,
    source_for,
    tunnel_for,
)
from lab.devices.settings import AndroidSettings, DeviceSettings, IosSettings
from lab.loop import LabLoop
from lab.model.device import AppSetup, Device, DeviceLost, Endpoint, WifiKind
from lab.network.hardware import standing
from lab.network.hardware.door import HardwareDoor, open_door
from lab.network.kernel.namespace import Unavailable
from lab.network.kernel.wifi import KernelWifi, Place
from lab.pinning.jws import new_signing_key, public_key_text
from lab.pki.hierarchy import LabPki
from lab.trial.publishing import Publisher

CONFIGURATION_URL = f"https://{hosts.CONFIGURATION_SERVICE}/pins.jws"
REPORT_URL = f"https://{hosts.COLLECTOR}/v1/reports"
ORGANIZATION_ID = "0b5c6e2a-6f0d-4f8e-9d5b-1f7a2c3d4e5f"
PROJECT_ID = "7d1e8b34-52c9-4a6f-8e0b-9c2d3f4a5b6c"


class Bench:
    """The run's authorities, servers and adversary. Use as a context manager.

    ``wifi`` says what the networks of this machine's devices are to be; None for the kernel's
    where this machine can do that. Raises Unavailable where it cannot do what was asked for.
    """

    def __init__(self, directory: Path, wifi: WifiKind | None = WifiKind.SIMULATED) -> None:
        self.directory = directory
        self._wanted_wifi = wifi
        self.air: KernelWifi | None = None
        """The kernel's networks, where that is what they are."""
        self.wifi_lacks = ""
        """Why the networks are not the kernel's, although they might have been."""
        self.pki = LabPki((hosts.DOMAIN,))
        self.signing_key = new_signing_key()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Bench:
        with contextlib.ExitStack() as stack:
            self.loop = stack.enter_context(LabLoop())
            self.backend = stack.enter_context(Backend(self.loop, self.pki, self.directory))
            self.publisher = Publisher(self.backend.configuration, self.pki, self.signing_key)
            for host in hosts.DECLARED:
                if host not in self.backend.addresses():
                    self.backend.serve_host(host)
            if self._wanted_wifi is not WifiKind.SIMULATED:
                self.air = self._kernel_wifi(stack)
            self.engine = stack.enter_context(Engine(self.loop, self.upstream, hosts.DECLARED))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _kernel_wifi(self, stack: contextlib.ExitStack) -> KernelWifi | None:
        try:
            return stack.enter_context(KernelWifi(self.loop, self.directory / "air"))
        except Unavailable as error:
            if self._wanted_wifi is WifiKind.KERNEL:
                raise
            self.wifi_lacks = str(error)
            return None

    def _radio(self, settings: DeviceSettings) -> HardwareDoor | None:
        """Open the access point's door for a phone that is to join it. Raises DeviceLost."""
        if self._wanted_wifi is not WifiKind.HARDWARE:
            return None
        if not isinstance(settings, AndroidSettings | IosSettings):
            return None
        if settings.routes.wifi is None:
            return None
        try:
            return open_door(standing.noted(standing.FOLDER))
        except (standing.NotStanding, OSError) as error:
            raise DeviceLost(f"{settings.id}: {error}") from None

    @property
    def wifi(self) -> WifiKind:
        """What the networks of this machine's devices are; HARDWARE says that of others'."""
        if self._wanted_wifi is WifiKind.HARDWARE:
            return WifiKind.HARDWARE
        return WifiKind.SIMULATED if self.air is None else WifiKind.KERNEL

    def upstream(self, host: str) -> Endpoint | None:
        """Return where the genuine ``host`` listens, None for a host that is not declared."""
        return self.backend.addresses().get(host)

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
        with contextlib.ExitStack() as stack:
            place: Place | None = None
            if self.air is not None and lives_in_namespace(settings):
                place = stack.enter_context(self.air.admitted(settings.id))
            surroundings = self.engine.attach(
                settings.id,
                source=source,
                address=listen_address(settings),
                tunnel=tunnel_for(settings),
                place=place,
                radio=self._radio(settings),
            )
            stack.callback(self.engine.detach, settings.id)
            device = make_device(
                settings,
                surroundings,
                self.directory / settings.id,
                factory_anchors=(self.pki.public_root.der,),
                report_url=REPORT_URL,
                source=source,
                owner=owner,
                place=place,
            )
            stack.callback(device.close)
            yield device
