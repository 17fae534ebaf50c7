from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from lab.phone.sdk.reporter import Fate, Reporter
from lab.phone.sdk.reports import QueuedReport, ReportQueue, write_report
from tests.patience import CAP, LONG, not_waiting
from tests.phone.sdk.test_reports import failure

T = TypeVar("T")


class Collector:
    """Answers as ``fates`` say, the last of them for ever."""

    def __init__(self, *fates: Fate) -> None:
        self.fates = list(fates)
        self.sent: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, report: QueuedReport) -> Fate:
        with self._changed:
            self.sent.append(report.id)
            self._changed.notify_all()
            return self.fates[0] if len(self.fates) == 1 else self.fates.pop(0)

    def wait(self, count: int) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.sent) >= count, CAP)
            return list(self.sent)


class Waits(threading.Condition):
    """Keeps how long it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float | None] = []

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        self.asked.append(timeout)
        return super().wait_for(predicate, timeout)


class Desk:
    """A queue with its reporter."""

    def __init__(self, directory: Path, collector: Collector, pause: float) -> None:
        self.queue = ReportQueue(directory, lambda _: None)
        self.reporter = Reporter(self.queue, collector, first_pause=pause, longest_pause=4 * pause)

    def file(self) -> str:
        report = write_report(failure())
        self.queue.add(report)
        self.reporter.nudge()
        return report.id


@pytest.fixture
def threads() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


pytestmark = pytest.mark.usefixtures("threads")
NEVER = 1000.0


def test_a_report_is_sent_at_once_and_once(tmp_path: Path) -> None:
    collector = Collector(Fate.DELIVERED)
    desk = Desk(tmp_path, collector, NEVER)
    filed = [desk.file() for _ in range(3)]
    assert collector.wait(3) == filed
    desk.reporter.close(CAP)
    assert len(desk.queue) == 0
    assert len(collector.sent) == 3


def test_nothing_to_send_needs_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    desk = Desk(tmp_path, Collector(Fate.DELIVERED), NEVER)
    desk.reporter.nudge()
    assert threading.active_count() == before
    desk.reporter.close(0)


def test_what_is_rejected_is_dropped_and_the_next_is_sent(tmp_path: Path) -> None:
    collector = Collector(Fate.REJECTED, Fate.DELIVERED)
    desk = Desk(tmp_path, collector, NEVER)
    filed = [desk.file(), desk.file()]
    assert collector.wait(2) == filed
    desk.reporter.close(CAP)
    assert len(desk.queue) == 0


def test_what_must_wait_is_sent_again_after_growing_pauses(tmp_path: Path) -> None:
    collector = Collector(*[Fate.KEPT] * 5, Fate.DELIVERED)
    desk = Desk(tmp_path, collector, 0.01)
    waits = desk.reporter._changed = Waits()
    filed = desk.file()
    assert collector.wait(6) == [filed] * 6
    desk.reporter.close(CAP)
    assert waits.asked == [None, 0.01, 0.02, 0.04, 0.04, 0.04, None]
    assert len(desk.queue) == 0


def test_the_order_is_kept_while_one_must_wait(tmp_path: Path) -> None:
    collector = Collector(Fate.KEPT)
    desk = Desk(tmp_path, collector, NEVER)
    first = desk.file()
    collector.wait(1)
    second = desk.file()
    collector.wait(2)
    collector.fates = [Fate.DELIVERED]
    desk.reporter.nudge()
    assert collector.wait(4) == [first, first, first, second]
    desk.reporter.close(CAP)


def test_a_nudge_does_not_wait_for_the_pause(tmp_path: Path) -> None:
    collector = Collector(Fate.KEPT, Fate.DELIVERED)
    desk = Desk(tmp_path, collector, NEVER)
    filed = desk.file()
    collector.wait(1)
    desk.reporter.nudge()
    assert collector.wait(2) == [filed] * 2
    desk.reporter.close(CAP)


def test_close_ends_a_pause_and_keeps_the_report(tmp_path: Path) -> None:
    collector = Collector(Fate.KEPT)
    desk = Desk(tmp_path, collector, NEVER)
    filed = desk.file()
    collector.wait(1)
    with not_waiting():
        desk.reporter.close(LONG)
        desk.reporter.close(LONG)
    desk.file()
    assert len(collector.sent) == 1
    again = Desk(tmp_path, Collector(Fate.DELIVERED), NEVER)
    assert next(report.id for report in again.queue._waiting.values()) == filed


def test_nothing_is_sent_after_close(tmp_path: Path) -> None:
    before = threading.active_count()
    desk = Desk(tmp_path, Collector(Fate.DELIVERED), NEVER)
    desk.reporter.close(CAP)
    desk.file()
    assert desk.reporter._thread is None
    assert threading.active_count() == before
    assert len(desk.queue) == 1


def test_close_does_not_wait_for_ever(tmp_path: Path) -> None:
    begun, proceed = threading.Event(), threading.Event()

    class Hanging(Collector):
        def __call__(self, report: QueuedReport) -> Fate:
            begun.set()
            assert proceed.wait(CAP)
            return super().__call__(report)

    collector = Hanging(Fate.DELIVERED)
    desk = Desk(tmp_path, collector, NEVER)
    filed = [desk.file(), desk.file()]
    assert begun.wait(CAP)
    began = time.monotonic()
    desk.reporter.close(0.1)
    assert time.monotonic() - began >= 0.1
    proceed.set()
    desk.reporter.close(CAP)
    assert collector.sent == filed[:1]


def test_threads_that_file_at_once_lose_nothing(tmp_path: Path) -> None:
    collector = Collector(Fate.DELIVERED)
    desk = Desk(tmp_path, collector, NEVER)
    filers = [
        threading.Thread(target=lambda: [desk.file() for _ in range(25)] and None) for _ in range(8)
    ]
    for filer in filers:
        filer.start()
    for filer in filers:
        filer.join(CAP)
    assert len(set(collector.wait(200))) == 200
    desk.reporter.close(CAP)
    assert (len(collector.sent), len(desk.queue)) == (200, 0)
