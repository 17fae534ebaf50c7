from __future__ import annotations

from lab.evidence.figures import findings, milliseconds, spread, standing
from lab.evidence.html import render as page
from lab.evidence.record import from_json, to_json
from lab.evidence.run import RunReport
from lab.evidence.table import render
from lab.model.trial import Measurement
from lab.model.verdict import Verdict
from tests.evidence.builders import info, judged, skipped
from tests.judge.builders import trial

QUICK = Measurement("Looking at a certificate", (0.001, 0.0023, 0.003), 0.005, "the phone's log")
SLOW = Measurement("Setting up", (0.25, 0.31), 0.1, "the phone's log")
UNKNOWN = Measurement("Fetching", (), 0.2, "the wire")

RESULT = judged(trial(measurements=(QUICK, SLOW, UNKNOWN)))


def test_a_slow_app_passes() -> None:
    assert RESULT.verdict is Verdict.PASS


def test_figures_are_told_in_milliseconds() -> None:
    assert (milliseconds(QUICK.median), spread(QUICK)) == ("2.3 ms", "1 ms to 3 ms")
    assert (milliseconds(UNKNOWN.median), spread(UNKNOWN)) == ("-", "-")
    assert [standing(m) for m in (QUICK, SLOW, UNKNOWN)] == [
        "within the budget",
        "outside the budget",
        "not measured",
    ]


def test_what_is_outside_is_a_finding() -> None:
    assert findings([RESULT, skipped()]) == [
        "B4 phone: Setting up: 280 ms in the median, outside the budget of 100 ms",
        "B4 phone: Fetching: not measured",
    ]


def test_the_terminal_tells_findings() -> None:
    told = render([RESULT], 120, color=False)
    assert "Finding: B4 phone: Setting up: 280 ms in the median" in told
    assert "Looking at a certificate" not in told
    assert "Finding" not in render([judged(trial(measurements=(QUICK,)))], 120, color=False)


def test_the_page_has_a_table_of_figures() -> None:
    html = page(RunReport(info(), (RESULT,)))
    assert "<td>Looking at a certificate</td>" in html
    assert 'Setting up <b class="odd">outside the budget</b>' in html
    assert "<b>finding</b> Setting up: 280 ms in the median" in html
    assert "<b>finding</b> Looking" not in html
    assert "figures" not in page(RunReport(info(), (judged(trial()),))).partition("<body")[2]


def test_figures_survive_the_way_through_json() -> None:
    assert from_json(to_json(RESULT)) == RESULT
