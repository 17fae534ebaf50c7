"""Lies of the resolver, closed ports, black holes and portals."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable

import pytest

from lab.adversary.names import ATTACKER_ADDRESS
from lab.model.device import Endpoint
from lab.model.serving import (
    Arming,
    DnsLie,
    HostPlan,
    HttpAnswer,
    Interfere,
    Interference,
    Plain,
    Relay,
    Serving,
    Terminate,
)
from lab.model.wire import TlsVersion, WireClass
from tests.adversary import peers
from tests.adversary.peers import (
    HOST,
    WEBSITE,
    Attached,
    Curl,
    Gateway,
    Proxy,
    Refused,
    Tls,
    Way,
)
from tests.patience import CAP

REFUSE = Interfere(Interference.REFUSE)
BLACK_HOLE = Interfere(Interference.BLACK_HOLE)


@pytest.fixture
def upstream() -> Callable[[str], Endpoint | None]:
    """Nobody listens there, but ``dials`` would tell."""
    return lambda host: Endpoint("127.0.0.1", 9)


def arm(device: Attached, plan: HostPlan) -> int:
    return device.engine.arm(device.id, Arming("test", ((HOST, plan),)))


# -- the resolver -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        (DnsLie.HONEST, "198.51.100.1"),
        (DnsLie.ATTACKER_ADDRESS, ATTACKER_ADDRESS),
        (DnsLie.NXDOMAIN, "NXDOMAIN"),
    ],
)
def test_what_the_resolver_says(device: Attached, lie: DnsLie, told: str) -> None:
    number = arm(device, HostPlan(Relay(), dns=lie))
    addresses = () if told == "NXDOMAIN" else (told,)
    assert peers.look_up(device.surroundings.rogue.resolver, "API.acme.test") == addresses
    assert peers.look_up(device.surroundings.rogue.resolver, HOST, "AAAA") == ()
    assert peers.look_up(device.surroundings.rogue.resolver, "bank.example") == ()
    asked = [(q.name, q.kind, q.answer) for q in device.engine.lookups(device.id, number)]
    assert asked == [(HOST, "A", told), (HOST, "AAAA", told), ("bank.example", "A", "NXDOMAIN")]
    assert peers.look_up(device.surroundings.home.resolver, HOST) == ("198.51.100.1",)


def test_a_silent_resolver(device: Attached, monkeypatch: pytest.MonkeyPatch) -> None:
    number = arm(device, HostPlan(Relay(), dns=DnsLie.SILENCE))
    monkeypatch.setattr(peers, "CAP", 0.1)
    with pytest.raises(TimeoutError):
        peers.look_up(device.surroundings.rogue.resolver, HOST)
    (asked,) = device.engine.lookups(device.id, number)
    assert (asked.name, asked.answer, asked.device) == (HOST, "TIMEOUT", "phone")
    # Other names are answered.
    assert peers.look_up(device.surroundings.rogue.resolver, WEBSITE) == ("198.51.100.2",)


def test_other_names_do_not_crowd_out_the_declared_ones(device: Attached) -> None:
    number = arm(device, HostPlan(Relay()))
    for n in range(200):
        peers.look_up(device.surroundings.rogue.resolver, f"host{n}.example")
    peers.look_up(device.surroundings.rogue.resolver, HOST)
    asked = device.engine.lookups(device.id, number)
    assert asked[-1].name == HOST
    assert len(asked) == 33


def test_at_the_attackers_own_address_the_sni_tells(
    device: Attached, forgery: Terminate, curl: Curl, fooled_curl: Curl
) -> None:
    number = arm(device, HostPlan(forgery, dns=DnsLie.ATTACKER_ADDRESS))
    gateway = Gateway(device.surroundings.rogue)
    assert gateway.resolve(HOST) == ATTACKER_ADDRESS
    assert curl(gateway, f"https://{HOST}/").returncode == 60
    assert fooled_curl(gateway, f"https://{HOST}/").stdout == forgery.answer.body
    rejected, caught = device.records(number)
    assert (rejected.host, caught.host) == (HOST, HOST)
    assert rejected.wire_class is WireClass.HANDSHAKE_REJECTED
    assert caught.wire_class is WireClass.INTERCEPTED
    assert rejected.served_chain == caught.served_chain == forgery.digests


def test_a_tunnel_to_the_attackers_own_address(device: Attached, forgery: Terminate) -> None:
    """An app that looks names up itself may ask its proxy for an address."""
    number = device.arm(forgery)
    with Tls(Proxy(device.surroundings).open(ATTACKER_ADDRESS), peers.context()) as client:
        assert client.handshake().leaf() == forgery.chain[0]
    assert device.record(number).host == HOST


def test_a_tunnel_to_the_address_of_a_host(device: Attached, forgery: Terminate) -> None:
    number = device.arm(forgery)
    with Tls(Proxy(device.surroundings).open("198.51.100.1"), peers.context(), None) as client:
        assert client.handshake().leaf() == forgery.chain[0]
    assert device.record(number).host == HOST


def test_at_the_attackers_own_address_the_host_header_tells(
    device: Attached, forgery: Terminate, curl: Curl
) -> None:
    portal = Plain(HttpAnswer(302, (("location", "http://evil.acme.test/"),), b""))
    number = arm(device, HostPlan(forgery, cleartext=portal, dns=DnsLie.ATTACKER_ADDRESS))
    done = curl(Gateway(device.surroundings.rogue), f"http://{HOST}/a", "--include")
    assert done.stdout.startswith(b"HTTP/1.1 302 ")
    assert b"\r\nlocation: http://evil.acme.test/\r\n" in done.stdout
    record = device.record(number)
    assert (record.wire_class, record.host, record.port) == (WireClass.CLEARTEXT, HOST, 80)


# -- the network --------------------------------------------------------------------------


@pytest.mark.parametrize("port", [443, 80, 8080])
def test_a_closed_port(device: Attached, way: Way, port: int, dials: list[object]) -> None:
    number = arm(device, HostPlan(REFUSE, cleartext=REFUSE))
    code = "502" if isinstance(way, Proxy) else "CONNECTION_REFUSED"
    with pytest.raises(Refused, match=code):
        way.open(HOST, port)
    record = device.record(number)
    assert (record.wire_class, record.host, record.port) == (WireClass.TCP_ONLY, HOST, port)
    assert (record.note, dials) == ("refused by the network", [])


def test_curl_at_a_closed_port(device: Attached, way: Way, curl: Curl) -> None:
    """TLS stripping: the TLS port is closed, the other one answers."""
    number = arm(device, HostPlan(REFUSE, cleartext=Plain()))
    assert curl(way, f"https://{HOST}/").returncode in (7, 56, 97)
    assert b"adversary" in curl(way, f"http://{HOST}/").stdout
    assert [r.wire_class for r in device.records(number)] == [
        WireClass.TCP_ONLY,
        WireClass.CLEARTEXT,
    ]


def test_a_closed_port_at_the_attackers_own_address(device: Attached, dials: list[object]) -> None:
    number = arm(device, HostPlan(REFUSE, cleartext=REFUSE, dns=DnsLie.ATTACKER_ADDRESS))
    gateway = Gateway(device.surroundings.rogue)
    plain = gateway.open(HOST)
    with Tls(plain, peers.context()) as client:
        client.send(client.hello())
        assert peers.ended(plain) == b""
    with gateway.open(HOST, 80) as plain:
        plain.sendall(peers.get_request(HOST))
        assert peers.ended(plain) == b""
    tls, clear = device.records(number)
    assert (tls.wire_class, tls.host) == (WireClass.HANDSHAKE_REJECTED, HOST)
    assert (clear.wire_class, clear.host) == (WireClass.CLEARTEXT, HOST)
    assert dials == []


def silent(device: Attached, plain: socket.socket) -> bool:
    """Tell whether nothing has come, now that everything that was sent is dealt with."""
    device.engine.settle(device.id, device.engine.armed(device.id), 0)
    readable, _, _ = select.select([plain], [], [], 0)
    return not readable


@pytest.mark.parametrize("lie", [DnsLie.HONEST, DnsLie.ATTACKER_ADDRESS])
def test_a_black_hole_takes_a_client_hello(
    device: Attached, way: Way, lie: DnsLie, dials: list[object]
) -> None:
    number = arm(device, HostPlan(BLACK_HOLE, cleartext=BLACK_HOLE, dns=lie))
    plain = way.open(HOST)
    with Tls(plain, peers.context()) as client:
        client.send(client.hello())
        assert device.engine.wait_for(device.id, number, lambda r: r.sni == HOST, CAP)
        assert silent(device, plain)
    record = device.record(number)
    assert (record.wire_class, record.host) == (WireClass.HANDSHAKE_REJECTED, HOST)
    assert (record.served_chain, record.alert, dials) == ((), None, [])


@pytest.mark.parametrize("port", [443, 80])
def test_a_black_hole_sees_what_falls_in_in_clear(
    device: Attached, way: Way, port: int, dials: list[object]
) -> None:
    number = arm(device, HostPlan(BLACK_HOLE, cleartext=BLACK_HOLE))
    request = peers.get_request(HOST)
    with way.open(HOST, port) as plain:
        plain.sendall(request)
        assert device.engine.wait_for(
            device.id, number, lambda r: r.client_bytes == len(request), CAP
        )
        assert silent(device, plain)
    record = device.record(number)
    assert (record.wire_class, record.client_bytes) == (WireClass.CLEARTEXT, len(request))
    assert dials == []


def test_a_proxied_request_in_clear_is_cut_off(device: Attached) -> None:
    for interference in (REFUSE, BLACK_HOLE):
        number = arm(device, HostPlan(interference, cleartext=interference))
        with peers.connect(device.surroundings.proxy) as plain:
            plain.sendall(f"GET http://{HOST}/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert peers.ended(plain) == b""
        assert device.record(number).wire_class is WireClass.CLEARTEXT


def test_nothing_is_fetched_for_a_request_in_clear(
    device: Attached, forgery: Terminate, way: Way, curl: Curl, dials: list[object]
) -> None:
    """A host's plan says nothing about its other ports: nobody is there."""
    servings: list[Serving] = [forgery, Relay()]
    for serving in servings:
        number = device.arm(serving)
        done = curl(way, f"http://{HOST}/", "--include")
        assert done.stdout.startswith(b"HTTP/1.1 502 ")
        assert device.record(number).wire_class is WireClass.CLEARTEXT
    assert dials == []


