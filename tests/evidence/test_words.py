from __future__ import annotations

from lab.evidence.words import NEXT, NO_ATTEMPT, NO_REPORT, documentation, what_to_look_at, why
from lab.model.attack import Control, Subject, accept, relayed
from lab.model.outcome import Answer, AppOutcome
from lab.model.verdict import Verdict, Witness
from lab.model.wire import WireClass
from tests.evidence.builders import EXPLAIN, failed, inconclusive, judged, lab_error, passed
from tests.judge import builders


def test_a_pass_tells_what_was_seen() -> None:
    assert why(passed()) == ("Handshake finished, then closed without a byte of application data.")


def test_a_fail_tells_its_decisive_reason() -> None:
    assert why(failed()).startswith("The adversary read 42 bytes")


def test_a_connection_that_must_work_tells_that_it_did() -> None:
    answered = builders.attack_phase(
        outcome=AppOutcome(Answer.ACCEPTED), connections=(builders.intercepted(),)
    )
    trial = builders.trial(expectation=accept(), attack=answered, reports=())
    assert "responder answered" in why(judged(trial))
    assert "Intercepted, as the unpinned client" in why(judged(trial, subject=Subject.UNPINNED))
    passed_on = builders.attack_phase(
        outcome=AppOutcome(Answer.ACCEPTED),
        connections=(builders.connection(WireClass.RELAYED, served_chain=()),),
    )
    trial = builders.trial(
        expectation=relayed(), attack=passed_on, reports=(), served_chain=(), control=None,
        control_kind=Control.NONE,
    )  # fmt: skip
    assert "unopened" in why(judged(trial))


def test_a_wrong_client_is_caught_or_not() -> None:
    caught = failed(verdict=Verdict.PASS, subject=Subject.CARELESS)
    assert why(caught).startswith("Caught, as a client that is wrong on purpose must be: The adv")
    missed = passed(verdict=Verdict.FAIL, subject=Subject.CARELESS)
    assert why(missed) == "The lab did not catch a client that is wrong on purpose."
    assert what_to_look_at(missed) == NEXT[Witness.LAB]


def test_a_leak_leads_to_its_usual_cause() -> None:
    assert what_to_look_at(failed()) == "How clients come to this: because of <b>this</b> reason."
    assert what_to_look_at(failed(explain="")) == NEXT[Witness.WIRE]


def test_each_witness_leads_somewhere() -> None:
    assert what_to_look_at(inconclusive()) == NO_ATTEMPT
    assert what_to_look_at(judged(builders.trial(reports=()))) == NO_REPORT
    wrong = builders.report(error="AllPinsExpired")
    assert what_to_look_at(judged(builders.trial(reports=(wrong,)))) == NEXT[Witness.REPORT]
    assert what_to_look_at(judged(builders.trial(control=None))) == NEXT[Witness.CONTROL]
    assert what_to_look_at(lab_error()) == NEXT[Witness.LAB]


def test_documentation_falls_into_its_sections() -> None:
    assert [name for name, _ in documentation("Intro.\n\n" + EXPLAIN)] == [
        "",
        "Served",
        "Correct client",
        "Why it goes wrong",
        "On the wire",
    ]
    assert documentation("") == ()
