"""What a client did wrong, once the trial can be believed."""

from __future__ import annotations

from lab.judge import judge
from lab.model.attack import accept
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.trial import Fact
from lab.model.verdict import Verdict
from lab.model.wire import WireClass
from tests.judge.builders import attack_phase, connection, intercepted, refused, trial


def test_refusing_what_must_be_accepted_locks_users_out() -> None:
    judgement = judge(trial(expectation=accept(), reports=()))

    assert judgement.verdict is Verdict.FAIL
    assert "users would be locked out" in judgement.headline


def test_the_wrong_reason_fails() -> None:
    judgement = judge(trial(attack=attack_phase(outcome=refused(ErrorKind.NAME)), reports=()))

    assert judgement.verdict is Verdict.FAIL
    assert "it says name, due is pin" in judgement.headline


def test_a_client_that_cannot_tell_is_right_if_one_of_its_meanings_is() -> None:
    outcome = refused(ErrorKind.PIN, ErrorKind.CHAIN, message="")

    assert judge(trial(attack=attack_phase(outcome=outcome))).verdict is Verdict.PASS


def test_accepting_what_must_be_refused_fails_even_when_it_was_relayed() -> None:
    attack = attack_phase(
        outcome=AppOutcome(Answer.ACCEPTED), connections=(connection(WireClass.RELAYED),)
    )
    judgement = judge(trial(attack=attack))

    assert judgement.verdict is Verdict.FAIL
    assert "accepted a connection that it must refuse" in judgement.headline


def test_a_spare_connection_without_a_hello_is_no_failure() -> None:
    attack = attack_phase(connections=(connection(), connection(WireClass.TCP_ONLY)))

    assert judge(trial(attack=attack)).verdict is Verdict.PASS


def test_a_shape_that_no_correct_client_shows_fails() -> None:
    attack = attack_phase(
        outcome=AppOutcome(Answer.ACCEPTED), connections=(intercepted(), connection())
    )
    judgement = judge(trial(attack=attack, expectation=accept(), reports=()))

    assert judgement.verdict is Verdict.FAIL
    assert "a correct client does not do that" in judgement.headline


def test_facts_speak_for_and_against() -> None:
    good, bad = Fact("hits", True, "Served from cache."), Fact("hits", False, "Fetched again.")

    assert judge(trial(facts=(good,))).verdict is Verdict.PASS
    judgement = judge(trial(facts=(good, bad)))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.headline == "Fetched again."
