"""Commands that make text out of their arguments: basename, dirname, printf, seq, sleep."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from lab.phone.android.shell.process import CommandFailed, Process

EXIT_HUNG_UP = 129
"""128 + SIGHUP."""
MAX_WIDTH = 1000
"""Characters to which printf fills up."""
MAX_NUMBERS = 1_000_000
"""Numbers of one seq."""
MAX_SLEEP = 30 * 86400.0

_PIECE = re.compile(
    r"%(?P<flags>[-+ 0#]*)(?P<width>\d*)(?:\.(?P<precision>\d*))?(?P<kind>[a-zA-Z%])"
    r"|\\(?P<escape>[abefnrtv\\\"']|0?[0-7]{1,3}|x[0-9A-Fa-f]{1,2})"
    r"|(?P<text>[^%\\]+|[%\\])",
    re.DOTALL,
)
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
}
_INTEGER = re.compile(r"\s*([+-]?)(0[xX][0-9A-Fa-f]{1,16}|\d{1,19})", re.ASCII)
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})([smhd]?)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _printf(process: Process) -> int:
    if not process.arguments:
        raise CommandFailed("printf: Needs 1 argument")
    pattern, waiting = process.arguments[0], list(reversed(process.arguments[1:]))
    printer = _Printer(process, waiting)
    while True:
        before = len(waiting)
        printer.write(pattern)
        # The format is used again as long as there are arguments, if it takes any.
        if not waiting or len(waiting) == before:
            return printer.code


class _Printer:
    def __init__(self, process: Process, waiting: list[str]) -> None:
        self._process = process
        self._waiting = waiting
        self.code = 0

    def write(self, pattern: str) -> None:
        """Write the format once."""
        for match in _PIECE.finditer(pattern):
            if match["kind"]:
                self._write(self._value(match))
            elif match["escape"]:
                self._process.out.write(_escaped(match["escape"]))
            else:
                self._write(match["text"])

    def _write(self, text: str) -> None:
        self._process.out.write(text.encode("utf-8", "replace"))

    def _value(self, match: re.Match[str]) -> str:
        kind = match["kind"]
        if kind == "%":
            return "%"
        width, precision = int(match["width"] or 0), match["precision"]
        if width > MAX_WIDTH or int(precision or 0) > MAX_WIDTH:
            raise CommandFailed("printf: too wide")
        given = self._waiting.pop() if self._waiting else ""
        if kind in "sbc":
            if kind == "b":
                given = _unescaped(given)
            text = (given or "\0")[0] if kind == "c" else given
            if precision is not None:
                text = text[: int(precision or 0)]
            return text.ljust(width) if "-" in match["flags"] else text.rjust(width)
        if kind not in "diouxX":
            raise CommandFailed(f"printf: bad %{kind}")
        number = self._integer(kind, given)
        shape = f"%{match['flags']}{match['width']}"
        shape += f".{precision or 0}" if precision is not None else ""
        if kind in "ouxX" and number < 0:
            number += 1 << 64
        return (shape + ("d" if kind in "diu" else kind)) % number

    def _integer(self, kind: str, text: str) -> int:
        if text[:1] in ("'", '"'):
            return ord(text[1]) if len(text) > 1 else 0
        match = _INTEGER.match(text)
        if match is None or match.end() != len(text):
            if text:
                self._process.complain(f"bad %{kind} {text[:40]}")
                self.code = 1
            if match is None:
                return 0
        digits = match[2]
        is_octal = digits.startswith("0") and digits.isdigit() and "8" not in digits
        base = 16 if digits[:2] in ("0x", "0X") else 8 if is_octal and "9" not in digits else 10
        number = int(digits, base)
        return -number if match[1] == "-" else number


def _escaped(escape: str) -> bytes:
    if escape in _ESCAPES:
        return _ESCAPES[escape].encode()
    if escape.startswith("x"):
        return bytes([int(escape[1:], 16)])
    return bytes([int(escape, 8) & 0xFF])


def _unescaped(text: str) -> str:
    """Return an argument of ``%b`` with its escapes carried out."""
    return "".join(
        _escaped(match["escape"]).decode("latin-1") if match["escape"] else match[0]
        for match in _PIECE.finditer(text)
    )


def _seq(process: Process) -> int:
    words = list(process.arguments)
    separator = "\n"
    if words[:1] == ["-s"] and len(words) > 1:
        separator, words = words[1], words[2:]
    if not 1 <= len(words) <= 3:
        raise CommandFailed("seq: Needs 1 to 3 arguments")
    numbers = [_decimal(word) for word in words]
    first = numbers[0] if len(numbers) > 1 else Decimal(1)
    step = numbers[1] if len(numbers) > 2 else Decimal(1)
    last = numbers[-1]
    if step == 0:
        raise CommandFailed("seq: bad increment 0")
    if (last - first) / step > MAX_NUMBERS:
        raise CommandFailed(f"seq: more than {MAX_NUMBERS} numbers")
    places = max((-_exponent(number) for number in (first, step)), default=0)
    shown = separator.join(f"{number:.{places}f}" for number in _range(first, step, last))
    if shown:
        process.out.line(shown)
    return 0


def _range(first: Decimal, step: Decimal, last: Decimal) -> Iterator[Decimal]:
    number = first
    while number <= last if step > 0 else number >= last:
        yield number
        number += step


def _decimal(text: str) -> Decimal:
    if re.fullmatch(r"[+-]?(\d{1,15}(\.\d{0,9})?|\.\d{1,9})", text, re.ASCII) is None:
        raise CommandFailed(f"seq: not a number: {text[:40]}")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandFailed(f"seq: not a number: {text[:40]}") from None


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return min(exponent, 0) if isinstance(exponent, int) else 0


def _sleep(process: Process) -> int:
    if not process.arguments:
        raise CommandFailed("sleep: Needs 1 argument")
    seconds = 0.0
    for text in process.arguments:
        match = _DURATION.fullmatch(text)
        if match is None:
            raise CommandFailed(f"sleep: bad duration '{text[:40]}'")
        seconds += float(match[1]) * _UNITS[match[2]]
    return EXIT_HUNG_UP if process.hung_up.wait(min(seconds, MAX_SLEEP)) else 0


def _basename(process: Process) -> int:
    if not 1 <= len(process.arguments) <= 2:
        raise CommandFailed("basename: Needs 1 or 2 arguments")
    path, suffix = [*process.arguments, ""][:2]
    name = posixpath.basename(path.rstrip("/")) or ("/" if path else "")
    if suffix and name != suffix:
        name = name.removesuffix(suffix)
    process.out.line(name)
    return 0


def _dirname(process: Process) -> int:
    if not process.arguments:
        raise CommandFailed("dirname: Needs 1 argument")
    for path in process.arguments:
        folder = posixpath.dirname(path.rstrip("/"))
        process.out.line(folder.rstrip("/") or ("/" if path.startswith("/") else "."))
    return 0


COMMANDS = {
    "basename": _basename,
    "dirname": _dirname,
    "printf": _printf,
    "seq": _seq,
    "sleep": _sleep,
}
