from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.evidence.record import RecordInvalid, ScenarioResult, from_json, to_json
from lab.model.attack import Control, Expectation
from lab.model.failure_report import FailureReport
from lab.model.outcome import AppOutcome, ErrorKind
from lab.model.trial import Fact, Phase, Trial
from lab.model.wire import ConnectionRecord, Lookup
from tests.evidence.builders import lab_error, passed, skipped

FINITE = st.floats(allow_nan=False, allow_infinity=False)
CONNECTIONS = st.builds(ConnectionRecord, opened_at=FINITE, closed_at=st.none() | FINITE)


def few(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=2).map(tuple)


PHASES = st.builds(
    Phase,
    outcome=st.builds(AppOutcome, seconds=FINITE),
    connections=few(CONNECTIONS),
    lookups=few(st.builds(Lookup, at=FINITE)),
    expectation=st.none() | st.builds(Expectation),
)
TRIALS = st.builds(
    Trial,
    baseline=PHASES,
    attack=PHASES,
    recovery=PHASES,
    control=st.none() | PHASES,
    control_kind=st.sampled_from(Control),
    reports=few(st.builds(FailureReport, at=FINITE, received_at=FINITE)),
    clock_offset=FINITE,
    started_at=FINITE,
    ended_at=FINITE,
    facts=few(st.builds(Fact)),
)
RESULTS = st.builds(ScenarioResult, trial=st.none() | TRIALS, seconds=FINITE)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(RESULTS)
def test_a_result_survives_the_way_through_json(result: ScenarioResult) -> None:
    assert from_json(json.loads(json.dumps(to_json(result), allow_nan=False))) == result


@pytest.mark.parametrize("result", [passed(), skipped(), lab_error()], ids=lambda r: r.verdict)
def test_the_usual_results_survive_too(result: ScenarioResult) -> None:
    assert from_json(to_json(result)) == result


def test_sets_are_sorted_so_that_equal_values_are_equal_bytes() -> None:
    assert to_json(frozenset(ErrorKind)) == sorted(kind.value for kind in ErrorKind)


def test_fields_keep_their_order_and_enums_are_their_values() -> None:
    data = to_json(passed())
    assert list(data)[:3] == ["node", "case", "title"]
    assert data["verdict"] == "PASS"
    assert data["trial"]["control_kind"] == "unpinned"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_lacks_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="no number in JSON"):
        to_json(passed(seconds=number))


def test_what_has_no_json_form_is_refused_without_being_quoted() -> None:
    with pytest.raises(TypeError) as caught:
        to_json({"key": b"private"})
    assert "private" not in str(caught.value)


def test_half_a_character_does_not_stop_a_record() -> None:
    result = from_json(to_json(passed(title="a\ud800b")))
    assert result.title == "a\ufffdb"
    result.title.encode()


def test_secrets_do_not_get_into_a_record() -> None:
    assert "s3cr3t" not in json.dumps(to_json(passed(served="Cookie: s3cr3t")))


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ([], "record"),
        ({}, "node"),
        ({"verdict": "GREAT"}, "verdict"),
        ({"trial": {"port": "https"}}, "trial.port"),
        ({"screenshots": [["attack"]]}, "screenshots"),
    ],
)
def test_a_record_of_another_shape_says_where_it_is_wrong(data: Any, where: str) -> None:
    good = to_json(passed())
    if isinstance(data, dict) and data:
        key, value = next(iter(data.items()))
        data = good | {key: good[key] | value if isinstance(value, dict) else value}
    with pytest.raises(RecordInvalid, match=f"^{where}"):
        from_json(data)
