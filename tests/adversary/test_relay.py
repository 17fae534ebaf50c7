"""Connections that are passed through to the genuine servers, unopened."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from lab.adversary import layers, watch
from lab.backend import Backend, Outage
from lab.model.device import Endpoint
from lab.model.serving import Arming, DnsLie, HostPlan, Relay, Terminate
from lab.model.wire import TlsVersion, WireClass
from lab.pki.hierarchy import LabPki
from tests.adversary import peers
from tests.adversary.peers import (
    CURL_VERSIONS,
    HOST,
    WEBSITE,
    Attached,
    Curl,
    Gateway,
    Tls,
    Way,
)
from tests.patience import CAP


@pytest.fixture
def upstream(backend: Backend) -> Callable[[str], Endpoint | None]:
    return lambda host: backend.addresses().get(host)


@pytest.mark.parametrize("protocol", ["--http1.1", "--http2"])
def test_the_genuine_server_answers(
    device: Attached,
    backend: Backend,
    way: Way,
    version: TlsVersion,
    curl: Curl,
    protocol: str,
    dials: list[object],
) -> None:
    number = device.arm(Relay())
    done = curl(way, f"https://{HOST}/", protocol, *CURL_VERSIONS[version])
    assert b'"served-by": "origin"' in done.stdout, done
    record = device.record(number)
    assert record.wire_class is WireClass.RELAYED
    assert (record.host, record.port, record.sni) == (HOST, 443, HOST)
    assert (record.served_chain, record.request, record.client_bytes) == ((), None, 0)
    assert record.fingerprint is not None
    assert record.note is None
    genuine = backend.addresses()[HOST]
    assert dials == [(genuine.host, genuine.port)]


def test_the_client_sees_the_genuine_chain(
    device: Attached, pki: LabPki, way: Way, root: object
) -> None:
    number = device.arm(Relay(), (WEBSITE, Relay()))
    for host in (HOST, WEBSITE):
        with Tls(way.open(host), peers.context(), host) as client:
            assert client.handshake().leaf() == pki.genuine(host).chain_der[0]
    assert [r.host for r in device.records(number)] == [HOST, WEBSITE]


def test_ciphertext_is_counted_to_the_byte(device: Attached, way: Way, version: TlsVersion) -> None:
    number = device.arm(Relay())
    with Tls(way.open(HOST), peers.context(version=version)) as client:
        client.handshake().write(peers.get_request(HOST))
        client.read_until(b"origin")
        client.close_notify().drain()
        counted = (client.sent, client.received)
    assert device.record(number).relayed_bytes == counted


def test_client_hello_right_behind_the_connect_request(device: Attached) -> None:
    """What came before the route said yes is passed on and counted like the rest."""
    number = device.arm(Relay())
    plain = peers.connect(device.surroundings.proxy)
    with Tls(plain, peers.context()) as client:
        hello = client.hello()
        plain.sendall(peers.connect_request(HOST) + hello)
        client.sent += len(hello)
        assert b" 200 " in peers.read_head(plain)
        client.handshake().write(peers.get_request(HOST))
        client.read_until(b"origin")
        client.close_notify().drain()
        counted = (client.sent, client.received)
    assert device.record(number).relayed_bytes == counted


def test_large_bodies_pass(
    device: Attached, way: Way, curl: Curl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the adversary takes itself is limited, what it passes on is not."""
    monkeypatch.setattr(watch, "MAX_TAKEN", 1 << 20)
    number = device.arm(Relay())
    body = ("--data-binary", "@-", "--header", "Expect:")
    done = curl(way, f"https://{HOST}/", *body, data=b"x" * (3 << 20))
    assert b"origin" in done.stdout, done
    assert device.record(number).relayed_bytes[0] > 3 << 20


