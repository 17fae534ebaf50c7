"""Carrying out what a command line says: lists, pipes, compound commands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from lab.phone.android.shell.budget import Budget
from lab.phone.android.shell.flow import Ended, Exhausted, LoopLeft, Streams, complain
from lab.phone.android.shell.launcher import Launcher
from lab.phone.android.shell.process import Command, Process
from lab.phone.android.shell.scope import SHELL, Scope
from lab.phone.android.shell.simple import Builtin, SimpleCommands
from lab.phone.android.shell.streams import CommandFailed, Given, Output
from lab.phone.android.shell.syntax import SyntaxFailed, parse
from lab.phone.android.shell.tree import Condition, For, Group, If, Loop, Node, Script, Simple
from lab.phone.android.system import AndroidSystem
from lab.phone.files import FileError


class Evaluation:
    """One run of a command line, and of the scripts that it calls. Implements ``Runner``."""

    def __init__(
        self,
        system: AndroidSystem,
        commands: Mapping[str, Command],
        builtins: Mapping[str, Builtin],
        hung_up: threading.Event,
    ) -> None:
        self._launcher = Launcher(system, commands, hung_up)
        self._builtins = builtins
        self._budget = Budget(hung_up)
        self._simple = SimpleCommands(
            system, self._launcher, builtins, self._budget, self, self._subshell
        )

    def run(self, text: str, scope: Scope, streams: Streams) -> int:
        """Run a text as a script and return its exit code. Raises SyntaxFailed, Ended, LoopLeft,
        CommandFailed."""
        return self.run_script(parse(text), scope, streams)

    def run_whole(self, text: str, scope: Scope, streams: Streams) -> int:
        """Run a text like ``run``, but raise nothing: ``exit`` ends it, and complaints go to the
        standard error."""
        try:
            return self.run_on(text, scope, streams)
        except Ended as ended:
            return ended.code

    def run_on(self, text: str, scope: Scope, streams: Streams) -> int:
        """Run a text like ``run_whole``, as one command of a shell that goes on: raises Ended
        where it says ``exit``."""
        try:
            return self.run(text, scope, streams)
        except LoopLeft:
            return 0
        except Exhausted as ended:
            return complain(streams, CommandFailed(f"{SHELL}: {ended.reason}"))
        except SyntaxFailed as error:
            return complain(streams, CommandFailed(f"{SHELL}: {error}"))
        except CommandFailed as error:
            return complain(streams, error)

    def call(self, process: Process, words: Sequence[str]) -> int:
        """Run the command that ``words`` are, with the streams of ``process``."""
        if not words:
            return 0
        return self._launcher.run(replace(process, name=words[0], arguments=list(words[1:])))

    def script(self, process: Process, text: str, arguments: Sequence[str]) -> int:
        """Run a script in a shell of its own."""
        scope = Scope(process.identity, tuple(arguments) or (SHELL,))
        scope.variables.update(process.environment)
        scope.exported.update(process.environment)
        return self.run_whole(text, scope, Streams(process.source, process.out, process.err))

    def knows(self, name: str) -> bool:
        """Whether there is such a command."""
        return self._launcher.knows(name) or name in self._builtins

    def run_script(
        self, script: Script, scope: Scope, streams: Streams, *, tested: bool = False
    ) -> int:
        """Run a script; where its failure is ``tested``, ``set -e`` does not apply.

        Raises Ended, LoopLeft, CommandFailed.
        """
        with self._budget.nested():
            return self._run_all(script, scope, streams, tested)

    def _run_all(self, script: Script, scope: Scope, streams: Streams, tested: bool) -> int:
        for number, pipeline in enumerate(script):
            passed = {Condition.IF_SUCCEEDED: scope.code == 0, Condition.IF_FAILED: scope.code != 0}
            if not passed.get(pipeline.condition, True):
                continue
            following = script[number + 1 : number + 2]
            last = not following or following[0].condition is Condition.ALWAYS
            looked_at = tested or pipeline.negated or not last
            code = self._pipeline(pipeline.commands, scope, streams, looked_at)
            scope.code = int(code == 0) if pipeline.negated else code
            if scope.code and scope.ends_at_failure and not looked_at:
                raise Ended(scope.code)
        return scope.code if script else 0

    def _pipeline(
        self, commands: Sequence[Node], scope: Scope, streams: Streams, tested: bool
    ) -> int:
        if len(commands) == 1:
            return self._node(commands[0], scope, streams, tested)
        source = streams.source
        code = 0
        for number, command in enumerate(commands):
            between = Output()
            last = number == len(commands) - 1
            out = streams.out if last else between
            code = self._apart(command, scope, replace(streams, source=source, out=out))
            source = Given(bytes(between.content))
        return code

    def _apart(self, node: Node, scope: Scope, streams: Streams) -> int:
        """Run a command in a subshell."""
        return _code_of(lambda: self._node(node, scope.copy(), streams, tested=False))

    def _node(self, node: Node, scope: Scope, streams: Streams, tested: bool) -> int:
        if isinstance(node, Simple):
            return self._simple.run(node, scope, streams)
        try:
            with self._simple.redirected(node, scope, streams) as inner:
                return self._compound(node, scope, inner, tested)
        except FileError as error:
            return complain(streams, CommandFailed(f"{SHELL}: {error}"))

    def _compound(
        self, node: Group | If | Loop | For, scope: Scope, streams: Streams, tested: bool
    ) -> int:
        if isinstance(node, Group):
            if not node.subshell:
                return self.run_script(node.body, scope, streams, tested=tested)
            return self._subshell(node.body, scope, streams, tested=tested)
        if isinstance(node, If):
            for condition, body in node.branches:
                if self.run_script(condition, scope, streams, tested=True) == 0:
                    return self.run_script(body, scope, streams, tested=tested)
            scope.code = 0
            return self.run_script(node.otherwise, scope, streams, tested=tested)
        if isinstance(node, Loop):
            return self._loop(node.body, scope, streams, tested, self._turns(node, scope, streams))
        try:
            words = scope.arguments[1:]
            if node.words is not None:
                words = tuple(self._simple.expansion(scope, streams).fields(node.words))
        except CommandFailed as error:
            return complain(streams, error)
        turns = self._values(node.name, words, scope)
        return self._loop(node.body, scope, streams, tested, turns)

    def _turns(self, node: Loop, scope: Scope, streams: Streams) -> Iterator[None]:
        while True:
            failed = self.run_script(node.condition, scope, streams, tested=True) != 0
            if failed is not node.until:
                return
            yield

    def _values(self, name: str, words: Sequence[str], scope: Scope) -> Iterator[None]:
        for word in words:
            scope.set(name, word)
            yield

    def _loop(
        self, body: Script, scope: Scope, streams: Streams, tested: bool, turns: Iterator[None]
    ) -> int:
        code = 0
        try:
            for _ in turns:
                self._budget.step()
                try:
                    code = self.run_script(body, scope, streams, tested=tested)
                except LoopLeft as left:
                    if left.levels > 1 or not left.again:
                        raise
        except LoopLeft as left:
            if left.levels > 1:
                raise LoopLeft(left.levels - 1, again=left.again) from None
            code = 0
        scope.code = code
        return code

    def _subshell(
        self, script: Script, scope: Scope, streams: Streams, *, tested: bool = False
    ) -> int:
        return _code_of(lambda: self.run_script(script, scope.copy(), streams, tested=tested))


def _code_of(subshell: Callable[[], int]) -> int:
    """Run a subshell and return its exit code: what ends it ends nothing around it."""
    try:
        return subshell()
    except Ended as ended:
        return ended.code
    except LoopLeft:
        return 0
