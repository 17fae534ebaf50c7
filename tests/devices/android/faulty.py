"""A link that dies in the middle of things."""

from __future__ import annotations

from pathlib import Path

from lab.devices.android.link import COMMAND_CAP, AdbLink, Ran
from lab.devices.android.marks import succeeded
from lab.model.device import DeviceLost, Endpoint


class DyingLink:
    """Passes calls on to a link. After ``left`` of them the phone is lost, though it has done what
    it was told: so it is as if it had been lost before the next one. With ``left`` 0 it hears
    nothing."""

    def __init__(self, link: AdbLink, left: int) -> None:
        self._link = link
        self._left = left

    @property
    def serial(self) -> str:
        return self._link.serial

    def run(self, command: str, *, cap: float = COMMAND_CAP) -> Ran:
        self._count()
        ran = self._link.run(command, cap=cap)
        self._check()
        return ran

    def shell(self, command: str, *, cap: float = COMMAND_CAP) -> str:
        return succeeded(command, self.run(command, cap=cap))

    def push(self, content: bytes, path: str, *, mode: int = 0o644) -> None:
        self._count()
        self._link.push(content, path, mode=mode)
        self._check()

    def pull(self, path: str, *, limit: int) -> bytes:
        self._count()
        content = self._link.pull(path, limit=limit)
        self._check()
        return content

    def install(self, package: Path) -> None:
        self._count()
        self._link.install(package)
        self._check()

    def reverse(self, port: int, target: Endpoint) -> None:
        self._count()
        self._link.reverse(port, target)
        self._check()

    def reversed_ports(self) -> tuple[int, ...]:
        self._count()
        ports = self._link.reversed_ports()
        self._check()
        return ports

    def remove_reverse(self, port: int) -> None:
        self._count()
        self._link.remove_reverse(port)
        self._check()

    def reconnect(self, cap: float) -> None:
        raise DeviceLost("it stays dead")

    def close(self) -> None:
        return

    def _count(self) -> None:
        if self._left <= 0:
            raise DeviceLost("it is dead")
        self._left -= 1

    def _check(self) -> None:
        if self._left == 0:
            raise DeviceLost("it died after it had done that")
