"""What the phone's adb daemon offers, by the name that an OPEN asks for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lab.phone.android.adbd.connection import Connection, Service
from lab.phone.android.adbd.pump import pump
from lab.phone.android.adbd.reverse import Reverses, read_port
from lab.phone.android.adbd.shells import ShellService, shell_request
from lab.phone.android.adbd.stream import Stream
from lab.phone.android.adbd.sync import SyncService
from lab.phone.android.mounts import MountError
from lab.phone.android.shell import Shell
from lab.phone.android.system import AndroidSystem

HOLD = 0.05
"""Seconds that a connection to a port is held before it is refused: the UiAutomator2 driver asks
for its server right after it has started it, and next a second later."""


class Services:
    """Finds the service for a name."""

    def __init__(self, system: AndroidSystem) -> None:
        self._system = system
        self._shell = Shell(system)
        self._reverses = Reverses(system.ports)

    def find(self, connection: Connection, name: str) -> Service | None:
        """Return what ``name`` asks for, None where the phone has no such thing."""
        if (request := shell_request(name)) is not None:
            return ShellService(self._shell, request)
        if name == "sync:":
            return SyncService(self._system)
        kind, _, rest = name.partition(":")
        if kind == "tcp" and (port := read_port(rest)) is not None:
            return partial(self._tcp, port)
        if kind == "reverse":
            return partial(self._reverses.serve, connection, rest)
        if kind == "reboot":
            return self._reboot
        own = {"root:": self._root, "unroot:": self._unroot, "remount:": self._remount}
        answer = own.get(name)
        return None if answer is None else partial(_say, answer)

    def _reboot(self, stream: Stream) -> None:
        stream.accept()
        self._system.boot.reboot()

    def _root(self) -> str:
        return self._system.access.restart_adbd(root=True)

    def _unroot(self) -> str:
        return self._system.access.restart_adbd(root=False)

    def _remount(self) -> str:
        try:
            return self._system.access.remount()
        except MountError as error:
            return f"remount failed: {error}\n"

    def _tcp(self, port: int, stream: Stream) -> None:
        sock = self._system.ports.reach(port, HOLD)
        if sock is not None:
            stream.accept()
            pump(stream, sock)


def _say(answer: Callable[[], str], stream: Stream) -> None:
    """Give an answer of one text."""
    stream.accept()
    stream.write(answer().encode())
