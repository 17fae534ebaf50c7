"""How long a test waits before it takes something for hung, whatever the speed of the machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

CAP: Final = 60.0
"""Seconds after which a test is tired of waiting: only a hang gets that far."""

LONG: Final = 2 * CAP
"""Seconds to which a test sets a limit of the lab's that must not strike in it."""


def eventually(holds: Callable[[], object]) -> bool:
    """Wait for something that follows without being announced; whether it came."""
    deadline = time.monotonic() + CAP
    while not holds():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.005)
    return True


@contextmanager
def not_waiting() -> Iterator[None]:
    """Fail where what is done inside waits for a limit that was set to LONG."""
    began = time.monotonic()
    try:
        yield
    finally:
        assert time.monotonic() - began < CAP, "it waited for a limit"
