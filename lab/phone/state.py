"""The state of one phone: files, trust, clock, Wi-Fi, settings, log. What its apps run on."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cryptography import x509

from lab.model.device import Network
from lab.phone.dial import Wire
from lab.phone.files import FileError, PhoneFiles
from lab.phone.kept import Json, Kept
from lab.phone.logcat import LogBuffer
from lab.phone.network import NetworkSettings, NetworkStack, parse_proxy
from lab.phone.radio import Radio
from lab.phone.services import Cancellation, ClearConnection, PhoneServices
from lab.phone.station import Station
from lab.phone.trust import SYSTEM_STORE, USER_STORE, TrustStores, install_factory
from lab.phone.wifi import SavedNetworks

MAX_SETTINGS = 1000
MAX_VALUE = 4096
"""Characters of a setting's value."""
EARLIEST, LATEST = 0.0, 4102444800.0
"""What the clock can be set to: 1970 to 2100, epoch seconds."""

NAMESPACES = ("global", "secure", "system")
AUTO_TIME = ("global", "auto_time")
"""Setting: ``0`` keeps the phone from setting its clock itself."""
_PROXY = ("global", "http_proxy")
_DNS_MODE, _DNS_NAME = ("global", "private_dns_mode"), ("global", "private_dns_specifier")
_SHIPPED = {AUTO_TIME: "1"}
_OFFSET = "clock offset"