@pytest.mark.parametrize("protocol", ["--http1.1", "--http2"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
def test_what_is_answered_is_what_was_armed(
    device: Attached, forgery: Terminate, way: Way, fooled_curl: Curl, protocol: str, method: str
) -> None:
    headers = (("set-cookie", "a=1"), ("set-cookie", "b=2"), ("content-type", "text/plain"))
    answer = HttpAnswer(418, headers, b"short and stout")
    device.arm(Terminate(forgery.chain, forgery.key, answer))
    how = ("--head",) if method == "HEAD" else ("--include", "--request", method)
    done = fooled_curl(way, f"https://{HOST}/", protocol, *how)
    assert done.returncode == 0, done
    text = done.stdout.replace(b"\r", b"").removeprefix(b"HTTP/1.1 200 Connection established\n\n")
    head, _, body = text.partition(b"\n\n")
    assert b" 418" in head.partition(b"\n")[0]
    assert b"set-cookie: a=1\nset-cookie: b=2\ncontent-type: text/plain" in head
    assert body == (b"" if method == "HEAD" else b"short and stout")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_connection_is_kept_past_its_answer(
    device: Attached, forgery: Terminate, way: Way, version: TlsVersion, method: str
) -> None:
    """Else the app's next request would slip past the next arming."""
    number = device.arm(forgery)
    with peers.context(version=version).wrap_socket(way.open(HOST), server_hostname=HOST) as client:
        client.sendall(peers.get_request(HOST).replace(b"GET", method.encode()))
        answer = b""
        while part := client.recv(4096):
            answer += part
        body = b"" if method == "HEAD" else forgery.answer.body
        assert answer.partition(b"\r\n\r\n")[2] == body
        assert b"\r\nconnection: close\r\n" in answer
        assert device.record(number).closed_at is not None


def test_an_http2_connection_ends_with_the_next_arming(
    device: Attached, forgery: Terminate, way: Way, version: TlsVersion
) -> None:
    """Not before: there are clients to whom a GOAWAY is the end of what is under way, too."""
    number = device.arm(forgery)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + peers.frame(4)
    # POST https, path and authority by name, one stream behind the other; RFC 7541 appendix A.
    headers = b"\x83\x87\x84\x41" + bytes([len(HOST)]) + HOST.encode()
    seen: list[tuple[int, int, int]] = []
    with Tls(way.open(HOST), peers.context(None, "h2", version=version)) as client:
        client.handshake()
        client.write(preface + b"".join(peers.frame(1, headers, 4, n) for n in (1, 3)))
        buffer = b""
        for stream in (1, 3):
            assert not idle(device, number, 0.3)
            client.write(peers.frame(0, b"", 1, stream))
            while not any(of == stream and flags & 1 for _, flags, of in seen):
                buffer += client.read()
                while len(buffer) >= 9 and len(buffer) >= 9 + (length := peers.size_of(buffer)):
                    seen.append((buffer[3], buffer[4], int.from_bytes(buffer[5:9], "big")))
                    buffer = buffer[9 + length :]
        assert idle(device, number, CAP)
        device.arm(forgery)
        with pytest.raises(ssl.SSLEOFError):
            client.read()
    kinds = [kind for kind, _, _ in seen if kind in (0, 1, 7)]
    assert kinds in ([1, 0, 0, 1, 0, 0], [1, 0, 1, 0]), seen


def idle(device: Attached, number: int, cap: float) -> bool:
    """Tell whether a verdict need not wait for any connection under this arming, not for all of
    ``cap`` seconds at least."""
    began = time.monotonic()
    device.engine.settle(device.id, number, cap)
    return time.monotonic() - began < cap


@pytest.mark.parametrize("how", [(), ("--parallel",)])
def test_curl_does_not_mind(
    device: Attached, forgery: Terminate, way: Way, fooled_curl: Curl, how: tuple[str, ...]
) -> None:
    number = device.arm(forgery)
    others = [f"https://{HOST}/{n}" for n in range(5)]
    done = fooled_curl(way, f"https://{HOST}/", "--http2", *how, *others)
    assert (done.returncode, done.stdout.count(forgery.answer.body)) == (0, 6), done
    records = device.records(number)
    assert {r.wire_class for r in records} == {WireClass.INTERCEPTED}


def test_tls_can_be_taken_off_on_another_port(
    device: Attached, forgery: Terminate, way: Way, fooled_curl: Curl
) -> None:
    number = arm(device, HostPlan(Relay(), cleartext=forgery))
    assert fooled_curl(way, f"https://{HOST}:8443/").stdout == forgery.answer.body
    record = device.record(number)
    assert (record.wire_class, record.port) == (WireClass.INTERCEPTED, 8443)
