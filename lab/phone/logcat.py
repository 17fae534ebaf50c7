"""The phone's log, as ``logcat`` shows it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

MAX_LINES = 2000
"""Lines that the ring buffer holds; older ones are gone."""
MAX_MESSAGE = 4000
"""Characters of one line; logd cuts at about 4 KiB."""
MAX_PARTS = 200
"""Lines of one message; what it says beyond them is left out."""
SYSTEM_PID = 1000
"""The process that a line is of where nobody says which."""

LETTERS = {"VERBOSE": "V", "DEBUG": "D", "INFO": "I", "WARN": "W", "ERROR": "E"}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line."""

    at: float
    """Epoch seconds on the phone's clock."""
    tag: str
    letter: str
    message: str
    pid: int = SYSTEM_PID

    def threadtime(self) -> str:
        """Return the line in logcat's default format."""
        when = datetime.fromtimestamp(self.at, UTC)
        stamp = f"{when:%m-%d %H:%M:%S}.{when.microsecond // 1000:03}"
        return f"{stamp} {self.pid:5} {self.pid:5} {self.letter} {self.tag:<8}: {self.message}"


class LogBuffer:
    """A ring buffer. May be used from any thread."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=MAX_LINES)
        self._written = 0
        self._changed = threading.Condition()

    @property
    def written(self) -> int:
        """How many lines there have been, those included that are gone."""
        return self._written

    def write(self, at: float, tag: str, level: str, message: str, pid: int = SYSTEM_PID) -> None:
        """Add a message. Each of its lines becomes one of the log, so that no message can pass
        itself off as another's. An unknown level counts as INFO."""
        letter = LETTERS.get(level.upper(), "I")
        parts = str(message)[: 4 * MAX_MESSAGE].splitlines() or [""]
        lines = [LogLine(at, tag, letter, part[:MAX_MESSAGE], pid) for part in parts[:MAX_PARTS]]
        if len(parts) > MAX_PARTS:
            # Else one message could push everything out that was said before.
            left_out = f"... {len(parts) - MAX_PARTS} more lines"
            lines.append(LogLine(at, tag, letter, left_out, pid))
        with self._changed:
            self._lines.extend(lines)
            self._written += len(lines)
            self._changed.notify_all()

    def lines(self, tags: Collection[str] = ()) -> tuple[LogLine, ...]:
        """Return what is held, of ``tags`` only where some are given."""
        with self._changed:
            return tuple(line for line in self._lines if not tags or line.tag in tags)

    def since(self, count: int, cap: float) -> tuple[int, tuple[LogLine, ...]]:
        """Wait ``cap`` seconds at most until ``written`` is more than ``count``. Return it, and
        the lines since then that are still held."""
        with self._changed:
            self._changed.wait_for(lambda: self._written > count, cap)
            new = max(0, min(self._written - count, len(self._lines)))
            return self._written, tuple(islice(self._lines, len(self._lines) - new, None))

    def clear(self) -> None:
        """Forget every line."""
        with self._changed:
            self._lines.clear()
