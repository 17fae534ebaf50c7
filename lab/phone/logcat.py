"""The phone's log, as ``logcat`` shows it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

MAX_LINES = 2000
"""Lines that the ring buffer holds; older ones are gone."""
MAX_MESSAGE = 4000
"""Characters of one line; logd cuts at about 4 KiB."""

LETTERS = {"VERBOSE": "V", "DEBUG": "D", "INFO": "I", "WARN": "W", "ERROR": "E"}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line."""

    at: float
    """Epoch seconds on the phone's clock."""
    tag: str
    letter: str
    message: str

    def threadtime(self) -> str:
        """Return the line in logcat's default format."""
        when = datetime.fromtimestamp(self.at, UTC)
        stamp = f"{when:%m-%d %H:%M:%S}.{when.microsecond // 1000:03}"
        return f"{stamp}  1000  1000 {self.letter} {self.tag:<8}: {self.message}"


class LogBuffer:
    """A ring buffer. May be used from any thread."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=MAX_LINES)
        self._lock = threading.Lock()

    def write(self, at: float, tag: str, level: str, message: str) -> None:
        """Add a message. Each of its lines becomes one of the log, so that no message can pass
        itself off as another's. An unknown level counts as INFO."""
        letter = LETTERS.get(level.upper(), "I")
        parts = str(message)[: 4 * MAX_MESSAGE].splitlines() or [""]
        lines = [LogLine(at, tag, letter, part[:MAX_MESSAGE]) for part in parts]
        with self._lock:
            self._lines.extend(lines)

    def lines(self, tags: Collection[str] = ()) -> tuple[LogLine, ...]:
        """Return what is held, of ``tags`` only where some are given."""
        with self._lock:
            return tuple(line for line in self._lines if not tags or line.tag in tags)

    def clear(self) -> None:
        """Forget every line."""
        with self._lock:
            self._lines.clear()
