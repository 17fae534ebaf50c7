"""Connections that an app's HTTP client keeps open between requests, as OkHttp's pool does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from lab.phone.exchange import Conversation
from lab.phone.link import Patience
from lab.phone.tls import HTTP2, Secured, TlsConnection
from lab.phone.url import Url
from lab.phone.verify import Judge

MAX_IDLE = 5
"""Connections that are kept while nothing is asked on them."""
KEEP_ALIVE = 300.0
"""Seconds after which one that nobody asked for is closed."""


@dataclass(slots=True, eq=False)
class Line:
    """A connection that is open, with what it was opened for and how it was judged."""

    url: Url
    judge: Judge
    secured: Secured
    conversation: Conversation
    idle_since: float = field(default_factory=time.monotonic)
    is_reused: bool = False
    """Whether an earlier request was answered on it."""

    @property
    def is_http2(self) -> bool:
        return self.secured.protocol == HTTP2

    def is_for(self, url: Url) -> bool:
        """Tell whether it was opened for the server of ``url``."""
        return (self.url.host, self.url.port) == (url.host, url.port)

    def is_usable(self) -> bool:
        """Tell whether another request can be made on it."""
        secured = self.secured
        if self.conversation.is_over or not isinstance(secured, TlsConnection):
            return False
        # In HTTP/1 what was not asked for would be taken for the next answer.
        return secured.is_ready(silent=not self.is_http2)


class Pool:
    """Idle connections. May be used from any thread; each serves one call at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Line] = []
        self._closed = False

    def idle(self) -> Iterator[Line]:
        """Yield what could be used, the latest first. What is too old is closed instead."""
        with self._lock:
            begin = time.monotonic() - KEEP_ALIVE
            old = [line for line in self._idle if line.idle_since < begin]
            self._idle = [line for line in self._idle if line.idle_since >= begin]
            candidates = self._idle[::-1]
        _close(old)
        yield from candidates

    def take(self, line: Line, patience: Patience) -> bool:
        """Take an idle connection out for a call; False where it is gone or cannot be used.

        Raises Cancelled.
        """
        with self._lock:
            if line not in self._idle:
                return False
            self._idle.remove(line)
        if not line.is_usable():
            line.secured.close()
            return False
        assert isinstance(line.secured, TlsConnection), "no other is usable"
        line.secured.adopt(patience)
        line.is_reused = True
        return True

    def give(self, line: Line) -> None:
        """Keep a connection on which everything was answered, or close it."""
        line.idle_since = time.monotonic()
        with self._lock:
            open_ = isinstance(line.secured, TlsConnection) and not line.conversation.is_over
            keep = open_ and not self._closed
            if keep:
                self._idle.append(line)
            surplus = self._idle[:-MAX_IDLE]
            self._idle = self._idle[-MAX_IDLE:]
        _close(surplus if keep else [*surplus, line])

    def close(self) -> None:
        """Close what is idle, and from now on everything that is given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        _close(idle)


def _close(lines: list[Line]) -> None:
    for line in lines:
        line.secured.close()
