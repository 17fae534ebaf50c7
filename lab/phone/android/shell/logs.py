"""Commands about the log: logcat, log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lab.phone.android.shell.log_formats import Filter, Format, read_filter
from lab.phone.android.shell.process import CommandFailed, Process, options
from lab.phone.android.shell.text import matcher
from lab.phone.logcat import LETTERS, MAX_LINES, LogLine

LOOK = 0.2
"""Seconds after which a client that has gone is noticed."""
HEADER = "--------- beginning of main"
_BUFFERS = frozenset({"main", "system", "crash", "radio", "events", "kernel", "all", "default"})
_SIZE = re.compile(r"\d{1,9}[KMG]?", re.ASCII)
_MOMENT = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?", re.ASCII)
_EPOCH = re.compile(r"\d{1,12}\.\d{1,9}", re.ASCII)
_SHORT_VALUES, _SHORT_FLAGS = "bvtTmreGf", "dcsgLBDS"
_LONG = {
    "--buffer": "-b",
    "--format": "-v",
    "--tail": "-T",
    "--max-count": "-m",
    "--regex": "-e",
    "--clear": "-c",
    "--dump": "-d",
    "--pid": "--pid",
    "--buffer-size": "-G",
    "--print": "--print",
    "--last": "-L",
}


@dataclass(slots=True)
class _Wanted:
    """What a command line of logcat asks for."""

    format: Format = field(default_factory=Format)
    flags: set[str] = field(default_factory=set)
    tail: str | None = None
    """How many lines, or since when."""
    most: int | None = None
    """Lines after which it ends."""
    pid: int | None = None
    pattern: re.Pattern[str] | None = None
    specs: list[str] = field(default_factory=list)

    @property
    def follows(self) -> bool:
        return not self.flags & {"-d", "-t"}


def _logcat(process: Process) -> int:
    wanted = _read(process.arguments)
    logcat = process.phone.logcat
    if "-c" in wanted.flags:
        logcat.clear()
        return 0
    if "-g" in wanted.flags:
        process.out.line("main: ring buffer is 256 KiB (0 B consumed), max entry is 5120 B")
        return 0
    if "-G" in wanted.flags:
        return 0
    specs = wanted.specs
    if not specs and "-s" not in wanted.flags:
        specs = process.environment.get("ANDROID_LOG_TAGS", "").strip("'\"").split()
    try:
        chosen = read_filter(specs, silent="-s" in wanted.flags, pid=wanted.pid)
    except ValueError as error:
        raise CommandFailed(f"logcat: Invalid filter expression '{str(error)[:40]}'") from None
    _show(process, wanted, chosen)
    return 0


def _show(process: Process, wanted: _Wanted, chosen: Filter) -> None:
    logcat = process.phone.logcat
    seen, lines = logcat.since(0, 0)
    printer = _Printer(process, wanted, chosen)
    printer.print(_last(lines, wanted.tail, process.phone.now(), chosen))
    while wanted.follows and not printer.done and not process.hung_up.is_set():
        seen, lines = logcat.since(seen, LOOK)
        printer.print(lines)


class _Printer:
    """Shows lines until there have been enough."""

    def __init__(self, process: Process, wanted: _Wanted, chosen: Filter) -> None:
        self._process = process
        self._wanted = wanted
        self._chosen = chosen
        self._shown = 0

    @property
    def done(self) -> bool:
        return self._shown == self._wanted.most

    def print(self, lines: Iterable[LogLine]) -> None:
        shown: list[str] = []
        for line in lines:
            if self.done:
                break
            if self._lets(line):
                if not self._shown:
                    shown.append(HEADER)
                shown.append(self._wanted.format.show(line))
                self._shown += 1
        if shown:
            # In one go: a client that reads along gets whole lines.
            content = "\n".join(shown) + "\n"
            self._process.out.write(content.encode("utf-8", "replace"))

    def _lets(self, line: LogLine) -> bool:
        pattern = self._wanted.pattern
        return self._chosen.lets(line) and (pattern is None or bool(pattern.search(line.message)))


def _last(
    lines: Sequence[LogLine], tail: str | None, now: float, chosen: Filter
) -> Sequence[LogLine]:
    """Return the lines that ``-t`` or ``-T`` mean. Raises CommandFailed."""
    if tail is None:
        return lines
    if tail.isascii() and tail.isdigit():
        matching = [line for line in lines if chosen.lets(line)]
        return matching[max(0, len(matching) - min(int(tail[:9]), MAX_LINES)) :]
    since = _moment(tail, now)
    return [line for line in lines if line.at >= since]


def _moment(text: str, now: float) -> float:
    if _EPOCH.fullmatch(text):
        return float(text)
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise CommandFailed(f'logcat: -t "{text[:40]}" not in time format')
    year = int(match[1] or datetime.fromtimestamp(now, UTC).year)
    numbers = (int(match[group]) for group in range(2, 7))
    try:
        whole = datetime(year, *numbers, tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        raise CommandFailed(f'logcat: -t "{text[:40]}" not in time format') from None
    return whole.timestamp() + float(f"0.{match[7] or 0}")


def _read(arguments: Sequence[str]) -> _Wanted:
    """Read a command line of logcat. Raises CommandFailed."""
    wanted = _Wanted()
    waiting = list(reversed(arguments))
    while waiting:
        argument = waiting.pop()
        if argument.startswith("--") and len(argument) > 2:
            name, has_value, value = argument.partition("=")
            option = _LONG.get(name)
            if option is None:
                raise CommandFailed(f"logcat: Unknown option '{name[:40]}'")
            needs = option == "--pid" or option[1] in _SHORT_VALUES
            if needs and not has_value:
                value = _value(option, waiting)
            _apply(wanted, option, value)
        elif argument.startswith("-") and len(argument) > 1:
            letters = argument[1:]
            while letters:
                letter, letters = letters[0], letters[1:]
                if letter in _SHORT_VALUES:
                    value = letters or _value(f"-{letter}", waiting)
                    _apply(wanted, f"-{letter}", value)
                    letters = ""
                elif letter in _SHORT_FLAGS:
                    _apply(wanted, f"-{letter}", "")
                else:
                    raise CommandFailed(f"logcat: Unknown option '{letter}'")
        else:
            wanted.specs.append(argument)
    return wanted


def _value(option: str, waiting: list[str]) -> str:
    if not waiting:
        raise CommandFailed(f"logcat: Missing argument to {option}")
    return waiting.pop()


def _apply(wanted: _Wanted, option: str, value: str) -> None:
    wanted.flags.add(option)
    if option == "-v":
        try:
            for name in value.replace(",", " ").split():
                wanted.format = wanted.format.given(name)
        except ValueError as error:
            raise CommandFailed(f"logcat: Invalid parameter '{str(error)[:40]}' to -v") from None
    elif option in ("-t", "-T"):
        wanted.tail = value
    elif option == "-m":
        wanted.most = _number(value)
    elif option == "--pid":
        wanted.pid = _number(value)
    elif option == "-b" and not set(value.split(",")) <= _BUFFERS:
        raise CommandFailed(f"logcat: unknown buffer -b '{value[:40]}'")
    elif option == "-G" and not _SIZE.fullmatch(value):
        raise CommandFailed(f"logcat: Invalid parameter '{value[:40]}' to -G")
    elif option == "-e":
        wanted.pattern, _ = matcher(value, {"E": ""})
    elif option in ("-f", "-r"):
        raise CommandFailed(f"logcat: this phone's logcat has no {option}")


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise CommandFailed(f"logcat: not a number: {text[:20]}")
    return int(text[:9])


_LEVELS = {letter: level for level, letter in LETTERS.items()}


def _log(process: Process) -> int:
    """Write a message to the log, as ``liblog`` does."""
    found, words = options(process, "", "ptb")
    level = _LEVELS.get(found.get("p", "i").upper()[:1])
    if level is None:
        raise CommandFailed(f"log: bad -p '{found['p'][:20]}'")
    text = " ".join(words) if words else process.stdin.decode("utf-8", "replace")
    process.phone.log(found.get("t", "log"), level, text)
    return 0


COMMANDS = {"log": _log, "logcat": _logcat}
