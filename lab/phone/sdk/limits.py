"""Time limits for calls that the HTTP client limits step by step only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lab.phone.services import Cancellation, Cancelled, SocketTimeout


class Limits:
    """Makes cancellations that fire when their time is over, and all of them on ``close``."""

    def __init__(self) -> None:
        self.closing = Cancellation()
        """Fires on ``close`` alone."""
        self._lock = threading.Lock()
        self._running: set[Cancellation] = set()

    @contextmanager
    def within(self, seconds: float) -> Iterator[Cancellation]:
        """Give what is done inside ``seconds``. Raises SocketTimeout after that, Cancelled after
        ``close``."""
        cancellation = Cancellation()
        timer = threading.Timer(seconds, cancellation.fire)
        timer.daemon = True
        with self._lock:
            self.closing.check()
            self._running.add(cancellation)
        timer.start()
        try:
            yield cancellation
        except Cancelled:
            self.closing.check()
            raise SocketTimeout("timeout") from None
        finally:
            timer.cancel()
            timer.join()
            with self._lock:
                self._running.discard(cancellation)

    def close(self) -> None:
        """Cancel everything, now and in future."""
        with self._lock:
            self.closing.fire()
            running = tuple(self._running)
        for cancellation in running:
            cancellation.fire()
