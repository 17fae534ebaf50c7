"""``test`` and ``[`` (POSIX, test)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from lab.phone.android.shell.process import CommandFailed, Process
from lab.phone.files import FileError

EXIT_BAD = 2
MAX_DEPTH = 50
"""Brackets within brackets."""

_INTEGER = re.compile(r"\s*([+-]?\d{1,18})\s*", re.ASCII)


class _Test:
    """Evaluates one expression."""

    def __init__(self, process: Process, words: Sequence[str]) -> None:
        self._process = process
        self._words = list(words)
        self._at = 0
        self._depth = 0

    def result(self) -> bool:
        """Return whether the expression is true. Raises CommandFailed where it is none."""
        if not self._words:
            return False
        found = self._few(self._words)
        if found is not None:
            return found
        found = self._any()
        if self._at < len(self._words):
            raise self._bad(f"{self._words[self._at][:40]}: unexpected operator/operand")
        return found

    def _few(self, words: list[str]) -> bool | None:
        """Evaluate an expression of so few words that their number tells what is meant; None for
        any other."""
        if len(words) == 1:
            return words[0] != ""
        if len(words) == 2:
            if words[0] == "!":
                return words[1] == ""
            return self._unary(words) if words[0] in _UNARY else None
        if len(words) == 3:
            if words[1] in _BINARY:
                return self._binary(words)
            if words[0] == "!":
                inner = self._few(words[1:])
                return None if inner is None else not inner
            if (words[0], words[2]) == ("(", ")"):
                return words[1] != ""
        if len(words) == 4 and words[0] == "!":
            inner = self._few(words[1:])
            return None if inner is None else not inner
        return None

    def _any(self) -> bool:
        found = self._all()
        while self._take("-o"):
            # Both sides are read, whatever the first one says.
            found = self._all() or found
        return found

    def _all(self) -> bool:
        found = self._one()
        while self._take("-a"):
            found = self._one() and found
        return found

    def _one(self) -> bool:
        negated = False
        while self._peek(1) not in (None, *_BINARY) and self._take("!"):
            negated = not negated
        return self._plain() is not negated

    def _plain(self) -> bool:
        word = self._next()
        if self._peek() in _BINARY and self._peek(1) is not None:
            return self._binary([word, self._next(), self._next()])
        if word == "(":
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise self._bad("too many brackets")
            found = self._any()
            if not self._take(")"):
                raise self._bad("missing )")
            self._depth -= 1
            return found
        if word in _UNARY and self._peek() is not None:
            return self._unary([word, self._next()])
        return word != ""

    def _unary(self, words: Sequence[str]) -> bool:
        return _UNARY[words[0]](self._process, words[1])

    def _binary(self, words: Sequence[str]) -> bool:
        left, sign, right = words
        compare = _COMPARED.get(sign)
        if compare is not None:
            return compare(self._integer(left), self._integer(right))
        return (left == right) is (sign != "!=")

    def _integer(self, text: str) -> int:
        match = _INTEGER.fullmatch(text)
        if match is None:
            raise self._bad(f"{text[:40]}: bad number")
        return int(match[1])

    def _peek(self, ahead: int = 0) -> str | None:
        at = self._at + ahead
        return self._words[at] if at < len(self._words) else None

    def _take(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._at += 1
        return True

    def _next(self) -> str:
        word = self._peek()
        if word is None:
            raise self._bad("expression expected")
        self._at += 1
        return word

    def _bad(self, message: str) -> CommandFailed:
        return CommandFailed(f"{self._process.name}: {message}", EXIT_BAD)


def _is_file(process: Process, path: str) -> bool:
    return process.files.exists(path) and not process.files.status(path).is_folder


def _is_folder(process: Process, path: str) -> bool:
    return process.files.exists(path) and process.files.status(path).is_folder


def _has_content(process: Process, path: str) -> bool:
    return process.files.exists(path) and process.files.status(path).size > 0


def _is_readable(process: Process, path: str) -> bool:
    try:
        process.files.names(path) if _is_folder(process, path) else process.files.read(path)
    except FileError:
        return False
    return True


def _is_writable(process: Process, path: str) -> bool:
    return process.files.exists(path) and process.files.may_write(path) is None


def _is_executable(process: Process, path: str) -> bool:
    """Tell of folders and of the shell's own commands: nothing else can be run on this phone."""
    name = path.rpartition("/")[2]
    return _is_folder(process, path) or (
        path == f"/system/bin/{name}" and process.shell.knows(name)
    )


_UNARY: dict[str, Callable[[Process, str], bool]] = {
    "-L": lambda *_: False,
    "-d": _is_folder,
    "-e": lambda process, path: process.files.exists(path),
    "-f": _is_file,
    "-h": lambda *_: False,
    "-n": lambda _, text: text != "",
    "-r": _is_readable,
    "-s": _has_content,
    "-w": _is_writable,
    "-x": _is_executable,
    "-z": lambda _, text: text == "",
}
_COMPARED: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda left, right: left == right,
    "-ge": lambda left, right: left >= right,
    "-gt": lambda left, right: left > right,
    "-le": lambda left, right: left <= right,
    "-lt": lambda left, right: left < right,
    "-ne": lambda left, right: left != right,
}
_BINARY = frozenset({"=", "==", "!=", *_COMPARED})


def _test(process: Process) -> int:
    return 0 if _Test(process, process.arguments).result() else 1


def _bracket(process: Process) -> int:
    if not process.arguments or process.arguments[-1] != "]":
        raise CommandFailed("[: missing ]", EXIT_BAD)
    return 0 if _Test(process, process.arguments[:-1]).result() else 1


COMMANDS = {"[": _bracket, "test": _test}
