"""Commands that work on text: cat, cut, echo, grep, head, tail, wc, true, false."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence

from lab.phone.android.shell.process import CommandFailed, Process, options
from lab.phone.files import FileError

MAX_PATTERN = 200
"""Characters of grep's pattern."""
MAX_LINE = 4096
"""Characters of a line in which grep looks for something that repeats."""
GREP_CAP = 5.0
"""Seconds that a grep may take."""

_PART = 64 * 1024


def _true(_: Process) -> int:
    return 0


def _false(_: Process) -> int:
    return 1


def _echo(process: Process) -> int:
    arguments = list(process.arguments)
    end = "\n"
    if arguments[:1] == ["-n"]:
        arguments, end = arguments[1:], ""
    process.out.write((" ".join(arguments) + end).encode("utf-8", "replace"))
    return 0


def _cat(process: Process) -> int:
    _, paths = options(process, "u")
    code = 0
    for path in paths or ["-"]:
        try:
            if path != "-":
                process.out.write(process.files.read(path))
                continue
            while part := process.read(_PART):
                process.out.write(part)
        except FileError as error:
            process.complain(str(error))
            code = 1
    return code


def _head(process: Process) -> int:
    found, paths = options(_with_count(process), "", "n")
    count = number(process, found.get("n", "10"))
    for content in inputs(process, paths):
        lines = content.splitlines(keepends=True)
        process.out.write(b"".join(lines[:count] if count >= 0 else lines[: len(lines) + count]))
    return 0


def _tail(process: Process) -> int:
    found, paths = options(_with_count(process), "", "n")
    wanted = found.get("n", "10")
    count = number(process, wanted.removeprefix("+"))
    for content in inputs(process, paths):
        lines = content.splitlines(keepends=True)
        start = max(count - 1, 0) if wanted.startswith("+") else max(len(lines) - abs(count), 0)
        process.out.write(b"".join(lines[start:]))
    return 0


def _wc(process: Process) -> int:
    found, paths = options(process, "lwc")
    content = b"".join(inputs(process, paths))
    counts = {"l": content.count(b"\n"), "w": len(content.split()), "c": len(content)}
    shown = [str(counts[letter]) for letter in "lwc" if letter in found or not found]
    process.out.line(" ".join([*shown, *paths[:1]]))
    return 0


def _cut(process: Process) -> int:
    found, paths = options(process, "", "dfc")
    if ("f" in found) == ("c" in found):
        raise CommandFailed("cut: need one of -c and -f")
    wanted = _ranges(process, found.get("f") or found["c"])
    delimiter = found.get("d", "\t")
    if len(delimiter) != 1:
        raise CommandFailed("cut: bad -d")
    for content in inputs(process, paths):
        for line in content.decode("utf-8", "replace").splitlines():
            if "c" in found:
                kept = "".join(s for n, s in enumerate(line, 1) if _within(n, wanted))
            elif delimiter not in line:
                kept = line
            else:
                fields = enumerate(line.split(delimiter), 1)
                kept = delimiter.join(text for n, text in fields if _within(n, wanted))
            process.out.line(kept)
    return 0


def _grep(process: Process) -> int:
    found, rest = options(process, "ivcqFEowxhsl", "em")
    if "e" in found:
        rest.insert(0, found["e"])
    if not rest:
        raise CommandFailed("grep: no REGEX", 2)
    expression, repeats = matcher(rest[0], found)
    most = number(process, found["m"]) if "m" in found else None
    deadline = time.monotonic() + GREP_CAP

    def hits(content: bytes) -> list[str]:
        matching: list[str] = []
        for line in content.decode("utf-8", "replace").splitlines():
            if len(matching) == most:
                break
            if time.monotonic() > deadline:
                raise CommandFailed(f"grep: not done after {GREP_CAP:g} seconds", 2)
            if repeats and len(line) > MAX_LINE:
                raise CommandFailed(f"grep: a line is longer than {MAX_LINE} characters", 2)
            if (expression.search(line) is None) == ("v" in found):
                matching.append(line)
        return matching

    if "l" in found:
        return _grep_names(process, rest[1:], hits, silent="s" in found)
    lines = hits(b"".join(inputs(process, rest[1:])))
    if "c" in found:
        process.out.line(str(len(lines)))
    elif "q" not in found:
        if "o" in found:
            lines = [match[0] for line in lines for match in expression.finditer(line) if match[0]]
        process.print_lines(lines)
    return 0 if lines else 1


