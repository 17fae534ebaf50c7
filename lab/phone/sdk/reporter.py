"""Delivers queued failure reports in the background, as soon as the network lets it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum, auto

from lab.phone.sdk.reports import QueuedReport, ReportQueue

FIRST_PAUSE = 1.0
"""Seconds after a failed delivery until the next try; doubled each time."""
LONGEST_PAUSE = 60.0
AGAIN = frozenset({408, 425, 429})
"""The 4xx statuses that ask to try again later (RFC 9110 15.5.9, RFC 8470 5.2, RFC 6585 4)."""


class Fate(Enum):
    """What became of a report that was sent."""

    DELIVERED = auto()
    REJECTED = auto()
    """The collector will never take it: sending it again is useless."""
    KEPT = auto()
    """It must wait for better times."""


def fate_of(status: int) -> Fate:
    """Return what becomes of a report that the collector answered with this HTTP status."""
    if 200 <= status < 300:
        return Fate.DELIVERED
    return Fate.REJECTED if 400 <= status < 500 and status not in AGAIN else Fate.KEPT


class Reporter:
    """Sends the reports of ``queue``, the oldest first, with a thread of its own.

    ``send`` must not raise. A try is made at once with each ``nudge``, and else after pauses
    that grow. The thread is started when there is something to send for the first time.
    """

    def __init__(
        self,
        queue: ReportQueue,
        send: Callable[[QueuedReport], Fate],
        *,
        first_pause: float = FIRST_PAUSE,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._queue = queue
        self._send = send
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._changed = threading.Condition()
        self._nudged = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def nudge(self) -> None:
        """Try now: there is a new report, or the network looks clean again."""
        if not len(self._queue):
            return
        with self._changed:
            if self._closed:
                return
            self._nudged = True
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="trustpin-reports", daemon=True
                )
                self._thread.start()

    def close(self, cap: float) -> None:
        """Send nothing more. Waits for the thread, at most ``cap`` seconds; a try that is under
        way is for the caller to cancel. May be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(cap)

    def _run(self) -> None:
        pause: float | None = None
        while (nudged := self._awaited(pause)) is not None:
            if self._deliver():
                pause = None
            elif nudged or pause is None:
                pause = self._first_pause
            else:
                pause = min(2 * pause, self._longest_pause)

    def _awaited(self, pause: float | None) -> bool | None:
        """Wait for a nudge, at most ``pause`` seconds. Tells whether one came; None: closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._nudged or self._closed, pause)
            nudged, self._nudged = self._nudged, False
            return None if self._closed else nudged

    def _deliver(self) -> bool:
        """Send what there is until one has to wait; tell whether none had to."""
        while not self._closed and (report := self._queue.first()) is not None:
            if self._send(report) is Fate.KEPT:
                return False
            self._queue.remove(report)
        return True
