from __future__ import annotations

from dataclasses import replace

from lab.model.anomaly import Anomaly
from lab.model.serving import Relay, Terminate
from lab.model.trial import ANOMALY
from lab.trial.anomalies import anomaly_facts
from tests.judge.builders import attack_phase, connection

PLAIN = Terminate((), b"")
ODD = replace(PLAIN, anomaly=Anomaly.OTHER_KEY)
SERVED = connection(anomaly=Anomaly.OTHER_KEY)


def test_where_nothing_is_wrong_nothing_is_measured() -> None:
    phase = attack_phase(connections=(SERVED,))
    assert anomaly_facts(phase, PLAIN) == ()
    assert anomaly_facts(phase, Relay()) == ()


def test_what_went_out_holds() -> None:
    (fact,) = anomaly_facts(attack_phase(connections=(connection(), SERVED)), ODD)
    assert (fact.name, fact.holds) == (ANOMALY, True)
    assert fact.text == f"The adversary {Anomaly.OTHER_KEY}."
    (fact,) = anomaly_facts(attack_phase(connections=(SERVED, SERVED)), ODD)
    assert fact.text.endswith("(2 connections).")


def test_what_did_not_go_out_was_not_measured() -> None:
    others = (
        connection(),
        connection(anomaly=Anomaly.BAD_SIGNATURE),
        connection(anomaly=Anomaly.OTHER_KEY, host="www.acme.test"),
        connection(anomaly=Anomaly.OTHER_KEY, foreign=True),
    )
    (fact,) = anomaly_facts(attack_phase(connections=others), ODD)
    assert fact.holds is None
    assert "handshake finished, then closed" in fact.text
    (fact,) = anomaly_facts(attack_phase(connections=()), ODD)
    assert fact.text.endswith("Seen was nothing.")


def test_a_misstep_is_told_once() -> None:
    bled = replace(SERVED, misstep="bled")
    facts = anomaly_facts(attack_phase(connections=(bled, bled)), ODD)
    assert [(f.name, f.holds, f.text) for f in facts[1:]] == [
        ("misstep", False, "The client bled.")
    ]
