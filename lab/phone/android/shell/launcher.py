"""Starting commands."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from lab.phone.android.shell.flow import Streams
from lab.phone.android.shell.process import Command, Process, Runner
from lab.phone.android.shell.scope import SHELL, Scope
from lab.phone.android.shell.streams import CommandFailed
from lab.phone.android.system import AndroidSystem
from lab.phone.files import FileError

NOT_FOUND = 127
FOLDER = "/system/bin/"


class Launcher:
    """Finds commands by their names and runs them; ``hung_up`` ends those that run long."""

    def __init__(
        self, system: AndroidSystem, commands: Mapping[str, Command], hung_up: threading.Event
    ) -> None:
        self._system = system
        self._commands = commands
        self._hung_up = hung_up

    def knows(self, name: str) -> bool:
        """Whether there is such a command."""
        return name.removeprefix(FOLDER) in self._commands

    def process(
        self, words: Sequence[str], scope: Scope, streams: Streams, runner: Runner
    ) -> Process:
        """Return what the command that ``words`` are gets to work with."""
        return Process(
            self._system,
            words[0],
            list(words[1:]),
            streams.source,
            streams.out,
            streams.err,
            self._hung_up,
            scope.identity,
            scope.environment(),
            runner,
        )

    def run(self, process: Process) -> int:
        """Run a command and return its exit code; what goes wrong with it, it says itself.

        Raises CommandFailed where not even that finds room.
        """
        known = self._commands.get(process.name.removeprefix(FOLDER))
        try:
            if known is None:
                process.err.line(f"{SHELL}: {process.name}: inaccessible or not found")
                return NOT_FOUND
            return known(process)
        except CommandFailed as error:
            if str(error):
                process.err.line(str(error))
            return error.code
        except FileError as error:
            process.complain(str(error))
            return 1
