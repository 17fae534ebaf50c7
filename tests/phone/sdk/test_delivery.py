"""Failure reports over real TLS: right, delivered once, never to an attacker."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from lab.backend import API, COLLECTOR, CONFIGURATION, WEBSITE, Outage
from lab.model.pins import Mode
from lab.phone.sdk import reporter
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.errors import (
    AllPinsExpired,
    DomainNotRegistered,
    PinsMismatch,
    TrustPinError,
)
from lab.phone.sdk.reporter import Fate
from lab.phone.sdk.reports import CAPACITY, FOLDER, QueuedReport
from lab.phone.services import PlatformError
from tests.patience import CAP, LONG, not_waiting
from tests.phone.sdk.conftest import World
from tests.phone.sdk.peers import answer

URL = f"https://{API}/private/path?token=secret"


def refused(client: ReferenceClient, url: str = URL) -> None:
    with pytest.raises(TrustPinError):
        client.get(url, headers=[("Authorization", "Bearer secret")])


def waiting(world: World) -> int:
    folder = world.storage / FOLDER
    return len(list(folder.iterdir())) if folder.exists() else 0


def drain(world: World, client: ReferenceClient) -> None:
    """Return once nothing waits to be delivered any more."""
    while left := len(client._queue):
        world.phone.until(lambda left=left: len(client._queue) < left)  # type: ignore[misc]


def test_a_report_tells_the_truth(world: World) -> None:
    client = world.ready()
    world.phone.clock += 3600
    credential = world.pki.compromised.issue(API)
    world.attack(API, credential)
    refused(client, f"https://{API}:8443/private/path?token=secret")
    (report,) = world.reported()
    assert (report.host, report.port, report.error) == (API, 8443, "PinsMismatch")
    assert report.served_chain == credential.digests
    assert report.known_pins == tuple(f"{pin.kind}={pin.digest}" for pin in world.pins(API))
    assert report.at == pytest.approx(world.phone.clock, abs=0.001)
    assert report.device == "phone-1"


def test_the_chain_is_reported_as_it_was_served(world: World) -> None:
    client = world.ready()
    made, genuine = world.pki.compromised.issue(API), world.pki.genuine(API)
    stuffed = made.with_chain(made.certificate, *genuine.chain, *made.issuers)
    world.attack(API, stuffed)
    refused(client)
    assert world.reported()[0].served_chain == stuffed.digests


def test_every_definitive_failure_is_reported_and_no_other(world: World) -> None:
    soon = world.pins("soon.acme.test", world.phone.clock + 1)
    world.publish(soon__acme__test=soon)
    client = world.ready()
    world.phone.clock += 2
    for host in (API, "soon.acme.test", WEBSITE):
        world.attack(host)
        refused(client, f"https://{host}/")
    world.attack(API, world.pki.rogue.issue(API))
    with pytest.raises(PlatformError):
        client.get(URL)
    world.backend.set_outage(CONFIGURATION, Outage.REFUSE)
    world.phone.clock += 90_000
    world.attack(API)
    refused(client)
    world.backend.set_outage(CONFIGURATION, Outage.NONE)
    world.relent()
    assert client.get(URL).status == 200
    drain(world, client)
    reports = {report.host: report for report in world.backend.collector.reports()}
    assert {host: report.error for host, report in reports.items()} == {
        API: PinsMismatch.__name__,
        "soon.acme.test": AllPinsExpired.__name__,
        WEBSITE: DomainNotRegistered.__name__,
    }
    assert world.backend.collector.count() == 3
    # Pins that have expired are known all the same; an unregistered host has none.
    assert reports["soon.acme.test"].known_pins == tuple(f"{p.kind}={p.digest}" for p in soon)
    assert reports[WEBSITE].known_pins == ()


def test_each_refused_connection_is_one_report(world: World) -> None:
    client = world.ready()
    world.attack(API)
    for _ in range(3):
        refused(client)
    assert len({report.id for report in world.reported(3)}) == 3
    drain(world, client)
    assert world.backend.collector.count() == 3


def test_a_right_or_permitted_connection_is_not_reported(world: World) -> None:
    client = world.ready(mode=Mode.PERMISSIVE)
    assert client.get(URL).status == 200
    world.attack(WEBSITE, world.pki.compromised.issue(WEBSITE))
    with pytest.raises(PlatformError):
        client.get(f"https://{WEBSITE}/", timeout=0.2)
    assert waiting(world) == 0
    assert world.backend.traffic(COLLECTOR).connections == 0


def test_without_a_report_url_nothing_is_kept(world: World) -> None:
    client = world.ready(report_url="")
    world.attack(API)
    refused(client)
    assert waiting(world) == 0


def test_no_secret_leaves_the_phone(world: World) -> None:
    client = world.ready()
    collector = world.peer(world.pki.genuine(COLLECTOR), answer("201 Created"))
    world.phone.addresses[COLLECTOR] = collector.endpoint
    world.attack(API)
    refused(client)
    sent = collector.wait()[0].received
    assert sent.startswith(b"POST /v1/reports HTTP/1.1\r\n")
    assert b"content-type: application/json\r\n" in sent.lower()
    for secret in (b"secret", b"private", b"Bearer", world.settings.public_key.encode()):
        assert secret not in sent


@pytest.mark.parametrize("outage", [Outage.REFUSE, Outage.RESET, Outage.HANG])
def test_after_an_outage_of_the_collector_it_is_delivered_once(
    world: World, outage: Outage
) -> None:
    client = world.ready()
    world.backend.set_outage(COLLECTOR, outage)
    world.attack(API)
    refused(client)
    assert waiting(world) == 1
    world.backend.set_outage(COLLECTOR, Outage.NONE)
    world.relent()
    assert client.get(URL).status == 200
    world.reported()
    drain(world, client)
    assert waiting(world) == 0
    assert world.backend.collector.count() == 1


def test_an_attacker_in_the_collectors_place_gets_nothing(world: World) -> None:
    """Neither the report nor a report about itself: it is delivered once, afterwards."""
    client = world.ready()
    attacker = world.attack(COLLECTOR)
    world.attack(API)
    refused(client)
    (seen, *_) = attacker.wait()
    assert (seen.handshake, seen.received) == (True, b"")
    assert waiting(world) == 1
    world.relent()
    assert client.get(URL).status == 200
    (report,) = world.reported()
    assert report.host == API
    drain(world, client)
    assert world.backend.collector.count() == 1
    assert {seen.received for seen in attacker.seen} == {b""}
    assert [event.host for event in world.events] == [API, API]


def test_a_collector_that_the_app_itself_asks_is_not_reported_either(world: World) -> None:
    client = world.ready()
    attacker = world.attack(COLLECTOR)
    refused(client, f"https://{COLLECTOR}/")
    assert attacker.wait()[0].received == b""
    assert waiting(world) == 0
    assert [event.host for event in world.events] == [COLLECTOR]


def test_a_collector_without_pins_has_the_platforms_word(world: World) -> None:
    world.publish(reports__acme__test=())
    client = world.ready()
    attacker = world.attack(COLLECTOR, world.pki.rogue.issue(COLLECTOR))
    world.attack(API)
    refused(client)
    assert attacker.wait()[0].received == b""
    world.relent()
    assert client.get(URL).status == 200
    world.reported()


def test_without_a_configuration_in_force_nothing_is_sent(world: World) -> None:
    client = world.ready()
    world.attack(COLLECTOR)
    world.attack(API)
    refused(client)
    world.phone.clock += 90_000
    world.backend.set_outage(CONFIGURATION, Outage.REFUSE)
    world.relent()
    refused(client)
    before = world.backend.traffic(COLLECTOR).handshakes
    client._reporter.nudge()
    world.phone.until(lambda: world.phone.logged("has to wait: No usable") > 0)
    assert world.backend.collector.count() == 0
    assert len(client._queue) == 1
    world.backend.set_outage(CONFIGURATION, Outage.NONE)
    assert client.get(URL).status == 200
    world.reported()
    assert world.backend.traffic(COLLECTOR).handshakes > before


def test_the_back_off_needs_nobodys_help(world: World) -> None:
    client = world.ready()
    client._reporter._first_pause = 0.02
    world.backend.set_outage(COLLECTOR, Outage.REFUSE)
    world.attack(API)
    refused(client)
    world.backend.set_outage(COLLECTOR, Outage.NONE)
    world.reported()


def test_pauses_are_as_they_should_be() -> None:
    assert (reporter.FIRST_PAUSE, reporter.LONGEST_PAUSE) == (1.0, 60.0)


@pytest.mark.parametrize(
    ("status", "left"),
    [
        ("200 OK", 0),
        ("204 No Content", 0),
        ("400 Bad Request", 0),
        ("422 Unprocessable Content", 0),
        ("404 Not Found", 0),
        ("408 Request Timeout", 1),
        ("429 Too Many Requests", 1),
        ("302 Found", 1),
        ("500 Internal Server Error", 1),
        ("503 Service Unavailable", 1),
    ],
)
def test_the_collectors_answer_decides(world: World, status: str, left: int) -> None:
    client = world.ready()
    elsewhere = world.peer(world.pki.compromised.issue("evil.acme.test"), answer("200 OK"))
    world.phone.addresses["evil.acme.test"] = elsewhere.endpoint
    reply = answer(status, "Location: https://evil.acme.test/")
    collector = world.peer(world.pki.genuine(COLLECTOR), reply)
    world.phone.addresses[COLLECTOR] = collector.endpoint
    world.attack(API)
    fates: list[Fate] = []
    answered = threading.Event()
    send = client.send

    def watched(report: QueuedReport) -> Fate:
        fates.append(send(report))
        answered.set()
        return fates[-1]

    client.send = watched  # type: ignore[method-assign]
    refused(client)
    assert answered.wait(CAP)
    client.close()
    assert len(client._queue) == waiting(world) == left
    assert elsewhere.seen == []


def test_a_repeated_report_is_the_same_report(world: World) -> None:
    """The answer is lost, the report is not; it counts once."""
    client = world.ready()
    send, sent = client.send, threading.Semaphore(0)

    def lossy(report: QueuedReport) -> Fate:
        fate = send(report)
        sent.release()
        return Fate.KEPT if len(world.backend.collector.hits()) == 1 else fate

    client.send = lossy  # type: ignore[method-assign]
    world.attack(API)
    refused(client)
    assert sent.acquire(timeout=CAP)
    world.relent()
    assert client.get(URL).status == 200
    assert sent.acquire(timeout=CAP)
    drain(world, client)
    assert len(world.backend.collector.hits()) == 2
    assert world.backend.collector.count() == 1


def test_a_stand_ins_mistake_does_not_end_the_thread(world: World) -> None:
    class Clumsy(ReferenceClient):
        calls = 0

        def send(self, report: QueuedReport) -> Fate:
            self.calls += 1
            if self.calls == 1:
                raise KeyError("clumsy")
            return super().send(report)

    client = world.ready(Clumsy)
    world.attack(API)
    refused(client)
    world.phone.until(lambda: world.phone.logged("not sent: KeyError") == 1)
    client._reporter.nudge()
    world.reported()


def test_the_queue_survives_a_restart(world: World) -> None:
    client = world.ready()
    world.backend.set_outage(COLLECTOR, Outage.REFUSE)
    world.attack(API)
    for _ in range(3):
        refused(client)
    client.close()
    assert waiting(world) == 3
    world.backend.set_outage(COLLECTOR, Outage.NONE)
    world.relent()
    again = world.launch()
    assert world.backend.traffic(COLLECTOR).handshakes == 0
    again.setup(world.settings)
    world.reported(3)
    drain(world, again)
    assert world.backend.collector.count() == 3


def test_a_thousand_failures_are_bounded(world: World) -> None:
    """The first of each kind is there in the end, and nothing twice."""
    client = world.ready()
    world.backend.set_outage(COLLECTOR, Outage.REFUSE)
    served = world.pki.compromised.issue(API).chain_der
    hosts = [WEBSITE, *[API] * 999]
    for host in hosts:
        with pytest.raises(TrustPinError):
            client.check(host, 443, served)
    assert len(client._queue) == waiting(world) == CAPACITY
    assert len(world.events) == 1000
    world.backend.set_outage(COLLECTOR, Outage.NONE)
    client._reporter.nudge()
    drain(world, client)
    reports = world.backend.collector.reports()
    assert len({report.id for report in reports}) == len(reports) == CAPACITY
    assert [report.host for report in reports[:2]] == [WEBSITE, API]


def test_threads_that_fail_at_once_are_all_reported(world: World) -> None:
    client = world.ready()
    world.attack(API)

    def fail() -> None:
        for _ in range(5):
            refused(client)

    threads = [threading.Thread(target=fail) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CAP)
    assert len(world.reported(30)) == 30
    drain(world, client)
    assert world.backend.collector.count() == 30


def test_close_is_prompt_while_everything_hangs(world: World) -> None:
    """A request, a refresh and a delivery are under way; all end, and no thread stays."""
    before = set(threading.enumerate())
    client = world.ready()
    for host in (API, COLLECTOR, CONFIGURATION):
        world.backend.set_outage(host, Outage.HANG)
    served = world.pki.compromised.issue(API).chain_der
    with pytest.raises(PinsMismatch):
        client.check(API, 443, served)
    world.phone.clock += 601
    ended: list[str] = []

    def hang(call: object) -> None:
        assert callable(call)
        try:
            call()
            ended.append("no error")
        except PlatformError as error:
            ended.append(type(error).__name__)

    calls = [
        lambda: client.get(URL, timeout=LONG),
        lambda: client.check(API, 443, served),
        lambda: client.fetch_certificate(API),
    ]
    threads = [threading.Thread(target=hang, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    due = Counter({API: 2, COLLECTOR: 1, CONFIGURATION: 2})
    world.phone.until(lambda: Counter(world.phone.connected) >= due)
    with not_waiting():
        client.close()
    for thread in threads:
        thread.join(CAP)
    assert ended == ["Cancelled"] * 3
    assert set(threading.enumerate()) <= before | {threading.current_thread()}
    with pytest.raises(PlatformError):
        client.get(URL)
    client.close()
    assert waiting(world) == 1
