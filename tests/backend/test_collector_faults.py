"""The collector out of order, as curl sees it."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest

from lab.backend import COLLECTOR, Backend
from lab.backend.collector import PATH, Delivery
from lab.backend.secrets import Secret
from lab.model.attack import CollectorFault
from tests.backend.peers import Answered, Curl
from tests.backend.samples import body, fields
from tests.patience import CAP

TOKEN = Secret("the token", "canary0123456789abcdef")


def post(backend: Backend, curl: Curl, data: bytes, *flags: str, path: str = PATH) -> Answered:
    return curl(backend.addresses()[COLLECTOR], COLLECTOR, *flags, path=path, data=data)


@pytest.mark.parametrize(
    ("fault", "status"), [(CollectorFault.ERROR, 500), (CollectorFault.BUSY, 429)]
)
def test_a_passing_fault_ends(
    backend: Backend, curl: Curl, fault: CollectorFault, status: int
) -> None:
    sent = body()
    backend.collector.fail(fault)
    assert post(backend, curl, sent).status == status
    assert backend.collector.count() == 0
    backend.collector.fail(CollectorFault.NONE)
    assert post(backend, curl, sent).status == 201


@pytest.mark.parametrize(
    ("fault", "status"), [(CollectorFault.REJECTS, 422), (CollectorFault.TOO_LARGE, 413)]
)
def test_what_is_turned_away_for_good_stays_away(
    backend: Backend, curl: Curl, fault: CollectorFault, status: int
) -> None:
    sent = body()
    backend.collector.fail(fault)
    assert post(backend, curl, sent).status == status
    backend.collector.fail(CollectorFault.NONE)
    assert post(backend, curl, sent).status == status
    assert post(backend, curl, body()).status == 201
    backend.collector.forgive()
    assert post(backend, curl, sent).status == 201


def test_a_slow_collector_answers_when_it_is_let(backend: Backend, curl: Curl) -> None:
    answers: list[Answered] = []
    backend.collector.fail(CollectorFault.SLOW)
    client = threading.Thread(target=lambda: answers.append(post(backend, curl, body())))
    client.start()
    assert backend.collector.wait_for_delivery(lambda delivery: delivery.status == 0, CAP)
    assert (answers, backend.collector.count()) == ([], 0)
    backend.collector.fail(CollectorFault.NONE)
    client.join(CAP)
    assert [answer.status for answer in answers] == [201]


def test_a_receipt_that_is_lost_leaves_the_report(backend: Backend, curl: Curl) -> None:
    sent = body()
    backend.collector.fail(CollectorFault.LOSES_ANSWER)
    assert post(backend, curl, sent).exit != 0
    assert backend.collector.count() == 1
    backend.collector.fail(CollectorFault.NONE)
    assert post(backend, curl, sent).status == 200
    assert backend.collector.count() == 1


def test_every_attempt_is_remembered(backend: Backend, curl: Curl) -> None:
    sent: dict[str, Any] = fields()
    backend.collector.fail(CollectorFault.ERROR)
    post(backend, curl, json.dumps(sent).encode())
    backend.collector.fail(CollectorFault.NONE)
    for _ in range(2):
        post(backend, curl, json.dumps(sent).encode())
    attempts = backend.collector.deliveries()
    assert [(a.id, a.host, a.device, a.status) for a in attempts] == [
        (sent["report-id"], sent["hostname"], sent["device"], status) for status in (500, 201, 200)
    ]
    assert backend.collector.deliveries(attempts[1].at) == attempts[1:]


def no_such(delivery: Delivery) -> bool:
    return delivery.status == 503


def test_one_that_does_not_come_is_not_waited_for_for_ever(backend: Backend) -> None:
    assert not backend.collector.wait_for_delivery(no_such, 0.05)


@pytest.mark.parametrize(
    ("path", "flags", "more"),
    [
        (f"{PATH}?token={TOKEN.text}", (), {}),
        (PATH, ("--cookie", f"session={TOKEN.text}"), {}),
        (PATH, (), {"url": f"https://api.acme.test/?token={TOKEN.text}"}),
        (PATH, (), {"context": base64.b64encode(f"a{TOKEN.text}".encode()).decode()}),
    ],
    ids=["target", "header", "body", "base64"],
)
def test_a_secret_is_found_and_not_kept(
    backend: Backend, curl: Curl, path: str, flags: tuple[str, ...], more: dict[str, str]
) -> None:
    sent = json.dumps({**fields(), **more}).encode()
    backend.collector.secrets = (TOKEN, Secret("another", "canaryffffffffffffffff"))
    assert post(backend, curl, sent, *flags, path=path).status == 201
    (delivery,) = backend.collector.deliveries()
    assert delivery.found == ("the token",)
    assert TOKEN.text not in repr((delivery, backend.collector.reports()))


def test_without_a_secret_nothing_is_found(backend: Backend, curl: Curl) -> None:
    backend.collector.secrets = (TOKEN,)
    post(backend, curl, body())
    assert backend.collector.deliveries()[0].found == ()
