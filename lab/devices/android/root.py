"""Commands as root, on phones that have a way to be root."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from lab.devices.android.link import COMMAND_CAP, AdbLink, CommandRefused, Ran
from lab.devices.android.marks import ask, succeeded
from lab.devices.phone_models import RootMode

SU_CAP = 30.0
"""Seconds; the first time, ``su`` may ask on the screen."""

SU_WAYS = ("su -c", "su 0 sh -c")
"""How ``su`` is given a command: Magisk's, and the one of AOSP's debug images."""


@dataclass(frozen=True, slots=True)
class Root:
    """How a phone is rooted."""

    mode: RootMode
    way: str = ""
    """With ``su``, what stands before the command, which is one argument of it."""

    def wrap(self, command: str) -> str:
        """Return the command line that runs ``command`` as root. Raises CommandRefused, which
        says what to do, where there is no root."""
        if self.mode is RootMode.NONE:
            raise CommandRefused(
                "this needs root, and the phone has none: use one with Magisk's su that lets the "
                "shell in, or an emulator image without Google Play, after 'adb root'"
            )
        return f"{self.way} {shlex.quote(command)}" if self.way else command


UNROOTED = Root(RootMode.NONE)

ROOT_QUESTIONS = {
    "uid": "id -u",
    # Without an answer to read, su cannot ask for a password.
    **{f"root {way}": f"{way} 'id -u' </dev/null 2>/dev/null" for way in SU_WAYS},
}
"""What is to be asked to find out; to be answered by ``root_of``."""


def root_of(answers: dict[str, Ran]) -> Root:
    """Tell how a phone is rooted that gave these answers to ``ROOT_QUESTIONS``."""
    if answers["uid"].output.strip() == "0":
        return Root(RootMode.ADBD)
    for way in SU_WAYS:
        ran = answers[f"root {way}"]
        if ran.code == 0 and ran.output.strip() == "0":
            return Root(RootMode.SU, way)
    return UNROOTED


class RootShell:
    """A phone's shell, as root where that is wanted. How it is rooted is found out when it is
    needed first, unless it is known."""

    def __init__(self, link: AdbLink, root: Root | None = None) -> None:
        self.link = link
        self._root = root

    @property
    def root(self) -> Root:
        """How the phone is rooted. Raises DeviceLost, CommandRefused."""
        if self._root is None:
            self._root = root_of(ask(self.link, ROOT_QUESTIONS, cap=SU_CAP))
        return self._root

    @property
    def is_root(self) -> bool:
        """Whether there is a way to be root."""
        return self.root.mode is not RootMode.NONE

    def run(self, command: str, *, cap: float = COMMAND_CAP) -> Ran:
        """Run a command line as root, whatever its exit code is. Raises DeviceLost, and
        CommandRefused where there is no root."""
        return self.link.run(self.root.wrap(command), cap=cap)

    def shell(self, command: str, *, cap: float = COMMAND_CAP) -> str:
        """Run a command line as root and return its output. Raises DeviceLost, CommandRefused."""
        return succeeded(command, self.run(command, cap=cap))

    def ask(self, commands: dict[str, str], *, cap: float = COMMAND_CAP) -> dict[str, Ran]:
        """Run commands as root in one round trip and tell what each came to."""
        return ask(self, commands, cap=cap)
