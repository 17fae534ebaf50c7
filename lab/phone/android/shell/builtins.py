"""Commands that work on the shell itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lab.phone.android.shell.expansion import BLANKS, cut
from lab.phone.android.shell.flow import Ended, LoopLeft, Streams
from lab.phone.android.shell.process import CommandFailed, Input, Process
from lab.phone.android.shell.scope import SHELL, Scope
from lab.phone.android.shell.simple import Builtin, SimpleCommands
from lab.phone.files import FileError

MAX_LINE = 1024 * 1024
"""Bytes of a line that ``read`` takes."""


def read_line(source: Input, limit: int = MAX_LINE) -> bytes:
    """Read a line with its end, and not a byte more; without one where the input ends there.

    Raises CommandFailed for one of more than ``limit`` bytes.
    """
    line = bytearray()
    while not line.endswith(b"\n") and (sign := source.read(1)):
        line += sign
        if len(line) > limit:
            raise CommandFailed(f"{SHELL}: a line is longer than {limit} bytes")
    return bytes(line)


def _nothing(_: SimpleCommands, __: Scope, ___: Streams, ____: Sequence[str]) -> int:
    return 0


def _exit(_: SimpleCommands, scope: Scope, __: Streams, words: Sequence[str]) -> int:
    raise Ended(_number(words, scope.code) & 0xFF)


def _break(_: SimpleCommands, __: Scope, ___: Streams, words: Sequence[str]) -> int:
    raise LoopLeft(max(_number(words, 1), 1), again=False)


def _continue(_: SimpleCommands, __: Scope, ___: Streams, words: Sequence[str]) -> int:
    raise LoopLeft(max(_number(words, 1), 1), again=True)


def _export(_: SimpleCommands, scope: Scope, streams: Streams, words: Sequence[str]) -> int:
    for word in words[1:]:
        name, assigned, value = word.partition("=")
        if assigned:
            scope.set(_name(words[0], name), value)
        scope.exported.add(_name(words[0], name))
    if len(words) == 1:
        for name, value in sorted(scope.environment().items()):
            streams.out.line(f"export {name}={value}")
    return 0


def _unset(_: SimpleCommands, scope: Scope, __: Streams, words: Sequence[str]) -> int:
    for word in words[1:]:
        scope.unset(_name(words[0], word))
    return 0


def _set(_: SimpleCommands, scope: Scope, __: Streams, words: Sequence[str]) -> int:
    for word in words[1:]:
        if word not in ("-e", "+e"):
            raise CommandFailed(f"{SHELL}: set: {word[:20]}: this phone's shell has -e only")
        scope.ends_at_failure = word == "-e"
    return 0


def _shift(_: SimpleCommands, scope: Scope, __: Streams, words: Sequence[str]) -> int:
    count = _number(words, 1)
    if count >= len(scope.arguments):
        raise CommandFailed(f"{SHELL}: shift: nothing to shift")
    scope.arguments = (scope.arguments[0], *scope.arguments[1 + count :])
    return 0


def _cd(commands: SimpleCommands, scope: Scope, _: Streams, words: Sequence[str]) -> int:
    wanted = words[1] if len(words) > 1 else scope.variables.get("HOME", "/")
    files = commands.files(scope)
    try:
        if not files.status(wanted).is_folder:
            raise FileError(wanted, "Not a directory")
        folder = files.clean_path(wanted)
    except FileError as error:
        raise CommandFailed(f"{SHELL}: cd: {error}", 2) from None
    scope.identity = replace(scope.identity, folder=folder)
    scope.set("PWD", folder)
    return 0


def _exec(commands: SimpleCommands, scope: Scope, streams: Streams, words: Sequence[str]) -> int:
    if len(words) == 1:
        raise CommandFailed(f"{SHELL}: exec: this phone's shell needs a command there")
    raise Ended(commands.process(words[1:], scope, streams))


def _read(_: SimpleCommands, scope: Scope, streams: Streams, words: Sequence[str]) -> int:
    """Cut a line into variables; the last one gets what is left."""
    names = [word for word in words[1:] if word != "-r"] or ["REPLY"]
    raw = "-r" in words[1:]
    line = read_line(streams.source)
    text = line.removesuffix(b"\n").decode("utf-8", "replace").replace("\0", "")
    if not raw:
        text = text.replace("\\", "")
    separators = scope.variables.get("IFS", BLANKS)
    blanks = "".join(sign for sign in separators if sign in BLANKS)
    rest = text.strip(blanks) if blanks else text
    for name in names[:-1]:
        pieces = cut(rest, separators) if separators else [(rest, "")]
        value, separator = pieces[0]
        scope.set(_name(words[0], name), value)
        rest = rest[len(value) + len(separator) :]
    scope.set(_name(words[0], names[-1]), rest)
    return 0 if line.endswith(b"\n") else 1


def sh(process: Process) -> int:
    """``sh -c SCRIPT``, ``sh FILE``, ``sh`` with a script on the standard input."""
    arguments = list(process.arguments)
    if arguments[:1] == ["-c"]:
        if len(arguments) < 2:
            raise CommandFailed(f"{SHELL}: -c requires an argument")
        return process.script(arguments[1], arguments[2:])
    if arguments and arguments[0].startswith("-"):
        raise CommandFailed(f"{SHELL}: {arguments[0][:20]}: unknown option")
    content = process.files.read(arguments[0]) if arguments else process.stdin
    return process.script(content.decode("utf-8", "replace"), arguments)


def _name(command: str, name: str) -> str:
    if not name.isascii() or not name.isidentifier():
        raise CommandFailed(f"{SHELL}: {command}: {name[:40]}: is not an identifier")
    return name


def _number(words: Sequence[str], default: int) -> int:
    if len(words) == 1:
        return default
    if not words[1].isascii() or not words[1].isdigit() or len(words[1]) > 9:
        raise CommandFailed(f"{SHELL}: {words[0]}: {words[1][:20]}: bad number")
    return int(words[1])


BUILTINS: dict[str, Builtin] = {
    ":": _nothing,
    "break": _break,
    "cd": _cd,
    "continue": _continue,
    "exec": _exec,
    "exit": _exit,
    "export": _export,
    "read": _read,
    "set": _set,
    "shift": _shift,
    "unset": _unset,
}
