"""What the judge makes of handshakes that the adversary breaks, and of those that it has broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.judge import judge
from lab.model.attack import Control, accept, refuse
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.trial import ANOMALY, Fact, Trial
from lab.model.verdict import Verdict
from lab.model.wire import REJECTED, ConnectionRecord, WireClass
from tests.judge.builders import (
    ATTACK_CHAIN,
    GOOD_CHAIN,
    alert,
    attack_phase,
    connection,
    intercepted,
    refused,
    trial,
)

BROKEN = connection(
    WireClass.HANDSHAKE_REJECTED, alert=alert(40, "handshake_failure", client=False)
)
ENDED = connection(WireClass.HANDSHAKE_REJECTED, alert=alert(51, "decrypt_error"))


def handshake_trial(*facts: Fact) -> Trial:
    """Return a trial of an attack that any TLS library refuses."""
    outcome = refused(ErrorKind.TLS, code=None)
    return trial(
        expectation=refuse(ErrorKind.TLS),
        attack=attack_phase(outcome=outcome, connections=(ENDED,)),
        control=None,
        control_kind=Control.ANOMALY,
        reports=(),
        facts=facts,
    )


def test_an_anomaly_that_was_served_and_refused() -> None:
    judged = judge(handshake_trial(Fact(ANOMALY, True, "The adversary did it.")))
    assert judged.verdict is Verdict.PASS
    assert "The adversary did it." in [reason.text for reason in judged.reasons]


def test_one_that_was_not_served_proves_nothing() -> None:
    judged = judge(handshake_trial(Fact(ANOMALY, None, "It was not served.")))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.headline == "It was not served."


def test_one_that_nobody_looked_for_proves_nothing() -> None:
    judged = judge(handshake_trial(Fact("something else", True, "")))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert [r.rule for r in judged.reasons if r.verdict is Verdict.INCONCLUSIVE] == [
        "control_has_teeth"
    ]


def test_a_misstep_is_a_failure() -> None:
    served = Fact(ANOMALY, True, "The adversary did it.")
    judged = judge(handshake_trial(served, Fact("misstep", False, "The client bled.")))
    assert judged.verdict is Verdict.FAIL
    assert judged.headline == "The client bled."


def test_a_handshake_that_the_lab_broke_was_not_refused() -> None:
    outcome = refused(ErrorKind.TLS, code=None)
    judged = judge(trial(attack=attack_phase(outcome=outcome, connections=(BROKEN,)), reports=()))
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "did not get to decide" in judged.headline


@pytest.mark.parametrize("other", [ENDED, connection()])
def test_one_that_the_client_ended_as_well_was(other: ConnectionRecord) -> None:
    """One of several connections may break; the rules about what was refused decide."""
    attack = attack_phase(connections=(BROKEN, other))
    assert judge(trial(attack=attack)).verdict is Verdict.PASS


def test_a_failed_negotiation_where_that_is_the_attack() -> None:
    failed = replace(
        handshake_trial(Fact(ANOMALY, True, "The adversary did it.")),
        attack=attack_phase(outcome=refused(ErrorKind.TLS, code=None), connections=(BROKEN,)),
    )
    assert judge(failed).verdict is Verdict.PASS


def accepting_trial(*more: ConnectionRecord) -> Trial:
    """Return a trial of a genuine server, with more connections of the client."""
    return trial(
        expectation=replace(accept(), wire=accept().wire | REJECTED),
        attack=attack_phase(
            outcome=AppOutcome(Answer.ACCEPTED),
            connections=(intercepted(served_chain=GOOD_CHAIN), *more),
        ),
        control=None,
        control_kind=Control.NONE,
        served_chain=GOOD_CHAIN,
        reports=(),
    )


def test_what_leaks_at_another_port_behind_another_certificate() -> None:
    judged = judge(accepting_trial(intercepted(port=8443, served_chain=ATTACK_CHAIN)))
    assert judged.verdict is Verdict.FAIL
    assert [r.rule for r in judged.reasons if r.verdict is Verdict.FAIL] == ["to_the_host"]


def test_what_is_refused_there_is_right() -> None:
    assert judge(accepting_trial(connection(port=8443))).verdict is Verdict.PASS


def test_the_genuine_certificate_at_another_port_is_no_leak() -> None:
    more = intercepted(port=8443, served_chain=GOOD_CHAIN)
    assert judge(accepting_trial(more)).verdict is Verdict.PASS


def test_another_chain_at_the_same_port_is_the_labs_mistake() -> None:
    judged = judge(accepting_trial(intercepted(served_chain=ATTACK_CHAIN)))
    assert judged.verdict is Verdict.INCONCLUSIVE
