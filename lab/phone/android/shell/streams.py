"""What commands read from and write to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from lab.phone.files import MAX_FILE

MAX_OUTPUT = 2 * MAX_FILE
"""Bytes that a command may write where they are kept, or read to the end."""

EXIT_FAILED = 1
EXIT_BROKEN_PIPE = 141
"""128 + SIGPIPE."""


class CommandFailed(Exception):
    """The command ends here; ``str()`` goes to its standard error."""

    def __init__(self, message: str, code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.code = code


class Input(Protocol):
    """What a command reads from; shared by all that runs on it, as a descriptor is."""

    def read(self, size: int) -> bytes:
        """Return what comes next, ``size`` bytes at most; waits for the first of them. Nothing
        at the end, and where the client has gone."""


class Given:
    """An input that is known from the start."""

    def __init__(self, content: bytes = b"") -> None:
        self._content = memoryview(content)

    def read(self, size: int) -> bytes:
        part, self._content = self._content[:size], self._content[size:]
        return bytes(part)


class Output:
    """What a command writes to; this one keeps it."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, content: bytes) -> None:
        """Add ``content``. Raises CommandFailed where that would be too much."""
        if len(self.content) + len(content) > MAX_OUTPUT:
            raise CommandFailed("write: No space left on device")
        self.content += content

    def line(self, text: str) -> None:
        """Add a line of text."""
        self.write(text.encode("utf-8", "replace") + b"\n")


class Nowhere(Output):
    """/dev/null."""

    def write(self, content: bytes) -> None:
        """Forget ``content``."""


class Live(Output):
    """Passes on at once what is written to it.

    ``send`` returns False where nobody is there to take it any more.
    """

    def __init__(self, send: Callable[[bytes], bool]) -> None:
        super().__init__()
        self._send = send

    def write(self, content: bytes) -> None:
        """Pass ``content`` on. Raises CommandFailed where the client has gone."""
        if content and not self._send(content):
            raise CommandFailed("", EXIT_BROKEN_PIPE)


class Deadline(threading.Event):
    """An event that comes by itself after ``cap`` seconds, if not earlier."""

    def __init__(self, cap: float) -> None:
        super().__init__()
        self._end = time.monotonic() + cap

    def is_set(self) -> bool:
        return super().is_set() or time.monotonic() >= self._end

    def wait(self, timeout: float | None = None) -> bool:
        left = max(self._end - time.monotonic(), 0.0)
        super().wait(left if timeout is None else min(timeout, left))
        return self.is_set()
