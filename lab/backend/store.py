"""Failure reports on disk: SQLite in WAL mode, each report once, none acknowledged before."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.model.failure_report import FailureReport

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reports (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    received_at REAL NOT NULL,
    report TEXT NOT NULL
) STRICT
"""


class ReportStore:
    """Keeps failure reports in the file ``path``, over the end of the process too.

    All work on the database is done by one thread. Methods may be called from any thread; all
    but ``add`` wait for that thread, so an event loop calls ``add`` only. Raises sqlite3.Error
    where the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._committed = threading.Condition()
        self._commits = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="report-store")
        try:
            self._database = self._thread.submit(_open, path).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def add(self, report: FailureReport) -> Future[bool]:
        """Put ``report`` on disk, stamped with the time; the result tells whether it is new.

        A report whose id is known already changes nothing.
        """
        return self._thread.submit(self._add, report)

    def reports(self, since: float = 0.0) -> tuple[FailureReport, ...]:
        """Return the reports received at or after ``since`` (epoch seconds), oldest first."""
        return tuple(report for _, report in self._after(0, since))

    def count(self) -> int:
        """Return how many reports there are."""
        return self._thread.submit(self._count).result()

    def wait_for(
        self, predicate: Callable[[FailureReport], bool], cap: float, since: float = 0.0
    ) -> FailureReport | None:
        """Return the first report since ``since`` (epoch seconds) that ``predicate`` holds for.

        Waits for further ones to arrive, at most ``cap`` seconds; None where none did.
        """
        deadline = time.monotonic() + cap
        seen = 0
        while True:
            with self._committed:
                commits = self._commits
            for number, report in self._after(seen, since):
                seen = number
                if predicate(report):
                    return report
            if not self._wait_for_commit(commits, deadline - time.monotonic()):
                return None

    def close(self) -> None:
        """Finish what was added and close the file. May be called twice."""
        self._thread.shutdown()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _add(self, report: FailureReport) -> bool:
        stored = replace(report, received_at=time.time())
        with self._database:
            new = self._database.execute(
                "INSERT INTO reports (id, received_at, report) VALUES (?, ?, ?)"
                " ON CONFLICT (id) DO NOTHING",
                (stored.id, stored.received_at, json.dumps(asdict(stored))),
            ).rowcount
        with self._committed:
            self._commits += 1
            self._committed.notify_all()
        return new == 1

    def _wait_for_commit(self, known: int, cap: float) -> bool:
        with self._committed:
            return self._committed.wait_for(lambda: self._commits != known, cap)

    def _after(self, number: int, since: float) -> list[tuple[int, FailureReport]]:
        return self._thread.submit(self._select, number, since).result()

    def _select(self, number: int, since: float) -> list[tuple[int, FailureReport]]:
        rows = self._database.execute(
            "SELECT number, report FROM reports WHERE number > ? AND received_at >= ?"
            " ORDER BY number",
            (number, since),
        )
        return [(number, _read(text)) for number, text in rows]

    def _count(self) -> int:
        (count,) = self._database.execute("SELECT count(*) FROM reports").fetchone()
        return int(count)


def _open(path: Path) -> sqlite3.Connection:
    # Closed by another thread than it works on, once that one has ended.
    database = sqlite3.connect(path, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        # FULL: a commit is on disk when it returns. With NORMAL a WAL survives the end of the
        # process, but not that of the machine (sqlite.org/pragma.html#pragma_synchronous).
        database.execute("PRAGMA synchronous=FULL")
        with database:
            database.execute(_SCHEMA)
    except BaseException:
        database.close()
        raise
    return database


def _read(text: str) -> FailureReport:
    fields: dict[str, Any] = json.loads(text)
    for name in ("served_chain", "known_pins"):
        fields[name] = tuple(fields[name])
    return FailureReport(**fields)
