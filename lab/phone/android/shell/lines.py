"""A shell that reads its commands from the standard input, line by line."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from lab.phone.android.shell.builtins import read_line
from lab.phone.android.shell.evaluation import Evaluation
from lab.phone.android.shell.flow import Ended, HungUp, Streams
from lab.phone.android.shell.scope import SHELL, Scope
from lab.phone.android.shell.streams import CommandFailed
from lab.phone.android.shell.syntax import Incomplete, SyntaxFailed, parse

MAX_LINES = 2000
"""Lines that one command may go over."""
INTERRUPTED = 130
"""128 + SIGINT."""

Begin = Callable[[threading.Event], Evaluation]
"""Makes an evaluation that the event ends."""
Foreground = Callable[[], AbstractContextManager[threading.Event]]


class LineShell:
    """Reads and runs lines until the end of the input or ``exit``.

    ``prompt`` is written before each command, and ``> `` before each further line of one; None
    for a script. ``foreground`` surrounds each command, and gives the event that ends it.
    """

    def __init__(
        self,
        begin: Begin,
        scope: Scope,
        streams: Streams,
        *,
        prompt: str | None,
        foreground: Foreground,
    ) -> None:
        self._begin = begin
        self._scope = scope
        self._streams = streams
        self._prompt = prompt
        self._foreground = foreground

    def run(self) -> int:
        """Run all commands and return the last one's exit code. Raises nothing."""
        try:
            while (text := self._command()) is not None:
                self._scope.code = self._run(text)
        except Ended as ended:
            return ended.code
        except CommandFailed as error:
            # Nobody listens any more, or what is typed has no end.
            return error.code
        return self._scope.code

    def _run(self, text: str) -> int:
        with self._foreground() as hung_up:
            try:
                return self._begin(hung_up).run_on(text, self._scope, self._streams)
            except HungUp:
                # Of one command; whether it was the last is for the input to say.
                return INTERRUPTED

    def _command(self) -> str | None:
        """Read lines up to the end of a command; None at the end of the input."""
        self._ask(self._prompt)
        lines: list[str] = []
        while line := read_line(self._streams.source):
            lines.append(line.decode("utf-8", "replace").replace("\0", ""))
            if len(lines) > MAX_LINES:
                raise CommandFailed(f"{SHELL}: a command of more than {MAX_LINES} lines")
            text = "".join(lines)
            try:
                parse(text)
            except Incomplete:
                self._ask("> " if self._prompt is not None else None)
                continue
            except SyntaxFailed:
                # Whoever runs it says so.
                return text
            return text
        # What is not complete now never will be.
        return "".join(lines) if lines else None

    def _ask(self, prompt: str | None) -> None:
        if prompt is not None:
            self._streams.err.write(prompt.encode())
