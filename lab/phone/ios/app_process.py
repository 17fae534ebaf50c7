"""The phone as one process of an app has it: under its name and number in the log."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable

from lab.phone.base_state import BaseState
from lab.phone.services import Cancellation, ClearConnection

FIRST_PID = 400

Opened = Callable[[socket.socket, str, int], None]
"""Told of each connection that an app has opened: the socket, the process's name and number."""


class Pids:
    """Gives out process numbers. May be used from any thread."""

    def __init__(self) -> None:
        self._next = itertools.count(FIRST_PID)
        self._last: dict[str, int] = {}

    def take(self, bundle_id: str = "") -> int:
        """Return a number that no process has had, for a new process of an app."""
        number = self._last[bundle_id] = next(self._next)
        return number

    def last(self, bundle_id: str) -> int:
        """Return the number of an app's latest process, 0 where there was none."""
        return self._last.get(bundle_id, 0)


class AppProcess:
    """Implements ``PhoneServices`` for one process called ``name``."""

    def __init__(self, phone: BaseState, name: str, pid: int, opened: Opened | None = None) -> None:
        self._phone = phone
        self.name = name
        self.pid = pid
        self._opened = opened

    def now(self) -> float:
        return self._phone.now()

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        sock = self._phone.network.connect(host, port, timeout, cancellation)
        if self._opened is not None:
            self._opened(sock, self.name, self.pid)
        return sock

    def connect_clear(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> ClearConnection:
        clear = self._phone.network.connect_clear(host, port, timeout, cancellation)
        if self._opened is not None:
            self._opened(clear.socket, self.name, self.pid)
        return clear

    def look_up(
        self, host: str, timeout: float, cancellation: Cancellation | None = None
    ) -> tuple[str, ...]:
        return self._phone.network.look_up(host, timeout, cancellation)

    def trust_anchors(self, user_store: bool) -> tuple[bytes, ...]:
        return self._phone.trust_anchors(user_store)

    def log(self, tag: str, level: str, message: str) -> None:
        self._phone.logcat.write(self._phone.now(), f"{self.name}({tag})", level, message, self.pid)
