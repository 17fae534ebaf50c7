"""Exit codes over a channel that has none: lines in the output that nothing else can have written.

``shell:`` of the adb protocol carries output alone. A line with a random word follows each command
in its output, and tells the exit code.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Protocol

from lab.devices.android.link import COMMAND_CAP, CommandRefused, Ran
from lab.devices.journal_entry import shown

LONGEST_LINE = 120_000
"""Bytes of a command line: Linux hands no longer one to a shell (MAX_ARG_STRLEN)."""


class Runs(Protocol):
    """Runs command lines: a link, or one as root."""

    def run(self, command: str, *, cap: float = COMMAND_CAP) -> Ran:
        """Run a command line, whatever its exit code is. Raises DeviceLost, CommandRefused."""


class Marked:
    """Commands to be run one after the other, each in a shell of its own. Raises CommandRefused
    for what no phone would be given whole."""

    def __init__(self, commands: Sequence[str]) -> None:
        self._commands = tuple(commands)
        # Made anew each time, and never whole in what is sent: an echo of it is no mark.
        self.word = f"lab-{secrets.token_hex(8)}"
        self.line = "\n".join(
            f'(\n{command}\n)\necho "{self.word}.{number}.$?"'
            for number, command in enumerate(self._commands)
        )
        """What the phone's shell is to run."""
        if "\0" in self.line or len(self.line.encode("utf-8", "replace")) > LONGEST_LINE:
            raise CommandRefused(f"{told_of(commands[0])}: too long, or with a NUL in it")

    def read(self, output: bytes) -> list[Ran]:
        """Tell what each of the commands came to. Raises CommandRefused where a mark is missing:
        the phone did not carry everything out, or its output is not all there."""
        found: list[Ran] = []
        rest = output
        for number, command in enumerate(self._commands):
            mark = re.search(rb"%s\.%d\.(\d{1,3})\r?\n" % (self.word.encode(), number), rest)
            if mark is None:
                told = shown(text_of(rest).strip())
                raise CommandRefused(
                    f"{told_of(command)}: the phone's shell did not say how it ended"
                    + (f"; it said: {told}" if told else "")
                )
            found.append(Ran(text_of(rest[: mark.start()]), int(mark[1])))
            rest = rest[mark.end() :]
        return found


def ask(phone: Runs, commands: Mapping[str, str], *, cap: float = COMMAND_CAP) -> dict[str, Ran]:
    """Run commands in one round trip and tell what each came to. Raises DeviceLost,
    CommandRefused where the phone did not run them all."""
    if not commands:
        return {}
    marked = Marked(list(commands.values()))
    ran = marked.read(phone.run(marked.line, cap=cap).output.encode("utf-8", "replace"))
    return dict(zip(commands, ran, strict=True))


def text_of(output: bytes) -> str:
    """Return output as text; what is no UTF-8 is replaced."""
    return output.decode("utf-8", "replace")


def told_of(command: str) -> str:
    """Return how a command is called in a message; several at once by the first of them."""
    if command.startswith("(\n"):
        command = command.removeprefix("(\n").partition("\n)\necho ")[0]
    return f"command {shown(' '.join(command.split()))[:80]!r}"


def holds(command: str, ran: Ran) -> bool:
    """Tell what a command answered that asks something, with 0 for yes and 1 for no. Raises
    CommandRefused for any other exit code: then it was not asked."""
    if ran.code == 1:
        return False
    succeeded(command, ran)
    return True


def succeeded(command: str, ran: Ran) -> str:
    """Return the output of a command that ended well. Raises CommandRefused for any other."""
    if ran.code:
        said = shown(ran.output.strip()) or "and it said nothing"
        raise CommandRefused(f"{told_of(command)} ended with exit code {ran.code}: {said}")
    return ran.output
