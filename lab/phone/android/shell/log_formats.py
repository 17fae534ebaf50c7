"""How ``logcat`` shows a line, and which lines (AOSP, logcat.cpp and logprint.cpp)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from lab.phone.logcat import LogLine

LEVELS = "VDIWEFS"
"""From the one that lets everything through to the one that lets nothing."""
_SILENT = "S"
_FLAGS = frozenset({"year", "usec", "zone", "epoch"})
_NO_FORMAT = ("color", "colour", "printable", "descriptive", "UTC")
"""Modifiers that make no difference here."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a line is shown."""

    layout: str = "threadtime"
    flags: frozenset[str] = frozenset()
    """``year``, ``usec`` for six digits after the second, ``zone``, and ``epoch`` for seconds since
    1970 instead of a date."""

    def given(self, name: str) -> Format:
        """Return this format as another ``-v`` changes it. Raises ValueError."""
        if name in _LAYOUTS:
            return replace(self, layout=name)
        if name in _FLAGS:
            return replace(self, flags=self.flags | {name})
        if name in _NO_FORMAT:
            return self
        raise ValueError(name)

    def show(self, line: LogLine) -> str:
        """Return the line."""
        return _LAYOUTS[self.layout](self._stamp(line.at), line)

    def _stamp(self, at: float) -> str:
        digits = 6 if "usec" in self.flags else 3
        micros = int(at * 1_000_000)
        fraction = f"{micros % 1_000_000:06}"[:digits]
        if "epoch" in self.flags:
            return f"{micros // 1_000_000:10}.{fraction}"
        when = datetime.fromtimestamp(micros // 1_000_000, UTC)
        date = when.strftime("%Y-%m-%d %H:%M:%S" if "year" in self.flags else "%m-%d %H:%M:%S")
        return f"{date}.{fraction}{' +0000' if 'zone' in self.flags else ''}"


_LAYOUTS: dict[str, Callable[[str, LogLine], str]] = {
    "brief": lambda _, s: f"{s.letter}/{s.tag:<8}({s.pid:5}): {s.message}",
    "process": lambda _, s: f"{s.letter}({s.pid:5}) {s.message}  ({s.tag})",
    "raw": lambda _, s: s.message,
    "tag": lambda _, s: f"{s.letter}/{s.tag:<8}: {s.message}",
    "thread": lambda _, s: f"{s.letter}({s.pid:5}:{s.pid:5}) {s.message}",
    "threadtime": lambda at, s: f"{at} {s.pid:5} {s.pid:5} {s.letter} {s.tag:<8}: {s.message}",
    "time": lambda at, s: f"{at} {s.letter}/{s.tag:<8}({s.pid:5}): {s.message}",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are shown."""

    levels: dict[str, str] = field(default_factory=dict)
    """By tag."""
    others: str = "V"
    """Level of the tags that have none of their own."""
    pid: int | None = None

    def lets(self, line: LogLine) -> bool:
        """Tell whether a line is shown."""
        if self.pid not in (None, line.pid):
            return False
        level = self.levels.get(line.tag, self.others)
        return level != _SILENT and LEVELS.index(line.letter) >= LEVELS.index(level)


def read_filter(specs: Sequence[str], *, silent: bool, pid: int | None = None) -> Filter:
    """Read ``TAG:LEVEL`` and ``*:LEVEL``; ``silent`` is ``-s``. Raises ValueError."""
    levels: dict[str, str] = {}
    others = _SILENT if silent else "V"
    for spec in specs:
        tag, _, level = spec.partition(":")
        level = level.upper()[:1] or ("D" if tag == "*" else "V")
        # A star for a level means that there is none of its own.
        level = "V" if level == "*" else level
        if level not in LEVELS or not tag:
            raise ValueError(spec)
        if tag == "*":
            others = level
        else:
            levels[tag] = level
    return Filter(levels, others, pid)
