"""The report collector: takes failure reports over HTTP and acknowledges what is on disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable

from lab.backend.report_format import MAX_SIZE, MalformedReport, NotJson, parse
from lab.backend.store import ReportStore
from lab.backend.web import DRAIN, Exchange, Site
from lab.model.failure_report import FailureReport

PATH = "/v1/reports"


class Collector(Site):
    """Takes one report per ``POST /v1/reports``.

    201: on disk since now. 200: was there before, by its ``report-id``. 400: not JSON. 422: JSON,
    but no report; the answer names the field. 413: too large. 408: too slow. 503: the disk fails.
    """

    def __init__(self, store: ReportStore) -> None:
        super().__init__()
        self._store = store

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
        try:
            report = parse(body)
        except MalformedReport as error:
            status = 400 if isinstance(error, NotJson) else 422
            told = {"error": str(error), "field": error.field, "why": error.why}
            await exchange.reply_json(status, told)
            return
        try:
            # Shielded: a report that came in full is kept, even if the service stops meanwhile.
            new = await asyncio.shield(asyncio.wrap_future(self._store.add(report)))
        except sqlite3.Error as error:
            await exchange.reply_json(503, {"error": f"the report could not be stored: {error}"})
            return
        await exchange.reply_json(201 if new else 200, {"report-id": report.id})
