"""What a command of the shell gets to work with, and how it says what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from lab.phone.android.system import AndroidSystem
from lab.phone.files import MAX_FILE
from lab.phone.state import PhoneState
from lab.phone.ui import Screen

MAX_OUTPUT = 2 * MAX_FILE
"""Bytes that a command may write."""

EXIT_FAILED = 1
EXIT_USAGE = 255
"""Of Android's own commands: -1 as an exit code."""


class CommandFailed(Exception):
    """The command ends here; ``str()`` goes to its standard error."""

    def __init__(self, message: str, code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.code = code


class Output:
    """What a command writes to."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, content: bytes) -> None:
        """Add ``content``. Raises CommandFailed where that would be too much."""
        if len(self.content) + len(content) > MAX_OUTPUT:
            raise CommandFailed("write: No space left on device")
        self.content += content

    def line(self, text: str) -> None:
        """Add a line of text."""
        self.write(text.encode("utf-8", "replace") + b"\n")


class Nowhere(Output):
    """/dev/null."""

    def write(self, content: bytes) -> None:
        """Forget ``content``."""


@dataclass(slots=True)
class Process:
    """One running command."""

    system: AndroidSystem
    name: str
    arguments: Sequence[str]
    stdin: bytes = b""
    out: Output = field(default_factory=Output)
    err: Output = field(default_factory=Output)

    @property
    def phone(self) -> PhoneState:
        """The phone's state."""
        return self.system.phone

    @property
    def screen(self) -> Screen:
        """The phone's screen."""
        return self.system.screen

    def complain(self, message: str) -> None:
        """Say what went wrong, the way that toybox does."""
        self.err.line(f"{self.name}: {message}")

    def print_lines(self, lines: Iterable[str]) -> None:
        """Write lines of text."""
        for line in lines:
            self.out.line(line)


Command = Callable[[Process], int]
"""Returns the exit code. Raises CommandFailed, FileError."""


def options(process: Process, flags: str, values: str = "") -> tuple[dict[str, str], list[str]]:
    """Split the arguments into single-letter options and the rest.

    ``flags`` are the letters that stand alone, ``values`` those that take a value, joined or as
    the next argument. Raises CommandFailed for any other.
    """
    found: dict[str, str] = {}
    waiting = list(process.arguments)
    rest: list[str] = []
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            rest += waiting
            break
        if len(argument) < 2 or not argument.startswith("-"):
            rest.append(argument)
            continue
        letters = argument[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter in values:
                if not letters and not waiting:
                    raise CommandFailed(f"{process.name}: Missing argument to -{letter}")
                found[letter] = letters or waiting.pop(0)
                letters = ""
            elif letter in flags:
                found[letter] = ""
            else:
                raise CommandFailed(f"{process.name}: Unknown option '{letter}'")
    return found, rest
