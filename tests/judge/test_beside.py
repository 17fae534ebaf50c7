"""What the app was asked for beside the host under attack, and figures."""

from __future__ import annotations

from typing import Any

import pytest

from lab.judge import judge
from lab.judge.beside import figure_in_words
from lab.model.attack import Expectation, ReportsDue, accept, refuse
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.trial import Measurement, ReportPromise, SideAttempt
from lab.model.verdict import Judgement, Verdict
from lab.model.wire import WireClass
from tests.judge.builders import (
    COLLECTOR,
    HOST,
    attack_phase,
    connection,
    intercepted,
    refused,
    report,
    trial,
)

OTHER = "leaf.acme.test"
CHAIN = ("ee" * 32,)
PINS = ("leaf_sha256=AAAA",)
REPORT = report(id="r2", host=OTHER, served_chain=CHAIN, known_pins=PINS)
EXPIRED = refused(ErrorKind.PINS_EXPIRED, code="AllPinsExpired")


def with_other(
    outcome: AppOutcome,
    expectation: Expectation,
    connections: tuple[Any, ...] = (connection(id=2, host=OTHER),),
    **changes: Any,
) -> Judgement:
    side = SideAttempt(OTHER, outcome, expectation, CHAIN, PINS)
    attack = attack_phase(connections=(connection(), *connections))
    usual: dict[str, Any] = {"attack": attack, "beside": (side,), "reports": (report(), REPORT)}
    return judge(trial(**(usual | changes)))


def test_a_refusal_beside_is_reported_like_any_other() -> None:
    judgement = with_other(refused(), refuse(ErrorKind.PIN))
    assert judgement.verdict is Verdict.PASS
    assert any(f"{OTHER} was refused, as it must be" in r.text for r in judgement.reasons)


@pytest.mark.parametrize(
    ("reports", "reason"),
    [
        ((report(),), f"No failure report about {OTHER}"),
        ((report(), report(id="r2", host=OTHER)), "is about another certificate"),
        ((report(), REPORT, report(id="r3", host=OTHER)), "2 failure reports arrived for 1"),
    ],
)
def test_its_report_is_judged_by_its_own_truth(reports: tuple[Any, ...], reason: str) -> None:
    judgement = with_other(refused(), refuse(ErrorKind.PIN), reports=reports)
    assert judgement.verdict is Verdict.FAIL
    assert any(reason in r.text for r in judgement.reasons if r.verdict is Verdict.FAIL)


def test_a_chain_failure_beside_is_not_to_be_reported() -> None:
    outcome = refused(ErrorKind.CHAIN, code=None)
    right = with_other(outcome, refuse(ErrorKind.CHAIN), reports=(report(),))
    assert right.verdict is Verdict.PASS
    wrong = with_other(outcome, refuse(ErrorKind.CHAIN))
    assert wrong.verdict is Verdict.FAIL
    assert "refused for another reason, yet reported PinsMismatch" in wrong.headline


def test_a_right_connection_beside_is_not_to_be_reported() -> None:
    taken = (intercepted(id=2, host=OTHER),)
    accepted = AppOutcome(Answer.ACCEPTED)
    right = with_other(accepted, accept(), taken, reports=(report(),))
    assert right.verdict is Verdict.PASS
    assert (
        "reported for a connection that is right" in with_other(accepted, accept(), taken).headline
    )


@pytest.mark.parametrize(
    ("outcome", "expectation", "said"),
    [
        (AppOutcome(Answer.ACCEPTED), refuse(ErrorKind.PIN), "was accepted, due is refused"),
        (refused(), accept(), "was refused (no pin matches), due is accepted"),
        (EXPIRED, refuse(ErrorKind.PIN), "says pins_expired, due is pin"),
        (AppOutcome(Answer.REFUSED), refuse(ErrorKind.PIN), "says nothing, due is pin"),
    ],
)
def test_a_wrong_answer_beside_fails(
    outcome: AppOutcome, expectation: Expectation, said: str
) -> None:
    judgement = with_other(outcome, expectation)
    assert judgement.verdict is Verdict.FAIL
    assert any(said in r.text for r in judgement.reasons if r.rule == "beside_is_right")


