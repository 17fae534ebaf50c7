"""The network monitor of an iPhone as a witness: which connections its app opened, as iOS saw it.

It is a witness more, never one too few: where it cannot be had, its absence is no reason for
anything, and what it told until it fell silent is not used.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from lab.devices.ios.network_news import EMPTY, Account, News, OnRoute, used, with_news
from lab.model.monitored import MonitoredConnection

SETTLE_CAP = 0.5
"""Seconds to wait for the monitor to tell of a connection of the app's, once the app has said how
its request ended; only where it tells of none does that take so long."""


class NoMonitor(Exception):
    """The monitor cannot be had; the message says why."""


class Source(Protocol):
    """Where the news comes from."""

    def next(self) -> News | None:
        """Wait for something and return it; None for what is no news. Raises NoMonitor where
        nothing comes any more."""

    def close(self) -> None:
        """Let nothing come any more; whoever waits is woken. May be repeated."""


Begin = Callable[[], Source]
"""Begins to monitor. Raises NoMonitor."""


class NetworkMonitor:
    """Listens from the first ``moment`` on until closed. May be used from any thread."""

    def __init__(self, begin: Begin) -> None:
        self.trouble = ""
        """Why there is no monitor, where there is none."""
        self._begin = begin
        self._arrived = threading.Condition()
        self._account = EMPTY
        self._source: Source | None = None

    def moment(self) -> Account | None:
        """Return what is known now, for ``used``; None where there is no monitor."""
        with self._arrived:
            if self._source is None and not self.trouble:
                try:
                    self._source = self._begin()
                except NoMonitor as error:
                    self.trouble = str(error)
                else:
                    self._account = EMPTY
                    threading.Thread(
                        target=self._listen, args=(self._source,), name="monitor", daemon=True
                    ).start()
            return None if self._source is None else self._account

    def used(
        self, since: Account, pid: int, on_route: OnRoute, cap: float = SETTLE_CAP
    ) -> tuple[MonitoredConnection, ...] | None:
        """Return the connections of a process that were opened or used since a moment, waiting
        ``cap`` seconds at most for the first; None where there is no monitor any more."""
        deadline = time.monotonic() + cap
        with self._arrived:
            while self._source is not None:
                found = used(since, self._account, pid, on_route)
                left = deadline - time.monotonic()
                if found or left <= 0:
                    return found
                self._arrived.wait(left)
        return None

    def close(self) -> None:
        """Listen no longer; a ``moment`` begins anew. May be repeated."""
        with self._arrived:
            source, self._source, self.trouble = self._source, None, ""
            self._arrived.notify_all()
        if source is not None:
            source.close()

    def _listen(self, source: Source) -> None:
        try:
            while self._source is source:
                news = source.next()
                with self._arrived:
                    if news is not None and self._source is source:
                        self._account = with_news(self._account, (news,))
                        self._arrived.notify_all()
        except NoMonitor as error:
            with self._arrived:
                if self._source is source:
                    self._source, self.trouble = None, str(error)
                    self._arrived.notify_all()
        finally:
            source.close()
