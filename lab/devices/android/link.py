"""The seam between an Android phone and what is done to it: a shell, files, ports."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

from lab.model.device import Endpoint

COMMAND_CAP = 15.0
"""Seconds that a command may take, unless told otherwise."""


class CommandRefused(Exception):
    """The phone carried a command out and it failed, or it answered with what cannot be read.

    The message says which command, and in the phone's own words what was wrong.
    """


class Ran(NamedTuple):
    """What a command line came to."""

    output: str
    """Standard output and error, in the order in which they came."""
    code: int


class AdbLink(Protocol):
    """One way to a phone. Methods raise DeviceLost where the phone does not answer any more or
    not in time, CommandRefused where it says no. Not to be used from two threads at once."""

    @property
    def serial(self) -> str:
        """What adb calls the phone: its serial number, or ``host:port``."""

    def run(self, command: str, *, cap: float = COMMAND_CAP) -> Ran:
        """Run a command line in the phone's shell, whatever its exit code is."""

    def shell(self, command: str, *, cap: float = COMMAND_CAP) -> str:
        """Run a command line and return its output. Raises CommandRefused for an exit code
        that is not 0."""

    def push(self, content: bytes, path: str, *, mode: int = 0o644) -> None:
        """Write a file on the phone."""

    def pull(self, path: str, *, limit: int) -> bytes:
        """Return a file of the phone, of at most ``limit`` bytes."""

    def install(self, package: Path) -> None:
        """Install an APK, instead of an older one of the same name."""

    def reverse(self, port: int, target: Endpoint) -> None:
        """Let the phone's own loopback ``port`` lead to ``target`` as the lab sees it. Raises
        CommandRefused where this link has no way to do that."""

    def reversed_ports(self) -> tuple[int, ...]:
        """Return the loopback ports of the phone that lead out of it."""

    def remove_reverse(self, port: int) -> None:
        """Undo ``reverse``; a port that leads nowhere is left as it is."""

    def reconnect(self, cap: float) -> None:
        """Reach the phone again after it was lost, within ``cap`` seconds."""

    def close(self) -> None:
        """Let go of the phone. May be repeated."""