@pytest.mark.parametrize("wire_class", [WireClass.INTERCEPTED, WireClass.CLEARTEXT])
def test_bytes_for_a_host_beside_are_a_leak(wire_class: WireClass) -> None:
    spilt = (connection(wire_class, id=2, host=OTHER, client_bytes=7),)
    judgement = with_other(refused(), refuse(ErrorKind.PIN), spilt)
    assert judgement.verdict is Verdict.FAIL
    assert f"For {OTHER} the adversary read 7 bytes" in judgement.headline


def test_clear_bytes_beside_are_a_leak_where_the_host_is_right_too() -> None:
    spilt = (connection(WireClass.CLEARTEXT, id=2, host=OTHER, client_bytes=7),)
    judgement = with_other(AppOutcome(Answer.ACCEPTED), accept(), spilt, reports=(report(),))
    assert judgement.verdict is Verdict.FAIL
    assert f"For {OTHER} the adversary read" in judgement.headline


@pytest.mark.parametrize(
    ("outcome", "connections", "said"),
    [
        (AppOutcome(Answer.SILENT), None, f"did not say how {OTHER} ended: silent"),
        (AppOutcome(Answer.SILENT, message="hung"), None, "ended: hung"),
        (refused(), (), f"No connection to {OTHER} was seen"),
    ],
)
def test_silence_beside_is_no_pass(
    outcome: AppOutcome, connections: tuple[Any, ...] | None, said: str
) -> None:
    seen = (connection(id=2, host=OTHER),) if connections is None else connections
    judgement = with_other(outcome, refuse(ErrorKind.PIN), seen)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert said in judgement.headline


def promised(due: ReportsDue) -> ReportPromise:
    return ReportPromise(frozenset({ErrorKind.PIN}), COLLECTOR, due=due)


def test_where_none_is_owed_none_is_missed_and_two_are_too_many() -> None:
    none = trial(reports=(), promise=promised(ReportsDue.NONE))
    assert judge(none).verdict is Verdict.PASS
    assert any("none is owed" in r.text for r in judge(none).reasons)
    twice = trial(reports=(report(), report(id="r2")), promise=promised(ReportsDue.NONE))
    assert judge(twice).verdict is Verdict.FAIL


def test_the_first_is_owed_where_only_that_is() -> None:
    missed = trial(reports=(), promise=promised(ReportsDue.FIRST))
    assert judge(missed).verdict is Verdict.FAIL


def test_reports_about_the_collector_must_not_multiply() -> None:
    about = tuple(report(id=f"c{n}", host=COLLECTOR) for n in range(3))
    assert judge(trial(reports=(report(), *about[:1]))).verdict is Verdict.PASS
    judgement = judge(trial(reports=(report(), *about)))
    assert judgement.verdict is Verdict.FAIL
    assert "3 failure reports are about the collector itself" in judgement.headline


def test_each_refusal_may_cost_one_of_them() -> None:
    about = tuple(report(id=f"c{n}", host=COLLECTOR) for n in range(2))
    both = (report(), REPORT, *about)
    assert with_other(refused(), refuse(ErrorKind.PIN), reports=both).verdict is Verdict.PASS


def test_a_collector_that_is_attacked_itself_is_a_host_like_any_other() -> None:
    promise = ReportPromise(frozenset({ErrorKind.PIN}), HOST, due=ReportsDue.NONE)
    assert judge(trial(promise=promise)).verdict is Verdict.PASS


LOG = "the phone's log"


@pytest.mark.parametrize(
    ("seconds", "finding", "said"),
    [
        ((0.002, 0.001, 0.004), False, "2 ms in the median (1 to 4 ms, 3 times, seen by"),
        ((0.020, 0.021), True, "20.5 ms in the median"),
        ((), True, "Looking: not measured (the phone's log)."),
    ],
)
def test_a_figure_is_told_and_decides_nothing(
    seconds: tuple[float, ...], finding: bool, said: str
) -> None:
    taken = Measurement("Looking", seconds, 0.005, LOG)
    judgement = judge(trial(measurements=(taken,)))
    assert judgement.verdict is Verdict.PASS
    (reason,) = (r for r in judgement.reasons if r.rule == "figures")
    assert (reason.finding, reason.verdict) == (finding, Verdict.PASS)
    assert said in reason.text


def test_a_figure_outside_its_budget_is_called_a_finding() -> None:
    assert "FINDING" in figure_in_words(Measurement("Looking", (0.006,), 0.005, LOG))
    assert "FINDING" not in figure_in_words(Measurement("Looking", (0.005,), 0.005, LOG))
