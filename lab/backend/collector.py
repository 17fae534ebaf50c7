"""The report collector: takes failure reports over HTTP and acknowledges what is on disk."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.backend.report_format import MAX_SIZE, MalformedReport, NotJson, parse
from lab.backend.secrets import Secret
from lab.backend.store import ReportStore
from lab.backend.web import DRAIN, MAX_HITS, Exchange, Site
from lab.model.attack import CollectorFault
from lab.model.failure_report import FailureReport

PATH = "/v1/reports"
SLOW_CAP = 30.0
"""Seconds after which a slow collector answers even though nobody let it."""

_REFUSALS = {
    CollectorFault.ERROR: (500, "internal error"),
    CollectorFault.BUSY: (429, "too many reports"),
    CollectorFault.REJECTS: (422, "not taken"),
    CollectorFault.TOO_LARGE: (413, "too large"),
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to deliver a report, and what it was answered."""

    id: str
    """The report's."""
    host: str
    device: str
    status: int
    """0 where the connection was broken before the answer."""
    at: float
    """When the report had been read: epoch seconds."""
    found: tuple[str, ...] = ()
    """Names of the secrets that were in the request: its target, its headers or its body."""


class Collector(Site):
    """Takes one report per ``POST /v1/reports``.

    201: on disk since now. 200: was there before, by its ``report-id``. 400: not JSON. 422: JSON,
    but no report; the answer names the field. 413: too large. 408: too slow. 503: the disk fails.
    """

    def __init__(self, store: ReportStore) -> None:
        super().__init__()
        self._store = store
        self._fault = CollectorFault.NONE
        self._turned_away: dict[str, CollectorFault] = {}
        self._deliveries: deque[Delivery] = deque(maxlen=MAX_HITS)
        self._delivered = threading.Condition()
        self._held: list[Callable[[], object]] = []
        self.secrets: Sequence[Secret] = ()
        """What each request is searched for. Set from any thread."""

    def reports(self, since: float = 0.0) -> tuple[FailureReport, ...]:
        """Return the reports received at or after ``since`` (epoch seconds), oldest first."""
        return self._store.reports(since)

    def count(self) -> int:
        """Return how many reports there are."""
        return self._store.count()

    def wait_for(
        self, predicate: Callable[[FailureReport], bool], cap: float, since: float = 0.0
    ) -> FailureReport | None:
        """Wait for a report that ``predicate`` holds for, at most ``cap`` seconds.

        Those since ``since`` (epoch seconds) that are there already count too. Returns the first
        such report, None where there is none. Not for the event loop's own thread.
        """
        return self._store.wait_for(predicate, cap, since)

    def deliveries(self, since: float = 0.0) -> tuple[Delivery, ...]:
        """Return the attempts to deliver a report since then, oldest first, whatever came of
        them. Of each what it was is kept, never what it said."""
        with self._delivered:
            return tuple(d for d in self._deliveries if d.at >= since)

    def wait_for_delivery(
        self, predicate: Callable[[Delivery], bool], cap: float, since: float = 0.0
    ) -> bool:
        """Wait for an attempt that ``predicate`` holds for, as ``wait_for`` does; tell whether
        there was one."""

        def there() -> bool:
            return any(d.at >= since and predicate(d) for d in self._deliveries)

        with self._delivered:
            return self._delivered.wait_for(there, cap)

    def fail(self, fault: CollectorFault) -> None:
        """Fail the reports that arrive from now on in this way; ``NONE`` ends that. What was
        turned away for good is turned away also afterwards, until ``forgive``.

        That nothing listens, or nothing is answered at all, is an outage (``TlsService``).
        """
        self._fault = fault
        held, self._held = self._held, []
        for let_go in held:
            let_go()

    def forgive(self) -> None:
        """Take the reports, too, that were turned away for good."""
        self._turned_away.clear()

    async def answer(self, exchange: Exchange) -> None:
        wanted = exchange.path == PATH and exchange.method == "POST"
        body = await exchange.body(MAX_SIZE if wanted else DRAIN)
        if wanted:
            await self._take(exchange, body)
        elif exchange.path == PATH:
            await exchange.reply_json(405, {"error": "only POST"}, [("allow", "POST")])
        else:
            await exchange.reply_json(404, {"error": f"reports are taken at {PATH}"})

    async def _take(self, exchange: Exchange, body: bytes) -> None:
        fault = self._fault
        try:
            report = parse(body)
        except MalformedReport as error:
            status = 400 if isinstance(error, NotJson) else 422
            told = {"error": str(error), "field": error.field, "why": error.why}
            await exchange.reply_json(status, told)
            return
        found = _found(self.secrets, exchange, body)
        fault = self._turned_away.get(report.id, fault)
        if fault is CollectorFault.SLOW:
            self._note(report, 0, found)
            await self._well_again()
        elif fault in _REFUSALS:
            if fault.is_final:
                self._turned_away[report.id] = fault
            status, why = _REFUSALS[fault]
            self._note(report, status, found)
            await exchange.reply_json(status, {"error": why})
            return
        try:
            # Shielded: a report that came in full is kept, even if the service stops meanwhile.
            new = await asyncio.shield(asyncio.wrap_future(self._store.add(report)))
        except sqlite3.Error as error:
            await exchange.reply_json(503, {"error": f"the report could not be stored: {error}"})
            return
        if fault is CollectorFault.LOSES_ANSWER:
            self._note(report, 0, found)
            exchange.cut()
            return
        self._note(report, 201 if new else 200, found)
        await exchange.reply_json(201 if new else 200, {"report-id": report.id})

    async def _well_again(self) -> None:
        loop, well = asyncio.get_running_loop(), asyncio.Event()
        self._held.append(lambda: loop.call_soon_threadsafe(well.set))
        with contextlib.suppress(TimeoutError):
            # Only now: who ended the fault before may have seen nobody waiting.
            if self._fault is CollectorFault.SLOW:
                await asyncio.wait_for(well.wait(), SLOW_CAP)

    def _note(self, report: FailureReport, status: int, found: tuple[str, ...]) -> None:
        made = Delivery(report.id, report.host, report.device, status, time.time(), found)
        with self._delivered:
            self._deliveries.append(made)
            self._delivered.notify_all()


def _found(secrets: Sequence[Secret], exchange: Exchange, body: bytes) -> tuple[str, ...]:
    if not secrets:
        return ()
    sent = exchange.head() + b"\n" + body
    return tuple(secret.name for secret in secrets if secret.is_in(sent))
