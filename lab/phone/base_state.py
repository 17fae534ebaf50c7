"""What every phone has, whoever made it: files, clock, Wi-Fi, network, log. What apps run on."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lab.model.device import Network
from lab.phone.files import PhoneFiles
from lab.phone.kept import Kept
from lab.phone.logcat import LogBuffer
from lab.phone.means import NetworkSettings, Wire
from lab.phone.network import NetworkStack
from lab.phone.radio import Radio
from lab.phone.services import Cancellation, ClearConnection, PhoneServices
from lab.phone.station import Station
from lab.phone.wifi import SavedNetworks

EARLIEST, LATEST = 0.0, 4102444800.0
"""What the clock can be set to: 1970 to 2100, epoch seconds."""

_OFFSET = "clock offset"


class BaseState:
    """The part of a phone's state that does not depend on who made it. May be used from any
    thread.

    ``home`` holds its files and what else outlives the process. ``source`` is the address that
    its connections come from, ``radio`` what joins networks where it lives in a network namespace.

    A phone of some make has a trust store beside it, and says whether its clock is left alone. It
    calls ``begin`` once it is whole.
    """

    def __init__(
        self,
        home: Path,
        air: Path,
        *,
        name: str,
        source: str | None = None,
        radio: Radio | None = None,
    ) -> None:
        self.name = name
        self._clock_offset = 0.0
        self.files = PhoneFiles(home / "files", clock=self.now)
        self.logcat = LogBuffer()
        self.network = NetworkStack(NetworkSettings(source=source))
        self.network.anchors = lambda: self.trust_anchors(False)
        self.open_process: Callable[[str], PhoneServices] = lambda _: self
        """Returns what a new process of an app, named by its package, runs on."""
        self._lock = threading.RLock()
        self._kept = Kept(home / "state.db")
        self.station = Station(
            air,
            self._kept,
            self._joined,
            lambda level, message: self.log("wifi", level, message),
            radio,
        )

    def begin(self) -> None:
        """Be what a phone is that has just been started."""
        self.start_clock()
        self.apply_settings()
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
        """Return the trust anchors, DER."""
        raise NotImplementedError

    @property
    def keeps_clock(self) -> bool:
        """Whether the phone was told not to set its clock itself."""
        raise NotImplementedError

    def apply_settings(self) -> None:
        """Let the network be as the phone's settings say."""
        raise NotImplementedError

    def log(self, tag: str, level: str, message: str) -> None:
        self.logcat.write(self.now(), tag, level, message)

    def complain_of_trust(self, text: str) -> None:
        """Write to the log what is wrong in a trust store."""
        self.log("trust", "WARN", text)

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
        if self.keeps_clock and isinstance(offset, int | float):
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

    def _joined(self, network: Network | None, wire: Wire | None) -> None:
        """Take the network that was joined, and the way there where that is the kernel's."""
        self._change(joined=network, air=wire)

    def _change(self, **changes: object) -> None:
        with self._lock:
            settings: NetworkSettings = replace(self.network.settings, **changes)  # type: ignore[arg-type]
            before, self.network.settings = self.network.settings, settings
            if _place(before) != _place(settings):
                self.network.changed()


def _place(settings: NetworkSettings) -> tuple[object, ...]:
    """Return which network a phone with these settings is in."""
    return settings.joined, settings.air, settings.tunnel
