"""``com.apple.instruments.server.services.networking``: connections of apps, as they come up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from enum import IntEnum

from lab.phone.ios.lockdown.handset import Frames
from lab.phone.ios.remote.archive import Value
from lab.phone.ios.remote.hub import Refused, Tell
from lab.phone.ios.remote.traffic import INTERFACE, Connections, Seen

NAME = "com.apple.instruments.server.services.networking"
LOOK = 0.1
"""Seconds after which it is looked whether anybody still wants to know."""
TCP = 1
"""Its number among the kinds of connections."""


class News(IntEnum):
    """What the service tells of; the first of the two values of a message."""

    INTERFACE = 0
    CONNECTION = 1
    TRAFFIC = 2


class Networking:
    """The service on one channel. It tells from ``startMonitoring`` on, of the very frames that
    pcapd sends."""

    def __init__(self, frames: Frames, tell: Tell) -> None:
        self._frames = frames
        self._tell = tell
        self._lock = threading.Lock()
        self._stopped: threading.Event | None = None

    def call(self, selector: str, arguments: tuple[Value, ...]) -> Value:
        if arguments or selector not in ("startMonitoring", "stopMonitoring"):
            raise Refused(f"{selector[:200]} is not known, or not with such arguments")
        if selector == "startMonitoring":
            self._start()
        else:
            self.close()
        return None

    def close(self) -> None:
        """Tell nothing more."""
        with self._lock:
            if self._stopped is not None:
                self._stopped.set()
                self._stopped = None

    def _start(self) -> None:
        with self._lock:
            if self._stopped is not None:
                return
            stopped = self._stopped = threading.Event()
            # Counted now: what follows the call must not be missed.
            count = self._frames.written
            arguments = (count, stopped)
            threading.Thread(
                target=self._watch, args=arguments, name="usbmux networking", daemon=True
            ).start()

    def _watch(self, count: int, stopped: threading.Event) -> None:
        connections = Connections()
        with suppress(OSError):
            self._tell([News.INTERFACE, list(INTERFACE)])
            while not stopped.is_set():
                count, frames = self._frames.since(count, LOOK)
                for seen in connections.news(frames):
                    for told in _told(seen, frames[-1].at):
                        if stopped.is_set():
                            return
                        self._tell(told)


def _told(seen: Seen, at: float) -> Iterator[Value]:
    """Yield what is said of a connection: that there is one, and what it has carried."""
    if seen.is_new:
        ends = (seen.local.packed, seen.remote.packed)
        yield [News.CONNECTION, [*ends, INTERFACE[0], seen.pid, 0, 0, seen.serial, TCP]]
    received, sent = seen.counts.received, seen.counts.sent
    # Duplicates, out of order, sent again; the shortest round trip and the usual one.
    trouble = (0, 0, 0, 0, 0)
    yield [News.TRAFFIC, [*received, *sent, *trouble, seen.serial, at]]
