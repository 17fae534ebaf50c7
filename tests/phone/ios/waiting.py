from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tests.phone.ios.peer import CAP


def eventually(holds: Callable[[], bool]) -> bool:
    """Wait for something that follows without being announced; whether it came."""
    deadline = time.monotonic() + CAP
    while not holds():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.005)
    return True
