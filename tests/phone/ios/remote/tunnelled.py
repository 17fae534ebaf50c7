"""A phone in memory that is reached through its tunnel, and a computer's end of DTX."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.phone.ios.lockdown import Lockdownd
from lab.phone.ios.lockdown.limits import Limits
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.remote.archive import Value
from lab.phone.ios.remote.dtx import Kind, Message, packed
from lab.phone.ios.remote.hub import CAPABILITIES, receive
from lab.phone.ios.remote.process_control import CannotLaunch
from lab.phone.ios.remote.tunnel import own_address
from lab.phone.ios.remote.way import HUB, RemoteWay
from lab.phone.ios.services import make_services
from tests.patience import CAP
from tests.phone.ios.cable import UDID, MemoryHandset

PROCESSES = "com.apple.instruments.server.services.processcontrol"
NETWORKING = "com.apple.instruments.server.services.networking"
LAUNCH = "launchSuspendedProcessWithDevicePath:bundleIdentifier:environment:arguments:options:"


@dataclass
class MemoryProcesses:
    """Processes without an app behind them."""

    running: dict[str, int] = field(default_factory=dict)
    launched: list[tuple[str, Mapping[str, str], bool]] = field(default_factory=list)
    resumed: list[int] = field(default_factory=list)

    def pid(self, bundle_id: str) -> int:
        return self.running.get(bundle_id, 0)

    def launch(self, bundle_id: str, environment: Mapping[str, str], *, suspended: bool) -> int:
        if bundle_id == "not.there":
            raise CannotLaunch("not.there is not installed")
        self.launched.append((bundle_id, environment, suspended))
        return self.running.setdefault(bundle_id, 400 + len(self.launched))

    def resume(self, pid: int) -> None:
        self.resumed.append(pid)

    def kill(self, pid: int) -> bool:
        found = [name for name, number in self.running.items() if number == pid]
        for name in found:
            del self.running[name]
        return bool(found)


@dataclass(frozen=True)
class Tunnelled:
    """The phone, and where it is reached."""

    handset: MemoryHandset
    processes: MemoryProcesses
    way: RemoteWay
    address: str

    def connect(self, name: str) -> socket.socket:
        """Connect to a service of the tunnel."""
        where = (self.address, self.way.ports[name])
        return socket.create_connection(where, timeout=CAP)

    def hub(self) -> Dtx:
        """Connect to the developer services, and get to know each other."""
        dtx = Dtx(self.connect(HUB))
        answer = dtx.greet()
        assert answer.value == CAPABILITIES
        return dtx


class Dtx:
    """A computer's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.wire = Wire(sock, Limits())
        self._last = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.wire.close()

    def greet(self) -> Message:
        self.send(0, CAPABILITIES, {"com.apple.private.DTXConnection": 1}, reply=False)
        return self.next()

    def send(self, channel: int, selector: Value, *arguments: Value, reply: bool = True) -> int:
        self._last += 1
        self.wire.send(
            packed(Message(Kind.CALL, selector, arguments, self._last, 0, channel, reply))
        )
        return self._last

    def next(self) -> Message:
        return receive(self.wire, CAP)

    def ask(self, channel: int, selector: str, *arguments: Value) -> Message:
        """Call a method and return the reply to that very call."""
        number = self.send(channel, selector, *arguments)
        while (answer := self.next()).identifier != number or not answer.conversation:
            pass
        return answer

    def open(self, name: str, code: int = 1) -> Message:
        return self.ask(0, "_requestChannelWithCode:identifier:", code, name)


@contextmanager
def tunnelled(home: Path, limits: Limits | None = None, udid: str = UDID) -> Iterator[Tunnelled]:
    handset, processes = MemoryHandset(home / "phone", udid), MemoryProcesses()
    address = own_address()
    services = make_services(handset)
    lockdownd = Lockdownd(handset, services, limits=limits)
    way = RemoteWay(handset, address, services, lockdownd.converse, processes, limits)
    try:
        yield Tunnelled(handset, processes, way, address)
    finally:
        way.close()
        lockdownd.close()


def threads() -> set[threading.Thread]:
    """Return the threads of the tunnel and of what it leads to."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("usbmux")}
