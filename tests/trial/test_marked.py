from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from lab.backend.collector import Delivery
from lab.model.wire import Lookup
from lab.trial.marked import MarkedSecrets
from tests.judge.builders import attack_phase, connection, intercepted, trial


def test_each_is_somewhere_else() -> None:
    marked = MarkedSecrets()
    path, query, cookie, body = (secret.text for secret in marked.all)
    url = urlsplit(marked.path)
    assert path in url.path
    assert parse_qs(url.query)["token"] == [query]
    assert cookie in dict(marked.answer.headers)["set-cookie"]
    assert body.encode() in marked.answer.body
    assert len({path, query, cookie, body}) == 4


def test_no_two_trials_have_the_same() -> None:
    assert {s.text for s in MarkedSecrets().all}.isdisjoint(s.text for s in MarkedSecrets().all)


def test_what_is_nowhere_is_well_kept() -> None:
    # The benign request carries them, as it must.
    fact = MarkedSecrets().fact(trial(), [Delivery("r1", "h", "phone", 201, 1.0)])
    assert fact.holds
    assert "the session cookie" in fact.text


def test_a_report_that_holds_one_gives_it_away() -> None:
    found = Delivery("r1", "h", "phone", 201, 1.0, ("the URL's query",))
    fact = MarkedSecrets().fact(trial(), [found])
    assert (fact.holds, fact.text) == (
        False,
        "The app gave away the URL's query in a failure report.",
    )


@pytest.mark.parametrize("place", ["sni", "request", "lookup"])
def test_the_network_must_not_see_one_either(place: str) -> None:
    marked = MarkedSecrets()
    text = marked.all[1].text
    attack = attack_phase()
    if place == "sni":
        attack = attack_phase(connections=(connection(sni=f"{text}.acme.test"),))
    elif place == "request":
        attack = attack_phase(connections=(intercepted(request=f"GET /?t={text} HTTP/1.1"),))
    else:
        asked = Lookup("phone", 1, f"{text}.acme.test", "A", "NXDOMAIN", 1.0)
        attack = attack_phase(lookups=(asked,))
    fact = marked.fact(trial(attack=attack), [])
    assert fact.holds is False
    assert "the URL's query in what the network saw" in fact.text
