"""Writing files of a run so that nobody ever finds half of one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


class ReportsUnwritable(Exception):
    """The reports cannot be written; the message names the path and the system's reason."""


def put(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file so that a reader finds all of it or, before, none of it; where it is
    ``durable`` also after a loss of power. Raises OSError."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off until what belongs together is written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(*came[0])


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusal into ReportsUnwritable."""
    try:
        yield
    except OSError as error:
        raise ReportsUnwritable(
            f"reports cannot be written to {path}: {error.strerror or error}"
        ) from error