class PhoneState:
    """Everything about the phone that is not on its screen. Implements ``PhoneServices``.

    ``home`` holds its files and what else outlives the process: settings, saved networks, how far
    the clock is off. ``source`` is the address that its connections come from, ``radio`` what
    joins networks where it lives in a network namespace. May be used from
    any thread.
    """

    def __init__(
        self,
        home: Path,
        air: Path,
        *,
        name: str = "virtual",
        source: str | None = None,
        factory_anchors: Sequence[x509.Certificate] = (),
        radio: Radio | None = None,
    ) -> None:
        self.name = name
        self._clock_offset = 0.0
        self.files = PhoneFiles(home / "files", clock=self.now)
        self.logcat = LogBuffer()
        self.network = NetworkStack(NetworkSettings(source=source))
        self.open_process: Callable[[str], PhoneServices] = lambda _: self
        """Returns what a new process of an app, named by its package, runs on."""
        self._lock = threading.RLock()
        self._kept = Kept(home / "state.db")
        self._factory_anchors = tuple(factory_anchors)
        self._trust = TrustStores(self.files, self.complain_of_trust)
        self.network.anchors = lambda: self._trust.anchors(False)
        self.files.make_folder(USER_STORE)
        self.install_factory(SYSTEM_STORE)
        self._settings = self._kept_settings()
        self.start_clock()
        self.station = Station(
            air,
            self._kept,
            lambda joined, wire: self._change(joined=joined, air=wire),
            lambda level, message: self.log("wifi", level, message),
            radio,
        )
        self._apply_settings()
        self.station.look()

    def now(self) -> float:
        return time.time() + self._clock_offset

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        return self.network.connect(host, port, timeout, cancellation)

    def connect_clear(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> ClearConnection:
        return self.network.connect_clear(host, port, timeout, cancellation)

    def look_up(
        self, host: str, timeout: float, cancellation: Cancellation | None = None
    ) -> tuple[str, ...]:
        return self.network.look_up(host, timeout, cancellation)

    def trust_anchors(self, user_store: bool) -> tuple[bytes, ...]:
        return self._trust.anchors(user_store)

    def log(self, tag: str, level: str, message: str) -> None:
        self.logcat.write(self.now(), tag, level, message)

    def complain_of_trust(self, text: str) -> None:
        """Write to the log what is wrong in a trust store."""
        self.log("trust", "WARN", text)

    def install_factory(self, folder: str) -> None:
        """Make a trust store hold what this phone ships with, instead of what it shipped with
        when it started before. A start without any leaves the store as it is."""
        self.files.make_folder(folder)
        if not self._factory_anchors:
            return
        key = f"factory {folder}"
        names = self._kept.load().get(key)
        for name in names if isinstance(names, list) else []:
            try:
                self.files.remove(f"{folder}/{name}")
            except FileError:
                # It is gone, which is what is wanted.
                continue
        installed: list[Json] = [*install_factory(self.files, folder, self._factory_anchors)]
        self._kept.set(key, installed)

    def set_clock(self, epoch: float) -> None:
        """Set the clock. Raises ValueError for a time that no phone would take."""
        if not EARLIEST <= epoch <= LATEST:
            raise ValueError("bad date")
        self._clock_offset = epoch - time.time()
        self._kept.set(_OFFSET, self._clock_offset)

    def start_clock(self) -> None:
        """Let the clock be what it is at a start: right, unless the phone was told not to set it
        itself."""
        offset = self._kept.load().get(_OFFSET)
        if self.setting(*AUTO_TIME) == "0" and isinstance(offset, int | float):
            self._clock_offset = float(offset)
        else:
            self._clock_offset = 0.0
            self._kept.set(_OFFSET, 0.0)

    def restart(self) -> None:
        """Forget what does not outlive a restart. Networks are joined again with
        ``station.look``."""
        self.station.leave()
        self.logcat.clear()
        self.start_clock()

    @property
    def joined(self) -> Network | None:
        """The network that the phone has joined."""
        return self.network.settings.joined

    def use_tunnel(self, tunnel: Wire | None) -> None:
        """Send everything through a VPN from now on, or no longer."""
        self._change(tunnel=tunnel)

    @property
    def saved_networks(self) -> SavedNetworks:
        """The networks that the phone has been told to join."""
        return self.station.saved

    def access_points(self) -> list[Network]:
        """Return what a scan finds."""
        return self.station.access_points()

    def join(self, ssid: str) -> bool:
        """Join an open network; False where none of that name is in reach."""
        return self.station.join(ssid)

    def forget(self, network_id: int) -> bool:
        """Forget a saved network, and leave it; False where there is no such id."""
        return self.station.forget(network_id)

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
        name = (namespace, key)
        with self._lock:
            is_new = name not in self._settings
            if value is not None and is_new and len(self._settings) >= MAX_SETTINGS:
                raise ValueError("too many settings")
            if name == _PROXY:
                parse_proxy(value)
            if value is None:
                self._settings.pop(name, None)
            else:
                self._settings[name] = value
            if value is None and name not in _SHIPPED:
                self._kept.drop(f"{namespace}/{key}")
            else:
                self._kept.set(f"{namespace}/{key}", value)
            self._apply_settings()
            if name == AUTO_TIME and value != "0":
                self.start_clock()

    def _kept_settings(self) -> dict[tuple[str, str], str]:
        settings = dict(_SHIPPED)
        for key, value in self._kept.load().items():
            namespace, slash, name = key.partition("/")
            if not slash or namespace not in NAMESPACES:
                continue
            if isinstance(value, str) and len(settings) < MAX_SETTINGS:
                settings[namespace, name] = value
            elif value is None:
                # It was deleted, though the phone comes with it.
                settings.pop((namespace, name), None)
        return settings

    def _apply_settings(self) -> None:
        """Let the network be as the settings say."""
        try:
            proxy = parse_proxy(self.setting(*_PROXY))
        except ValueError as error:
            # Kept by somebody else: it cannot be used.
            self.log("settings", "WARN", f"http_proxy: {error}")
            proxy = None
        strict = self.setting(*_DNS_MODE) == "hostname"
        name = (self.setting(*_DNS_NAME) or "") if strict else ""
        self._change(http_proxy=proxy, private_dns=name)

    def _change(self, **changes: object) -> None:
        with self._lock:
            settings: NetworkSettings = replace(self.network.settings, **changes)  # type: ignore[arg-type]
            before, self.network.settings = self.network.settings, settings
            if _place(before) != _place(settings):
                self.network.changed()


def _place(settings: NetworkSettings) -> tuple[object, ...]:
    """Return which network a phone with these settings is in."""
    return settings.joined, settings.air, settings.tunnel
