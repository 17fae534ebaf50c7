"""Carrying out what a command line says: lists, pipes, compound commands, redirections."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from lab.phone.android.shell.expansion import Expansion
from lab.phone.android.shell.flow import Ended, Exhausted, HungUp, LoopLeft, Streams, complain
from lab.phone.android.shell.launcher import Launcher
from lab.phone.android.shell.process import Command, Process, files_of
from lab.phone.android.shell.redirection import redirected
from lab.phone.android.shell.scope import SHELL, Scope
from lab.phone.android.shell.streams import CommandFailed, Given, Output
from lab.phone.android.shell.syntax import SyntaxFailed, parse
from lab.phone.android.shell.tree import Condition, For, Group, If, Loop, Node, Script, Simple
from lab.phone.android.system import AndroidSystem
from lab.phone.files import FileError, PhoneFiles

MAX_STEPS = 200_000
"""Commands that one command line may run."""
MAX_EXPANDED = 128 * 1024 * 1024
"""Characters that the words of one command line may come to."""
MAX_NESTED = 40
"""How deep compound commands, substitutions and scripts may be nested while they run."""
ORDINARY = frozenset({"cd", "read"})
"""Builtins that are not special."""


class Evaluation:
    """One run of a command line, and of the scripts that it calls. Implements ``Runner``."""

    def __init__(
        self,
        system: AndroidSystem,
        commands: Mapping[str, Command],
        builtins: Mapping[str, Builtin],
        hung_up: threading.Event,
    ) -> None:
        self._system = system
        self._launcher = Launcher(system, commands, hung_up)
        self._builtins = builtins
        self._hung_up = hung_up
        self._steps = 0
        self._expanded = 0
        self._depth = 0

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
        if self._depth >= MAX_NESTED:
            raise CommandFailed(f"{SHELL}: nested too deep")
        self._depth += 1
        try:
            return self._run_all(script, scope, streams, tested)
        finally:
            self._depth -= 1

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
            return self._simple(node, scope, streams)
        try:
            with self._redirected(node, scope, streams) as inner:
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
                words = tuple(self._expansion(scope, streams).fields(node.words))
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
                self._step()
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

    def _simple(self, node: Simple, scope: Scope, streams: Streams) -> int:
        self._step()
        try:
            with self._redirected(node, scope, streams) as inner:
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
        expansion = self._expansion(scope, streams, codes)
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
        expansion = self._expansion(apart, streams)
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
        process = self._launcher.process(words, scope, streams, self)
        process.environment = {**process.environment, **(values or {})}
        return self._launcher.run(process)

    def _expansion(
        self, scope: Scope, streams: Streams, codes: list[int] | None = None
    ) -> Expansion:
        """Return what expands words; exit codes of substitutions are added to ``codes``."""

        def write(script: Script) -> str:
            self._step()
            written = Output()
            code = self._subshell(script, scope, replace(streams, out=written), tested=False)
            if codes is not None:
                codes.append(code)
            return written.content.decode("utf-8", "replace").replace("\0", "").rstrip("\n")

        return Expansion(scope, self.files(scope).names, write, self._spend)

    def files(self, scope: Scope) -> PhoneFiles:
        """Return the phone's files, as who runs the script sees them."""
        return files_of(self._system, scope.identity)

    def _subshell(self, script: Script, scope: Scope, streams: Streams, *, tested: bool) -> int:
        return _code_of(lambda: self.run_script(script, scope.copy(), streams, tested=tested))

    def _redirected(
        self, node: Node, scope: Scope, streams: Streams
    ) -> AbstractContextManager[Streams]:
        files = self.files(scope)
        return redirected(node.redirections, streams, files, self._expansion(scope, streams).text)

    def _step(self) -> None:
        """Count a command. Raises Ended where there is no going on."""
        self._steps += 1
        if self._hung_up.is_set():
            raise HungUp
        if self._steps > MAX_STEPS:
            raise Exhausted(f"more than {MAX_STEPS} commands")

    def _spend(self, count: int) -> None:
        """Count characters that were expanded. Raises Exhausted."""
        self._expanded += count
        if self._expanded > MAX_EXPANDED:
            raise Exhausted(f"more than {MAX_EXPANDED} characters")


Builtin = Callable[[Evaluation, Scope, Streams, Sequence[str]], int]
"""A command that works on the shell itself; the first word is its name. Raises CommandFailed,
Ended, LoopLeft."""


def _code_of(subshell: Callable[[], int]) -> int:
    """Run a subshell and return its exit code: what ends it ends nothing around it."""
    try:
        return subshell()
    except Ended as ended:
        return ended.code
    except LoopLeft:
        return 0
