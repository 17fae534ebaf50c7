"""The ports of the phone that a computer can connect to over the cable."""

from __future__ import annotations

import socket
import threading
from collections import OrderedDict
from collections.abc import Callable

Serve = Callable[[socket.socket], object]
"""Takes a connection, owns it, and returns when it is done with it or has handed it to a thread of
its own. Raises nothing."""

FIRST, LAST = 49152, 65535
"""Where services are started (RFC 6335 section 6, dynamic ports)."""


class Ports:
    """What listens on the phone. Services that were started wait for one connection each; of more
    than ``limit`` that wait the oldest gives up. May be used from any thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._fixed: dict[int, Serve] = {}
        self._started: OrderedDict[int, Serve] = OrderedDict()
        self._last = FIRST - 1

    def listen(self, port: int, serve: Serve) -> None:
        """Let every connection to ``port`` be served, instead of what served it before."""
        with self._lock:
            self._fixed[port] = serve

    def unlisten(self, port: int) -> None:
        """Refuse connections to ``port``; it is no matter if they were refused before."""
        with self._lock:
            self._fixed.pop(port, None)

    def start(self, serve: Serve) -> int:
        """Let the next connection to a port that is free be served; return the port."""
        with self._lock:
            while len(self._started) >= self._limit:
                self._started.popitem(last=False)
            while True:
                self._last = FIRST if self._last >= LAST else self._last + 1
                if self._last not in self._started and self._last not in self._fixed:
                    self._started[self._last] = serve
                    return self._last

    def find(self, port: int) -> Serve | None:
        """Return what serves a connection to ``port``, None where nothing listens."""
        with self._lock:
            return self._started.pop(port, None) or self._fixed.get(port)
