"""Restarting the phone: what it forgets, and who is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

DOWN_TIME = 1.0
"""Seconds for which a phone that restarts is not there."""

Told = Callable[[], None]


def _nothing() -> None:
    """Do nothing."""


class Boot:
    """Restarts the phone. May be used from any thread.

    ``forget`` lets go of whatever does not outlive a restart. Subscribers are told when the phone
    goes down, and when it is up again.
    """

    def __init__(self, forget: Told, *, down_time: float = DOWN_TIME) -> None:
        self.down_time = down_time
        self._forget = forget
        self._lock = threading.Lock()
        self._subscribers: list[tuple[Told, Told]] = []
        self._done = threading.Event()
        self._done.set()

    @property
    def completed(self) -> bool:
        """Whether the phone is up (``sys.boot_completed``)."""
        return self._done.is_set()

    def on_reboot(self, down: Told, up: Told = _nothing) -> None:
        """Tell ``down`` of each restart before anything is forgotten, and ``up`` of its end."""
        self._subscribers.append((down, up))

    def reboot(self) -> None:
        """Begin a restart and return at once; one that is under way already is enough."""
        with self._lock:
            if not self._done.is_set():
                return
            self._done.clear()
        # Of its own: who asks for it is cut off by it.
        threading.Thread(target=self._restart, name="reboot", daemon=True).start()

    def wait(self, cap: float) -> bool:
        """Wait ``cap`` seconds at most until the phone is up, and tell whether it is."""
        return self._done.wait(cap)

    def _restart(self) -> None:
        try:
            for down, _ in self._subscribers:
                down()
            self._forget()
            threading.Event().wait(self.down_time)
            for _, up in self._subscribers:
                up()
        finally:
            self._done.set()
