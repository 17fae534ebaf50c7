"""The way of reports, with wrong clients and a real phone; and what is worked out on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from lab.backend import Outage
from lab.catalogue import hosts
from lab.devices.settings import VirtualSettings
from lab.model.attack import Need, ReportsDue
from lab.model.failure_report import ReportWay
from lab.model.trial import ReportPromise
from lab.model.verdict import Judgement, Verdict
from lab.phone.sdk.client import ReferenceClient
from lab.trial import reports
from lab.trial.bench import Bench
from lab.trial.seat import Seat
from tests.judge import builders
from tests.trial.conftest import case_of, judged

Phone = Callable[[str], Seat]


class SaysNothing(ReferenceClient):
    """Logs nothing. It gets into the phone by its name."""

    def log(self, level: str, message: str) -> None:
        """Do nothing."""


@contextmanager
def reporting_by(bench: Bench, way: ReportWay, sdk: str | None = None) -> Iterator[Seat]:
    """Start a phone whose app tells of refusals in this way."""
    settings = VirtualSettings(
        id=f"by-{way}-{sdk is None}", platform="virtual", sdk=sdk, report=way
    )
    with bench.device(settings, index=180 + len(way)) as device:
        yield Seat(bench, device, lambda png: None)


def of_reports(judgement: Judgement) -> list[str]:
    return [r.text for r in judgement.reasons if r.rule == "promised_report_is_right"]


@pytest.mark.whole
def test_the_log_is_the_witness_where_the_app_reports_there(bench: Bench) -> None:
    before = bench.backend.collector.count()
    with reporting_by(bench, ReportWay.LOG) as seat:
        told = judged(seat, case_of("mismatch_is_reported"))
        lacking = seat.device.lacks(Need.COLLECTOR)
        mark = seat.device.log_moment()
        seat.ask(hosts.EXPIRED)
        said = " ".join(line.message for line in seat.device.log_lines(mark))
    assert told.verdict is Verdict.PASS, told
    assert of_reports(told) == [f"The app's log names {hosts.HOST} and PinsMismatch correctly."]
    assert lacking is not None
    assert "log" in lacking
    # What was said before the mark, in the same second, is not in it.
    assert "AllPinsExpired" in said
    assert "PinsMismatch" not in said
    assert bench.backend.collector.count() == before


@pytest.mark.whole
def test_an_app_that_logs_nothing_fails(bench: Bench) -> None:
    with reporting_by(bench, ReportWay.LOG, f"{__name__}:SaysNothing") as seat:
        told = judged(seat, case_of("mismatch_is_reported"))
    assert told.verdict is Verdict.FAIL, told
    assert "No line of the app's log" in told.headline


@pytest.mark.whole
def test_the_same_app_may_tell_its_user(bench: Bench) -> None:
    with reporting_by(bench, ReportWay.UI, f"{__name__}:SaysNothing") as seat:
        told = judged(seat, case_of("mismatch_is_reported"))
    assert told.verdict is Verdict.PASS, told
    assert of_reports(told) == [f"The app's screen names {hosts.HOST} and PinsMismatch correctly."]


@pytest.mark.whole
def test_a_client_that_never_meets_the_fault_proves_nothing(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "TRY_CAP", 0.2)
    told = judged(phone("KeepsSilent"), case_of("collector_error"))
    assert told.verdict is Verdict.INCONCLUSIVE, told
    assert "did not try to report while the collector answers 500" in told.headline


@pytest.mark.whole
def test_the_collector_is_in_order_afterwards(phone: Phone, bench: Bench) -> None:
    service = bench.backend._services[hosts.COLLECTOR]
    with reports.Reports(phone("KeepsSilent"), case_of("collector_down").entry) as way:
        way.impair()
        meanwhile = service.outage
    assert (meanwhile, service.outage) == (Outage.REFUSE, Outage.NONE)


@pytest.mark.parametrize(
    ("due", "repeats", "owed"),
    [
        (ReportsDue.EACH, 8, {builders.HOST: 8}),
        (ReportsDue.FIRST, 8, {builders.HOST: 1}),
        (ReportsDue.NONE, 8, {}),
    ],
)
def test_what_is_owed(due: ReportsDue, repeats: int, owed: dict[str, int]) -> None:
    trial = builders.trial()
    promise = replace(trial.promise, due=due)
    assert reports._due(replace(trial, promise=promise), repeats) == owed
    assert reports._due(replace(trial, promise=ReportPromise(frozenset())), repeats) == {}


COLLECTOR = builders.connection(id=2, host=hosts.COLLECTOR, opened_at=2.0)


@pytest.mark.parametrize(
    ("refused", "delivery", "holds"),
    [
        ((1.0, 2.5), (2.0, None), True),
        ((1.0, 2.5), (2.0, 3.0), True),
        ((1.0, 4.0), (2.0, 3.0), False),
        ((1.0, None), (2.0, 3.0), False),
        # Ended in one go.
        ((1.0, 2.95), (2.0, 3.0), False),
        # A later one says nothing about that.
        ((3.5, 4.0), (2.0, 3.0), True),
    ],
)
def test_who_waited_for_whom(
    refused: tuple[float, float | None], delivery: tuple[float, float | None], holds: bool
) -> None:
    records = (
        builders.connection(opened_at=refused[0], closed_at=refused[1]),
        replace(COLLECTOR, opened_at=delivery[0], closed_at=delivery[1]),
        replace(COLLECTOR, id=3, closed_at=0.5, foreign=True),
    )
    assert reports._kept_waiting(records, builders.HOST).holds is holds


def test_the_probes_report_is_told_from_an_earlier_one() -> None:
    report = builders.report(host=hosts.MOVED, received_at=10.0)
    assert reports._of_probe(report, 10.0)
    assert not reports._of_probe(report, 10.5)
    assert not reports._of_probe(report, None)
    assert not reports._of_probe(builders.report(received_at=11.0), 10.0)
