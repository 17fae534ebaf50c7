"""Simple commands: assignments, redirections, and the builtin or the program that they are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from lab.phone.android.shell.budget import Budget
from lab.phone.android.shell.expansion import Expansion
from lab.phone.android.shell.flow import Streams, complain
from lab.phone.android.shell.launcher import Launcher
from lab.phone.android.shell.process import Runner, files_of
from lab.phone.android.shell.redirection import redirected
from lab.phone.android.shell.scope import SHELL, Scope
from lab.phone.android.shell.streams import CommandFailed, Output
from lab.phone.android.shell.tree import Node, Script, Simple
from lab.phone.android.system import AndroidSystem
from lab.phone.files import FileError, PhoneFiles

ORDINARY = frozenset({"cd", "read"})
"""Builtins that are not special."""

Subshell = Callable[[Script, Scope, Streams], int]
"""Runs a script in a subshell and returns its exit code."""


class SimpleCommands:
    """Runs the simple commands of one command line, and expands the words of all its commands."""

    def __init__(
        self,
        system: AndroidSystem,
        launcher: Launcher,
        builtins: Mapping[str, Builtin],
        budget: Budget,
        runner: Runner,
        subshell: Subshell,
    ) -> None:
        self._system = system
        self._launcher = launcher
        self._builtins = builtins
        self._budget = budget
        self._runner = runner
        self._subshell = subshell

    def run(self, node: Simple, scope: Scope, streams: Streams) -> int:
        """Run a command and return its exit code. Raises Ended, LoopLeft."""
        self._budget.step()
        try:
            with self.redirected(node, scope, streams) as inner:
                try:
                    return self._command(node, scope, inner)
                except CommandFailed as error:
                    if str(error):
                        inner.err.line(str(error))
                    return error.code
        except FileError as error:
            return complain(streams, CommandFailed(f"{SHELL}: {error}"))
        except CommandFailed as error:
            return complain(streams, error)

    def _command(self, node: Simple, scope: Scope, streams: Streams) -> int:
        """Run a command whose streams are in place. Raises CommandFailed, FileError."""
        codes: list[int] = []
        expansion = self.expansion(scope, streams, codes)
        words = expansion.fields(node.words)
        if not words:
            for name, word in node.assignments:
                scope.set(name, expansion.text(word))
            # What was substituted says how it went.
            return codes[-1] if codes else 0
        values = self._values_before(node, scope, streams)
        builtin = self._builtins.get(words[0])
        if builtin is not None:
            return self._with_values(builtin, words, values, scope, streams)
        return self.process(words, scope, streams, values)

    def _values_before(self, node: Simple, scope: Scope, streams: Streams) -> dict[str, str]:
        """Return what is assigned before a command, each in view of those before it."""
        if not node.assignments:
            return {}
        apart = scope.copy()
        expansion = self.expansion(apart, streams)
        for name, word in node.assignments:
            apart.set(name, expansion.text(word))
        return {name: apart.variables[name] for name, _ in node.assignments}

    def _with_values(
        self,
        builtin: Builtin,
        words: Sequence[str],
        values: Mapping[str, str],
        scope: Scope,
        streams: Streams,
    ) -> int:
        """Run a builtin; what is assigned before it holds for it alone, unless it is one of
        POSIX's special ones (XCU 2.14)."""
        kept = {name: scope.variables.get(name) for name in values if words[0] in ORDINARY}
        for name, value in values.items():
            scope.set(name, value)
        try:
            return builtin(self, scope, streams, words)
        finally:
            for name, old in kept.items():
                if old is None:
                    scope.variables.pop(name, None)
                else:
                    scope.variables[name] = old

    def process(
        self,
        words: Sequence[str],
        scope: Scope,
        streams: Streams,
        values: Mapping[str, str] | None = None,
    ) -> int:
        """Run a command by its words; ``values`` are variables for it alone. Raises
        CommandFailed where nobody listens any more."""
        process = self._launcher.process(words, scope, streams, self._runner)
        process.environment = {**process.environment, **(values or {})}
        return self._launcher.run(process)

    def expansion(
        self, scope: Scope, streams: Streams, codes: list[int] | None = None
    ) -> Expansion:
        """Return what expands words; exit codes of substitutions are added to ``codes``."""

        def write(script: Script) -> str:
            self._budget.step()
            written = Output()
            code = self._subshell(script, scope, replace(streams, out=written))
            if codes is not None:
                codes.append(code)
            return written.content.decode("utf-8", "replace").replace("\0", "").rstrip("\n")

        return Expansion(scope, self.files(scope).names, write, self._budget.spend)

    def redirected(
        self, node: Node, scope: Scope, streams: Streams
    ) -> AbstractContextManager[Streams]:
        """Give the streams that a command's redirections lead to. Raises FileError,
        CommandFailed."""
        files = self.files(scope)
        return redirected(node.redirections, streams, files, self.expansion(scope, streams).text)

    def files(self, scope: Scope) -> PhoneFiles:
        """Return the phone's files, as who runs the script sees them."""
        return files_of(self._system, scope.identity)


Builtin = Callable[[SimpleCommands, Scope, Streams, Sequence[str]], int]
"""A command that works on the shell itself; the first word is its name. Raises CommandFailed,
Ended, LoopLeft."""
