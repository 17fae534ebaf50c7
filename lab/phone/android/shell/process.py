"""What a command of the shell gets to work with, and how it says what went wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from lab.phone.android.processes import INIT
from lab.phone.android.shell.streams import (
    EXIT_FAILED,
    MAX_OUTPUT,
    CommandFailed,
    Given,
    Input,
    Live,
    Nowhere,
    Output,
)
from lab.phone.android.system import AndroidSystem
from lab.phone.files import PhoneFiles
from lab.phone.state import PhoneState
from lab.phone.ui import Screen

__all__ = [
    "EXIT_FAILED",
    "EXIT_USAGE",
    "INIT",
    "MAX_OUTPUT",
    "Command",
    "CommandFailed",
    "Given",
    "Identity",
    "Input",
    "Live",
    "Nowhere",
    "Output",
    "Process",
    "Runner",
    "files_of",
    "options",
]

EXIT_USAGE = 255
"""Of Android's own commands: -1 as an exit code."""

_PART = 64 * 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a command runs as, and which mounts it sees."""

    uid: int = 0
    namespace: int = INIT
    """It sees the mounts of the process with this id."""
    folder: str = "/"
    """Where relative paths begin."""

    @property
    def root(self) -> bool:
        """Whether it may do anything."""
        return self.uid == 0


def files_of(system: AndroidSystem, identity: Identity) -> PhoneFiles:
    """Return the phone's files as ``identity`` sees them."""
    return system.access.files(identity.uid, identity.namespace, identity.folder)


class Runner(Protocol):
    """The shell, as commands see it that run others: ``su``, ``nsenter``, ``sh``."""

    def call(self, process: Process, words: Sequence[str]) -> int:
        """Run the command that ``words`` are, without reading them again."""

    def script(self, process: Process, text: str, arguments: Sequence[str]) -> int:
        """Run a script; ``arguments`` are its ``$0``, ``$1`` and so on."""

    def knows(self, name: str) -> bool:
        """Whether there is such a command."""


@dataclass(slots=True)
class Process:
    """One running command."""

    system: AndroidSystem
    name: str
    arguments: Sequence[str]
    source: Input = field(default_factory=Given)
    out: Output = field(default_factory=Output)
    err: Output = field(default_factory=Output)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set when nobody waits for the command any more: the client has gone, or, without one, the
    time that a command line may take is over. What runs long looks at it."""
    identity: Identity = field(default_factory=Identity)
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that have been exported."""
    runner: Runner | None = None

    def read(self, size: int) -> bytes:
        """Return what comes next on the standard input, ``size`` bytes at most; waits for the
        first of them. Nothing at its end, and where the client has gone."""
        return self.source.read(size)

    @property
    def stdin(self) -> bytes:
        """What is still to come on the standard input: waits for its end. Raises CommandFailed
        for more than MAX_OUTPUT."""
        content = bytearray()
        while part := self.source.read(_PART):
            content += part
            if len(content) > MAX_OUTPUT:
                raise CommandFailed(f"{self.name}: read: Out of memory")
        return bytes(content)

    def call(self, words: Sequence[str], identity: Identity | None = None) -> int:
        """Run another command in this one's place, with its streams, and return its exit code.

        What goes wrong with it is said on its standard error.
        """
        return self.shell.call(self._as(identity), words)

    def script(
        self, text: str, arguments: Sequence[str] = (), identity: Identity | None = None
    ) -> int:
        """Run a script with this command's streams, as ``sh -c`` does, and return its exit code.

        ``arguments`` are its ``$0``, ``$1`` and so on.
        """
        return self.shell.script(self._as(identity), text, arguments)

    @property
    def shell(self) -> Runner:
        """The shell that runs the command."""
        assert self.runner is not None, "the shell that has made this command is there"
        return self.runner

    def _as(self, identity: Identity | None) -> Process:
        return self if identity is None else replace(self, identity=identity)

    @property
    def phone(self) -> PhoneState:
        """The phone's state."""
        return self.system.phone

    @property
    def files(self) -> PhoneFiles:
        """The phone's files, as who runs the command sees them."""
        return files_of(self.system, self.identity)

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
