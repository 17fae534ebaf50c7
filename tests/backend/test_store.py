from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest

from lab.backend.store import ReportStore
from lab.model.failure_report import FailureReport
from tests.backend.samples import report
from tests.patience import CAP


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reports.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[ReportStore]:
    with ReportStore(path) as store:
        yield store


def put(store: ReportStore, one: FailureReport) -> bool:
    return store.add(one).result(CAP)


def named(identifier: str) -> FailureReport:
    return report(id=identifier)


def identifiers(reports: tuple[FailureReport, ...]) -> list[str]:
    return [one.id for one in reports]


def test_gives_back_what_it_was_given_stamped_with_the_time(store: ReportStore) -> None:
    given = report(device="Jürgens ☎")
    before = time.time()
    assert put(store, given)
    (kept,) = store.reports()
    assert before <= kept.received_at <= time.time()
    assert kept == report(**{name: getattr(kept, name) for name in ("id", "received_at", "device")})
    assert kept.id == given.id
    assert kept.device == given.device


def test_takes_each_report_once_and_keeps_the_first(store: ReportStore) -> None:
    assert put(store, report(id="one", error="PinsMismatch"))
    assert not put(store, report(id="one", error="AllPinsExpired"))
    assert [one.error for one in store.reports()] == ["PinsMismatch"]
    assert store.count() == 1


def test_a_report_is_on_disk_when_its_future_is_done(store: ReportStore, path: Path) -> None:
    """Another connection to the file sees it: it is committed, not merely under way."""
    put(store, named("one"))
    other = sqlite3.connect(path)
    try:
        assert other.execute("SELECT id FROM reports").fetchall() == [("one",)]
    finally:
        other.close()


def test_every_commit_is_synced(store: ReportStore) -> None:
    pragma = store._thread.submit(
        lambda: [
            store._database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        ]
    )
    assert pragma.result(CAP) == ["wal", 2]


def test_reports_outlive_the_store(path: Path) -> None:
    with ReportStore(path) as store:
        put(store, named("one"))
    with ReportStore(path) as store:
        assert not put(store, named("one"))
        assert put(store, named("two"))
        assert identifiers(store.reports()) == ["one", "two"]


def test_since_leaves_out_what_came_earlier(store: ReportStore) -> None:
    put(store, named("early"))
    (early,) = store.reports()
    put(store, named("late"))
    (_, late) = store.reports()
    assert late.received_at > early.received_at
    assert identifiers(store.reports(late.received_at)) == ["late"]


def test_many_threads_with_duplicates_end_with_the_distinct_ones(store: ReportStore) -> None:
    answers: list[Future[bool]] = []

    def post() -> None:
        answers.extend([store.add(named(str(number))) for number in range(50)])

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(answer.result(CAP) for answer in answers) == 50
    assert len(answers) == 200
    assert store.count() == 50


def test_wait_for_returns_what_is_there_already(store: ReportStore) -> None:
    put(store, named("one"))
    put(store, named("two"))
    found = store.wait_for(lambda one: one.id == "two", 0.0)
    assert found is not None
    assert found.id == "two"


def test_wait_for_wakes_up_when_the_report_arrives(store: ReportStore) -> None:
    looked_at: list[str] = []
    asked = threading.Event()
    found: list[FailureReport | None] = []

    def wanted(one: FailureReport) -> bool:
        looked_at.append(one.id)
        asked.set()
        return one.id == "right"

    put(store, named("first"))
    waiter = threading.Thread(target=lambda: found.append(store.wait_for(wanted, CAP)))
    waiter.start()
    assert asked.wait(CAP)
    put(store, named("wrong"))
    put(store, named("right"))
    # Long before it would look by itself, at its cap.
    waiter.join(CAP / 2)
    assert [one and one.id for one in found] == ["right"]
    # Each report was looked at once: nothing is polled.
    assert looked_at == ["first", "wrong", "right"]


def test_wait_for_gives_up_at_the_cap(store: ReportStore) -> None:
    put(store, named("one"))
    began = time.monotonic()
    assert store.wait_for(lambda one: one.id == "two", 0.1) is None
    assert time.monotonic() - began >= 0.1


def test_wait_for_leaves_out_what_came_before_since(store: ReportStore) -> None:
    put(store, named("one"))
    assert store.wait_for(lambda _: True, 0.0, since=time.time() + 60) is None


def test_a_wait_does_not_keep_reports_from_being_stored(store: ReportStore) -> None:
    """A predicate may take its time, and may ask the store itself."""
    put(store, named("one"))

    def ask(_: FailureReport) -> bool:
        return put(store, named("two")) and store.count() == 2

    found = store.wait_for(ask, CAP)
    assert found is not None
    assert found.id == "one"


def test_closing_finishes_what_was_added(path: Path) -> None:
    store = ReportStore(path)
    answers = [store.add(named(str(number))) for number in range(20)]
    store.close()
    assert all(answer.done() and answer.result() for answer in answers)
    store.close()
    with ReportStore(path) as again:
        assert again.count() == 20


def test_closing_leaves_no_thread(path: Path) -> None:
    before = set(threading.enumerate())
    with ReportStore(path):
        assert set(threading.enumerate()) > before
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("content", [None, b"this is no database, and was not made by one" * 30])
def test_an_unusable_file_is_an_error_and_leaves_nothing_open(
    path: Path, content: bytes | None
) -> None:
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    before = set(threading.enumerate())
    with pytest.raises(sqlite3.Error):
        ReportStore(path)
    assert set(threading.enumerate()) == before
    assert str(path) not in [file.path for file in psutil.Process().open_files()]