@pytest.mark.parametrize("outage", [Outage.REFUSE, Outage.RESET])
def test_a_genuine_server_that_is_down(
    device: Attached, backend: Backend, way: Way, curl: Curl, outage: Outage
) -> None:
    number = device.arm(Relay())
    backend.set_outage(HOST, outage)
    assert curl(way, f"https://{HOST}/").returncode in (35, 56)
    record = device.record(number)
    assert record.wire_class is WireClass.RELAYED
    assert record.relayed_bytes[1] == 0
    refused = "the genuine endpoint was not reached"
    assert record.note == refused or (record.note, outage) == (None, Outage.RESET)


def test_a_genuine_server_that_hangs_keeps_no_connection(
    device: Attached, backend: Backend, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app gave up: its connection is over, whatever the server does."""
    monkeypatch.setattr(layers, "LINGER", 10 * CAP)
    number = device.arm(Relay())
    backend.set_outage(HOST, Outage.HANG)
    with Tls(way.open(HOST), peers.context()) as client:
        client.send(client.hello())
        assert device.engine.wait_for(device.id, number, lambda r: r.relayed_bytes[0] > 0, CAP)
    record = device.record(number)
    assert record.closed_at is not None
    assert (record.wire_class, record.relayed_bytes[1]) == (WireClass.RELAYED, 0)


class LastWord:
    """A server that answers once its client has sent everything."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = Endpoint(*self._listening.getsockname()[:2])
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        plain, _ = self._listening.accept()
        with plain:
            plain.settimeout(CAP)
            plain.sendall(b"%d bytes" % len(peers.ended(plain)))

    def close(self) -> None:
        self._thread.join(CAP)
        self._listening.close()


@pytest.fixture
def last_word(monkeypatch: pytest.MonkeyPatch) -> Iterator[LastWord]:
    server = LastWord()
    monkeypatch.setattr(Backend, "addresses", lambda self: {HOST: server.endpoint})
    yield server
    server.close()


def test_an_answer_still_comes_after_the_clients_last_byte(
    device: Attached, last_word: LastWord
) -> None:
    """A client may close its sending side and wait. (mitmproxy's tunnels do not allow it.)"""
    number = device.arm(Relay())
    plain = Gateway(device.surroundings.rogue).open(HOST)
    with Tls(plain, peers.context()) as client:
        hello = client.hello()
        client.send(hello)
        plain.shutdown(socket.SHUT_WR)
        answer = peers.ended(plain)
    assert answer == b"%d bytes" % len(hello)
    assert device.record(number).relayed_bytes == (len(hello), len(answer))


def test_a_host_without_a_genuine_server(
    device: Attached, way: Way, dials: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = device.arm(Relay())
    monkeypatch.setattr(Backend, "addresses", lambda self: {})
    with way.open(HOST) as plain, Tls(plain, peers.context()) as client:
        client.send(client.hello())
        assert peers.ended(plain) == b""
    record = device.record(number)
    assert (record.wire_class, dials) == (WireClass.HANDSHAKE_REJECTED, [])
    assert record.note == "there is no genuine endpoint"


def test_at_the_attackers_own_address_the_sni_tells_where_to(
    device: Attached, curl: Curl, backend: Backend, dials: list[object]
) -> None:
    plan = HostPlan(Relay(), dns=DnsLie.ATTACKER_ADDRESS)
    number = device.engine.arm(device.id, Arming("lie", ((HOST, plan),)))
    assert b"origin" in curl(Gateway(device.surroundings.rogue), f"https://{HOST}/").stdout
    assert device.record(number).wire_class is WireClass.RELAYED
    genuine = backend.addresses()[HOST]
    assert dials == [(genuine.host, genuine.port)]


def test_the_home_network_opens_nothing(
    device: Attached, forgery: Terminate, curl: Curl, backend: Backend
) -> None:
    number = device.arm(forgery)
    home = Gateway(device.surroundings.home)
    assert b"origin" in curl(home, f"https://{HOST}/").stdout
    record = device.record(number)
    assert (record.wire_class, record.served_chain) == (WireClass.RELAYED, ())
    assert device.engine.lookups(device.id, number) == ()