def _grep_names(
    process: Process, paths: Sequence[str], hits: Callable[[bytes], list[str]], *, silent: bool
) -> int:
    """Write the names of the files that have a hit."""
    named = 0
    for path in paths:
        try:
            content = b"".join(inputs(process, [path]))
        except FileError as error:
            if not silent:
                process.complain(str(error))
            continue
        if hits(content):
            process.out.line(path)
            named += 1
    return 0 if named else 1


_REPEATED_GROUP = re.compile(r"\)[*+?{]")
_REPETITION = re.compile(r"[*+{]")
MAX_REPETITIONS = 1
"""Python's expressions try every way to divide a line among their repetitions."""


def matcher(
    pattern: str, found: Mapping[str, str], name: str = "grep"
) -> tuple[re.Pattern[str], bool]:
    """Return the pattern as Python's, and whether it repeats anything; ``found`` has options of
    grep's. Raises CommandFailed, also for a pattern that might never come to an end."""
    repetitions = 0
    if len(pattern) > MAX_PATTERN:
        raise CommandFailed(f"{name}: the pattern is longer than {MAX_PATTERN} characters", 2)
    if "F" in found:
        pattern = re.escape(pattern)
    else:
        if "E" not in found:
            pattern = _basic(pattern)
        repetitions = len(_REPETITION.findall(pattern))
        if _REPEATED_GROUP.search(pattern) or repetitions > MAX_REPETITIONS:
            raise CommandFailed(f"{name}: too much repetition for this phone's {name}", 2)
    if "w" in found:
        pattern = rf"\b(?:{pattern})\b"
    if "x" in found:
        pattern = rf"\A(?:{pattern})\Z"
    try:
        return re.compile(pattern, re.IGNORECASE if "i" in found else 0), repetitions > 0
    except (re.error, RecursionError, OverflowError) as error:
        raise CommandFailed(f"{name}: bad REGEX: {error}", 2) from None


def _basic(pattern: str) -> str:
    """Turn a basic regular expression (POSIX section 9.3) into an extended one: there these
    signs are themselves unless a backslash makes them special."""
    return re.sub(r"\\([+?|(){}])|([+?|(){}])", lambda m: m[1] if m[1] else "\\" + m[2], pattern)


def inputs(process: Process, paths: list[str]) -> list[bytes]:
    """Return the contents of the files, or of the standard input where none is given.

    Raises FileError.
    """
    if not paths:
        return [process.stdin]
    return [process.stdin if path == "-" else process.files.read(path) for path in paths]


def _with_count(process: Process) -> Process:
    """Read ``-5`` as ``-n 5``."""
    if process.arguments and re.fullmatch(r"-\d+", process.arguments[0], re.ASCII):
        process.arguments = [f"-n{process.arguments[0][1:]}", *process.arguments[1:]]
    return process


def number(process: Process, text: str) -> int:
    """Return the number that ``text`` is. Raises CommandFailed."""
    if re.fullmatch(r"-?\d{1,9}", text, re.ASCII) is None:
        raise CommandFailed(f"{process.name}: not integer: {text[:20]}")
    return int(text)


def _ranges(process: Process, text: str) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{0,6})(-?)(\d{0,6})", part, re.ASCII)
        if match is None or not (match[1] or match[3]):
            raise CommandFailed(f"{process.name}: bad range {part[:20]}")
        first = int(match[1] or 1)
        last = int(match[3]) if match[3] else (10**6 if match[2] else first)
        ranges.append((first, last))
    return ranges


def _within(number: int, ranges: list[tuple[int, int]]) -> bool:
    return any(first <= number <= last for first, last in ranges)


COMMANDS = {
    "cat": _cat,
    "cut": _cut,
    "echo": _echo,
    "false": _false,
    "grep": _grep,
    "head": _head,
    "tail": _tail,
    "true": _true,
    "wc": _wc,
}
