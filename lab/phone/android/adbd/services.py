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
    """Finds the service for a name. ``restart`` ends every connection."""

    def __init__(self, system: AndroidSystem, restart: Callable[[], None]) -> None:
        self._system = system
        self._restart = restart
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
        if name in ("root:", "unroot:"):
            return partial(self._restart_as, name == "root:")
        return self._remount if name == "remount:" else None

    def _reboot(self, stream: Stream) -> None:
        stream.accept()
        self._system.boot.reboot()

    def _restart_as(self, root: bool, stream: Stream) -> None:
        stream.accept()
        before = self._system.access.adbd_is_root
        stream.write(self._system.access.restart_adbd(root=root).encode())
        stream.close()
        if self._system.access.adbd_is_root is not before:
            self._restart()

    def _remount(self, stream: Stream) -> None:
        stream.accept()
        try:
            answer = self._system.access.remount()
        except MountError as error:
            answer = f"remount failed: {error}\n"
        stream.write(answer.encode())

    def _tcp(self, port: int, stream: Stream) -> None:
        sock = self._system.ports.reach(port, HOLD)
        if sock is not None:
            stream.accept()
            pump(stream, sock)
