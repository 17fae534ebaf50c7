"""The state of one phone: files, trust, clock, Wi-Fi, settings, log. What its apps run on."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cryptography import x509

from lab.model.device import Network
from lab.phone.files import PhoneFiles
from lab.phone.logcat import LogBuffer
from lab.phone.network import NetworkSettings, NetworkStack, parse_proxy
from lab.phone.services import Cancellation, ClearConnection
from lab.phone.trust import TrustStores
from lab.phone.wifi import SavedNetworks, in_reach

MAX_SETTINGS = 1000
MAX_VALUE = 4096
"""Characters of a setting's value."""
EARLIEST, LATEST = 0.0, 4102444800.0
"""What the clock can be set to: 1970 to 2100, epoch seconds."""

NAMESPACES = ("global", "secure", "system")


class PhoneState:
    """Everything about the phone that is not on its screen. Implements ``PhoneServices``.

    ``home`` holds its files and outlives the process; settings, clock and Wi-Fi begin anew with
    each start. ``source`` is the address that its connections come from. May be used from any
    thread.
    """

    def __init__(
        self,
        home: Path,
        air: Path,
        *,
        name: str = "virtual",
        source: str | None = None,
        factory_anchors: Sequence[x509.Certificate] = (),
    ) -> None:
        self.name = name
        self.files = PhoneFiles(home / "files")
        self.logcat = LogBuffer()
        self.saved_networks = SavedNetworks()
        self._clock_offset = 0.0
        self._air = air
        self._network = NetworkStack(NetworkSettings(source=source))
        self._settings: dict[tuple[str, str], str] = {}
        self._lock = threading.RLock()
        self._trust = TrustStores(self.files, lambda text: self.log("trust", "WARN", text))
        self._trust.install_factory(factory_anchors)

    def now(self) -> float:
        return time.time() + self._clock_offset

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        return self._network.connect(host, port, timeout, cancellation)

    def connect_clear(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> ClearConnection:
        return self._network.connect_clear(host, port, timeout, cancellation)

    def trust_anchors(self, user_store: bool) -> tuple[bytes, ...]:
        return self._trust.anchors(user_store)

    def log(self, tag: str, level: str, message: str) -> None:
        self.logcat.write(self.now(), tag, level, message)

    def set_clock(self, epoch: float) -> None:
        """Set the clock. Raises ValueError for a time that no phone would take."""
        if not EARLIEST <= epoch <= LATEST:
            raise ValueError("bad date")
        self._clock_offset = epoch - time.time()

    @property
    def joined(self) -> Network | None:
        """The network that the phone has joined."""
        return self._network.settings.joined

    def access_points(self) -> list[Network]:
        """Return what a scan finds."""
        found, complaints = in_reach(self._air)
        for complaint in complaints:
            self.log("wifi", "WARN", complaint)
        return found

    def join(self, ssid: str) -> bool:
        """Join a network; False where none of that name is in reach."""
        network = next((n for n in self.access_points() if n.ssid == ssid), None)
        if network is None:
            return False
        self.saved_networks.save(ssid)
        self._change(joined=network)
        self.log("wifi", "INFO", f'joined "{ssid}"')
        return True

    def forget(self, network_id: int) -> bool:
        """Forget a saved network, and leave it; False where there is no such id."""
        ssid = self.saved_networks.forget(network_id)
        if ssid is None:
            return False
        joined = self.joined
        if joined is not None and joined.ssid == ssid:
            self._change(joined=None)
        return True

    def setting(self, namespace: str, key: str) -> str | None:
        """Return a setting's value, None where it is not set."""
        return self._settings.get((namespace, key))

    def settings_of(self, namespace: str) -> list[tuple[str, str]]:
        """Return all settings of a namespace, sorted."""
        with self._lock:
            return sorted((k, v) for (space, k), v in self._settings.items() if space == namespace)

    def put_setting(self, namespace: str, key: str, value: str | None) -> None:
        """Change a setting; None deletes it. Raises ValueError for an unusable value."""
        if value is not None and len(value) > MAX_VALUE:
            raise ValueError(f"longer than {MAX_VALUE} characters")
        with self._lock:
            if (namespace, key) == ("global", "http_proxy"):
                # First: a proxy that cannot be used must not leave the traffic on another route.
                self._change(http_proxy=parse_proxy(value))
            if value is None:
                self._settings.pop((namespace, key), None)
            elif len(self._settings) < MAX_SETTINGS or (namespace, key) in self._settings:
                self._settings[namespace, key] = value
            else:
                raise ValueError("too many settings")

    def _change(self, **changes: object) -> None:
        with self._lock:
            settings: NetworkSettings = replace(self._network.settings, **changes)  # type: ignore[arg-type]
            self._network.settings = settings
