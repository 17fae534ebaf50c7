"""Whatever is missing makes the verdict INCONCLUSIVE, and the reason says what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from lab.judge import judge
from lab.model.attack import Attempt, refuse, unreachable
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.trial import Fact, PhaseName
from lab.model.verdict import Verdict
from lab.model.wire import Lookup, WireClass
from tests.judge.builders import (
    GOOD_CHAIN,
    HOST,
    alert,
    attack_phase,
    benign,
    connection,
    control_phase,
    intercepted,
    refused,
    trial,
)

LOOKED_UP = (Lookup("phone", 1, HOST, "A", "NXDOMAIN", 1000.2),)

MISSING: dict[str, tuple[dict[str, Any], str]] = {
    "baseline refused": (
        {"baseline": benign(PhaseName.BASELINE, outcome=refused(message="timeout"))},
        "before the attack did not work (timeout)",
    ),
    "baseline silent": (
        {"baseline": benign(PhaseName.BASELINE, outcome=AppOutcome(Answer.SILENT))},
        "before the attack did not work (silent)",
    ),
    "baseline off the route": (
        {"baseline": benign(PhaseName.BASELINE, connections=())},
        "the lab saw nothing: its traffic takes another way",
    ),
    "baseline not armed": (
        {"baseline": benign(PhaseName.BASELINE, armed=False)},
        "not in force before the attack",
    ),
    "recovery refused": (
        {"recovery": benign(PhaseName.RECOVERY, outcome=refused())},
        "after the attack did not work",
    ),
    "recovery relayed instead of answered": (
        {
            "recovery": benign(
                PhaseName.RECOVERY, connections=(connection(WireClass.RELAYED),), expectation=None
            )
        },
        "passed through unopened: its traffic takes another way",
    ),
    "attack not armed": ({"attack": attack_phase(armed=False)}, "not in force for the whole"),
    "no control": ({"control": None}, "control client was not run"),
    "control not caught": (
        {"control": control_phase(connections=(connection(WireClass.HANDSHAKE_REJECTED),))},
        "handshake broken off without an alert): the attack has no teeth",
    ),
    "control caught otherwise": (
        {"control": control_phase(connections=(intercepted(served_chain=GOOD_CHAIN),))},
        "caught with another certificate chain",
    ),
    "no attempt": (
        {"attack": attack_phase(connections=())},
        "No connection to api.acme.test was seen during the attack: silence is no pass",
    ),
    "looked up only": (
        {"attack": attack_phase(connections=(), lookups=LOOKED_UP)},
        "though its name was looked up",
    ),
    "tcp only": (
        {"attack": attack_phase(connections=(connection(WireClass.TCP_ONLY),))},
        "All that was seen of the app's attempt was a connection without a ClientHello",
    ),
    "not even looked up": (
        {
            "attack": attack_phase(outcome=refused(ErrorKind.NETWORK), connections=()),
            "expectation": unreachable(Attempt.LOOKED_UP),
        },
        "did not even look up",
    ),
    "another chain on the wire": (
        {"attack": attack_phase(connections=(connection(served_chain=GOOD_CHAIN),))},
        "served another chain",
    ),
    "another client": (
        {"attack": attack_phase(connections=(connection(fingerprint="f2"),))},
        "another TLS client",
    ),
    "app silent": (
        {"attack": attack_phase(outcome=AppOutcome(Answer.SILENT, message="app crashed"))},
        "did not say how the request ended: app crashed",
    ),
    "app silent without a word": (
        {"attack": attack_phase(outcome=AppOutcome(Answer.SILENT))},
        "did not say how the request ended: silent",
    ),
    "app accepted off the route": (
        {"attack": attack_phase(outcome=AppOutcome(Answer.ACCEPTED))},
        "says that the request succeeded, but the lab saw handshake finished",
    ),
    "network error": (
        {"attack": attack_phase(outcome=refused(ErrorKind.NETWORK, message="timeout"))},
        "nothing to do with the attack: timeout",
    ),
    "unknown error": (
        {"attack": attack_phase(outcome=refused(ErrorKind.UNKNOWN, message=""))},
        "nothing to do with the attack: unknown",
    ),
    "unmeasured fact": (
        {"facts": (Fact("hits", None, "The hits could not be counted."),)},
        "could not be counted",
    ),
}


@pytest.mark.parametrize(("changes", "reason"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_named(changes: dict[str, Any], reason: str) -> None:
    judgement = judge(trial(**changes))

    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert reason in judgement.headline


def test_a_client_may_refuse_before_it_connects_where_the_case_says_so() -> None:
    expectation = refuse(ErrorKind.CONFIGURATION, attempt=Attempt.OPTIONAL)
    attack = attack_phase(outcome=refused(ErrorKind.CONFIGURATION, code=None), connections=())

    assert judge(trial(attack=attack, expectation=expectation, reports=())).verdict is Verdict.PASS


def test_a_look_up_is_enough_where_the_network_lets_it_go_no_further() -> None:
    attack = attack_phase(
        outcome=refused(ErrorKind.NETWORK, code="UnknownHost"), connections=(), lookups=LOOKED_UP
    )
    judged = judge(trial(attack=attack, expectation=unreachable(Attempt.LOOKED_UP), reports=()))

    assert judged.verdict is Verdict.PASS


def test_a_control_that_serves_no_chain_is_not_compared() -> None:
    control = control_phase(connections=(connection(WireClass.CLEARTEXT, served_chain=()),))
    attack = attack_phase(connections=(connection(served_chain=()),))

    assert judge(trial(control=control, attack=attack, served_chain=())).verdict is not (
        Verdict.INCONCLUSIVE
    )


def test_the_server_and_the_clients_alerts_are_told_apart() -> None:
    for client, side in ((True, "client"), (False, "server")):
        ended = connection(
            WireClass.HANDSHAKE_REJECTED, alert=alert(48, "unknown_ca", client=client)
        )
        tried = trial(attack=attack_phase(connections=(ended, connection())))
        texts = [reason.text for reason in judge(tried).reasons]
        assert f"On the wire: handshake ended by the {side}'s alert unknown_ca (48)." in texts


def test_an_alert_after_the_handshake_is_told() -> None:
    late = connection(alert=alert(46, "certificate_unknown"))
    texts = [r.text for r in judge(trial(attack=attack_phase(connections=(late,)))).reasons]

    assert any("handshake finished, then alert certificate_unknown (46)" in t for t in texts)
