"""Any application byte in the wrong hands is a FAIL."""

from __future__ import annotations

import pytest

from lab.judge import judge
from lab.model.attack import accept, relayed
from lab.model.outcome import Answer, AppOutcome
from lab.model.trial import PhaseName
from lab.model.verdict import Verdict
from lab.model.wire import WireClass
from tests.judge.builders import (
    ATTACK_CHAIN,
    COLLECTOR,
    HOST,
    attack_phase,
    benign,
    connection,
    control_phase,
    intercepted,
    trial,
)


def test_cleartext_to_the_host_fails_and_says_so() -> None:
    clear = connection(WireClass.CLEARTEXT, client_bytes=7, request="GET /token HTTP/1.1")
    judgement = judge(trial(attack=attack_phase(connections=(clear,))))

    assert judgement.verdict is Verdict.FAIL
    assert "7 bytes in clear: GET /token" in judgement.headline


def test_an_accepted_request_may_be_read_but_not_in_clear() -> None:
    accepted = AppOutcome(Answer.ACCEPTED)
    good = attack_phase(outcome=accepted, connections=(intercepted(),))
    bad = attack_phase(
        outcome=accepted, connections=(intercepted(), connection(WireClass.CLEARTEXT))
    )
    expected = {"expectation": accept(), "reports": ()}

    assert judge(trial(attack=good, **expected)).verdict is Verdict.PASS
    assert judge(trial(attack=bad, **expected)).verdict is Verdict.FAIL


def test_a_relayed_request_must_not_be_opened() -> None:
    attack = attack_phase(outcome=AppOutcome(Answer.ACCEPTED), connections=(intercepted(),))

    assert judge(trial(attack=attack, expectation=relayed(), reports=())).verdict is Verdict.FAIL


@pytest.mark.parametrize("phase", ["baseline", "attack", "control", "recovery"])
def test_a_report_in_the_adversarys_hands_fails_whenever_it_happens(phase: str) -> None:
    stolen = intercepted(host=COLLECTOR, request="POST /v1/reports HTTP/1.1")
    phases = {
        "baseline": benign(PhaseName.BASELINE),
        "attack": attack_phase(),
        "control": control_phase(),
        "recovery": benign(PhaseName.RECOVERY),
    }
    spoilt = phases[phase]
    changed = type(spoilt)(
        spoilt.name,
        spoilt.host,
        spoilt.outcome,
        (*spoilt.connections, stolen),
        spoilt.lookups,
        spoilt.armed,
        spoilt.expectation,
    )
    judgement = judge(trial(**{phase: changed}))

    assert judgement.verdict is Verdict.FAIL
    assert f"failure report for {COLLECTOR} was delivered to the adversary" in judgement.headline


def test_a_configuration_request_in_the_adversarys_hands_fails() -> None:
    stolen = intercepted(host="config.acme.test")
    judgement = judge(trial(attack=attack_phase(connections=(connection(), stolen))))

    assert judgement.verdict is Verdict.FAIL
    assert "A request for config.acme.test" in judgement.headline


@pytest.mark.parametrize("name", [PhaseName.BASELINE, PhaseName.RECOVERY])
def test_cleartext_in_a_benign_request_fails(name: PhaseName) -> None:
    clear = connection(WireClass.CLEARTEXT, client_bytes=3)
    phase = benign(name, connections=(intercepted(served_chain=ATTACK_CHAIN), clear))
    judgement = judge(trial(**{str(name): phase}))

    assert judgement.verdict is Verdict.FAIL
    assert f"During the {name}" in judgement.headline


def test_a_request_on_a_connection_of_another_host_is_read_all_the_same() -> None:
    """A client may share a connection between hosts (RFC 9113 section 9.1.1)."""
    website = "www.acme.test"
    other = intercepted(host=website, sni=website, authorities=(website,))
    shared = intercepted(host=website, sni=website, authorities=(website, HOST))
    beside = attack_phase(connections=(connection(), other))
    on_it = attack_phase(connections=(connection(), shared))

    assert judge(trial(attack=beside)).verdict is Verdict.PASS
    judgement = judge(trial(attack=on_it))
    assert judgement.verdict is Verdict.FAIL
    assert "The adversary read 42 bytes inside its TLS" in judgement.headline
