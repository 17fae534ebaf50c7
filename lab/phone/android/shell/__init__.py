"""A small and honest Android shell: what it does not know it says it does not know.

Nothing runs on the machine that the phone lives on; commands work on the phone's own state.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable
from typing import NamedTuple

from lab.phone.android.shell import apps, files, system, text
from lab.phone.android.shell.process import Command, CommandFailed, Nowhere, Output, Process
from lab.phone.android.shell.syntax import (
    Condition,
    Direction,
    Pipeline,
    SimpleCommand,
    SyntaxFailed,
    Word,
    parse,
)
from lab.phone.android.system import AndroidSystem
from lab.phone.files import FileError

SHELL = "/system/bin/sh"
NOT_FOUND = 127
MAX_WORDS = 10_000
"""Arguments of one command, file names from patterns included."""
NULL = "/dev/null"


class Ran(NamedTuple):
    """What a command line came to."""

    stdout: bytes
    stderr: bytes
    code: int
    """Exit code of the last command that was run."""


class Shell:
    """Runs command lines. Has no state of its own; may be used from any thread."""

    def __init__(self, system: AndroidSystem) -> None:
        self._system = system
        self._phone = system.phone

    def run(self, command: str, stdin: bytes = b"") -> Ran:
        """Run a command line the way that ``adb shell`` would. Raises nothing."""
        out, err = Output(), Output()
        try:
            pipelines = parse(command)
        except SyntaxFailed as error:
            return Ran(b"", f"{SHELL}: {error}\n".encode("utf-8", "replace"), 1)
        code = 0
        for pipeline in pipelines:
            wanted = {Condition.IF_SUCCEEDED: code == 0, Condition.IF_FAILED: code != 0}
            if wanted.get(pipeline.condition, True):
                code = self._pipeline(pipeline, stdin, out, err)
        return Ran(bytes(out.content), bytes(err.content), code)

    def _pipeline(self, pipeline: Pipeline, stdin: bytes, out: Output, err: Output) -> int:
        for command in pipeline.commands[:-1]:
            between = Output()
            self._simple(command, stdin, between, err)
            stdin = bytes(between.content)
        return self._simple(pipeline.commands[-1], stdin, out, err)

    def _simple(self, command: SimpleCommand, stdin: bytes, out: Output, err: Output) -> int:
        process = Process(self._system, SHELL, (), stdin, out, err)
        written: dict[str, tuple[bytes, Output]] = {}
        try:
            try:
                self._redirect(process, command, written)
                words = self._expand(command.words)
                if not words:
                    return 0
                process.name, process.arguments = words[0], words[1:]
                known = _COMMANDS.get(process.name.removeprefix("/system/bin/"))
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
            finally:
                for path, (before, output) in written.items():
                    self._phone.files.write(path, before + bytes(output.content))
        except FileError as error:
            err.line(f"{SHELL}: {error}")
            return 1
        except CommandFailed:
            # Not even a complaint found room.
            return 1

    def _redirect(
        self, process: Process, command: SimpleCommand, written: dict[str, tuple[bytes, Output]]
    ) -> None:
        for redirection in command.redirections:
            target = redirection.target.text
            if redirection.direction is Direction.READ:
                process.stdin = b"" if target == NULL else self._phone.files.read(target)
                continue
            output: Output
            if redirection.direction is Direction.SAME_AS:
                output = process.out if target == "1" else process.err
            elif target == NULL:
                output = Nowhere()
            else:
                before = b""
                if redirection.direction is Direction.APPEND:
                    before = self._content(target)
                # Made before the command runs, as a shell does: the command may read it.
                self._phone.files.write(target, before)
                output = Output()
                written[target] = (before, output)
            if redirection.descriptor == 1:
                process.out = output
            else:
                process.err = output

    def _content(self, path: str) -> bytes:
        try:
            return self._phone.files.read(path)
        except FileError:
            return b""

    def _expand(self, words: Iterable[Word]) -> list[str]:
        """Replace patterns by the file names that they mean. Raises CommandFailed."""
        expanded: list[str] = []
        for word in words:
            names = [] if word.pattern is None else self._names(word.pattern)
            expanded += names or [word.text]
            if len(expanded) > MAX_WORDS:
                raise CommandFailed(f"{SHELL}: Argument list too long")
        return expanded

    def _names(self, pattern: str) -> list[str]:
        """Return the files that an absolute pattern means; the last part alone may be one."""
        folder, _, last = pattern.rpartition("/")
        if not folder.startswith("/") or any(sign in folder for sign in "*?["):
            return []
        try:
            names = self._phone.files.names(folder)
        except FileError:
            return []
        hidden = last.startswith(".")
        return [
            posixpath.join(folder, name)
            for name in names
            if fnmatch.fnmatchcase(name, last) and name.startswith(".") == hidden
        ]


_COMMANDS: dict[str, Command] = {
    **text.COMMANDS,
    **files.COMMANDS,
    **system.COMMANDS,
    **apps.COMMANDS,
}
