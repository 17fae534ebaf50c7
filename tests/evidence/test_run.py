from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from lab.evidence.record import RecordInvalid, to_json
from lab.evidence.run import RunReport, new_run_id, report_from_json
from tests.evidence.builders import info, passed


def test_run_ids_sort_by_time_whatever_the_time_zone() -> None:
    first = datetime(2025, 1, 31, 9, 45, 1, tzinfo=UTC)
    later = (first + timedelta(seconds=1)).astimezone(timezone(timedelta(hours=-9)))
    assert new_run_id(first).startswith("20250131T094501Z-")
    assert new_run_id(first) < new_run_id(later)


def test_two_runs_of_one_second_have_two_ids() -> None:
    now = datetime(2025, 1, 31, tzinfo=UTC)
    assert len({new_run_id(now) for _ in range(50)}) == 50


def test_a_report_survives_the_way_through_json() -> None:
    report = RunReport(info(counts={"PASS": 1}), (passed(),))
    assert report_from_json(to_json(report)) == report


def test_a_report_of_another_format_is_refused() -> None:
    data = to_json(RunReport(info(), ())) | {"format": "trustpin-lab-results/2"}
    with pytest.raises(RecordInvalid, match=r"^format"):
        report_from_json(data)
