"""The failure report: there when promised, true in every field, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from lab.judge import judge
from lab.model.attack import accept, refuse
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.trial import ReportPromise
from lab.model.verdict import Verdict
from tests.judge.builders import (
    COLLECTOR,
    GOOD_CHAIN,
    attack_phase,
    connection,
    intercepted,
    refused,
    report,
    trial,
)

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "port": ({"port": 8443}, "names port 8443, attacked was port 443"),
    "certificate": ({"served_chain": GOOD_CHAIN}, "is about another certificate"),
    "pins": ({"known_pins": ("spki_sha256=CCCC",)}, "does not quote the pins"),
    "another error": ({"error": "AllPinsExpired"}, "gives the error AllPinsExpired"),
    "an unknown error": ({"error": "Oops"}, "gives the error Oops"),
    "too early": ({"at": 990.0}, "outside the attack"),
    "too late": ({"at": 1010.0}, "outside the attack"),
}


@pytest.mark.parametrize(("changes", "reason"), WRONG.values(), ids=WRONG)
def test_every_wrong_field_is_named(changes: dict[str, Any], reason: str) -> None:
    judgement = judge(trial(reports=(report(**changes),)))

    assert judgement.verdict is Verdict.FAIL
    assert reason in judgement.headline


def test_a_missing_report_fails() -> None:
    judgement = judge(trial(reports=()))

    assert judgement.verdict is Verdict.FAIL
    assert "No failure report about api.acme.test reached the collector" in judgement.headline


def test_one_report_a_refused_connection_is_right_and_more_are_not() -> None:
    twice = attack_phase(connections=(connection(), connection(id=2)))
    two = (report(), report(id="r2"))

    assert judge(trial(attack=twice, reports=two)).verdict is Verdict.PASS
    judgement = judge(trial(reports=two))
    assert judgement.verdict is Verdict.FAIL
    assert "2 failure reports arrived for 1 refused" in judgement.headline


def test_the_time_is_judged_on_the_devices_clock() -> None:
    assert judge(trial(reports=(report(at=87_400.0),), clock_offset=86_400.0)).verdict is (
        Verdict.PASS
    )


def test_nothing_is_due_where_nothing_is_promised() -> None:
    assert judge(trial(reports=(), promise=ReportPromise(frozenset()))).verdict is Verdict.PASS


def test_a_report_about_a_good_connection_is_a_false_alarm() -> None:
    attack = attack_phase(outcome=AppOutcome(Answer.ACCEPTED), connections=(intercepted(),))
    judgement = judge(trial(attack=attack, expectation=accept()))

    assert judgement.verdict is Verdict.FAIL
    assert "was reported for a connection that is right" in judgement.headline


def test_a_chain_failure_is_not_to_be_reported_as_a_pin_failure() -> None:
    judgement = judge(
        trial(
            expectation=refuse(ErrorKind.CHAIN),
            attack=attack_phase(outcome=refused(ErrorKind.CHAIN)),
        )
    )

    assert judgement.verdict is Verdict.FAIL
    assert "refused for another reason, yet reported PinsMismatch" in judgement.headline


def test_a_report_about_a_host_that_was_not_attacked_fails() -> None:
    judgement = judge(trial(reports=(report(), report(id="r2", host="other.acme.test"))))

    assert judgement.verdict is Verdict.FAIL
    assert "names other.acme.test, which was not attacked" in judgement.headline


def test_a_report_about_the_attacked_collector_is_no_false_alarm() -> None:
    assert judge(trial(reports=(report(), report(id="r2", host=COLLECTOR)))).verdict is (
        Verdict.PASS
    )
