"""What is told of TLS sessions that outlived a connection."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.model.serving import Relay, Serving, Terminate
from lab.model.trial import PhaseName
from lab.trial.sessions import session_facts
from tests.judge.builders import HOST, benign, connection

SILENT = Terminate((b"leaf",), b"key")
ISSUING = replace(SILENT, tickets=True)
READING = replace(ISSUING, early_data=True)
PLAIN, RESUMED, EARLY = connection(), connection(resumed=True), connection(early_data=True)


@pytest.mark.parametrize(
    ("serving", "seen", "told"),
    [
        (READING, (), {}),
        (READING, (PLAIN,), {}),
        (READING, (PLAIN, RESUMED), {"resumption": True}),
        (READING, (EARLY,), {"early data": False}),
        (READING, (replace(EARLY, resumed=True),), {"resumption": True, "early data": False}),
        # A genuine server's ticket tells the rogue nothing.
        (ISSUING, (EARLY,), {}),
        (ISSUING, (RESUMED,), {"resumption": True}),
        (SILENT, (EARLY, RESUMED), {}),
        (Relay(), (EARLY, RESUMED), {}),
        (READING, (replace(EARLY, foreign=True), replace(EARLY, host="www.acme.test")), {}),
        (
            READING,
            (replace(EARLY, host="www.acme.test", authorities=(HOST,)),),
            {"early data": False},
        ),
    ],
)
def test_what_is_told(serving: Serving, seen: tuple[object, ...], told: dict[str, bool]) -> None:
    phase = benign(PhaseName.ATTACK, connections=seen)
    facts = session_facts(phase, serving)
    assert {fact.name: fact.holds for fact in facts} == told
