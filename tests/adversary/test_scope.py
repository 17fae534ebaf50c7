"""What is not declared is never opened and never dialled."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.adversary.names import ATTACKER_ADDRESS
from lab.adversary.recorder import KEPT_NAMES, KEPT_STRANGERS, OTHERS
from lab.model.device import Endpoint
from lab.model.serving import Arming, HostPlan, Plain, Relay, Terminate
from lab.model.wire import WireClass
from tests.adversary import peers
from tests.adversary.peers import (
    ELSEWHERE,
    HOST,
    WEBSITE,
    Attached,
    Gateway,
    Proxy,
    Refused,
    Tls,
    Way,
)


@pytest.fixture
def upstream() -> Callable[[str], Endpoint | None]:
    """As careless as can be: everything has a genuine server."""
    return lambda host: Endpoint("127.0.0.1", 9)


@pytest.mark.parametrize(
    "destination",
    [ELSEWHERE, "192.0.2.1", "127.0.0.1", "localhost", "[2001:db8::1]", "[::1]", "0.0.0.0"],
)
@pytest.mark.parametrize("port", [443, 80])
def test_a_proxy_refuses_a_tunnel_out_of_scope(
    device: Attached, forgery: Terminate, destination: str, port: int, dials: list[object]
) -> None:
    number = device.arm(forgery, (WEBSITE, Relay()))
    with pytest.raises(Refused, match="403"):
        Proxy(device.surroundings).open(destination, port)
    record = device.record(number)
    host = destination.strip("[]")
    assert (record.wire_class, record.host, record.port) == (WireClass.TCP_ONLY, host, port)
    assert record.note == "out of scope"
    assert device.engine.counters()[f"out of scope: {host}"] == 1
    assert dials == []


@pytest.mark.parametrize(
    "destination", [ELSEWHERE, "192.0.2.1", "127.0.0.1", "localhost", "2001:db8::1", "::1"]
)
@pytest.mark.parametrize("home", [False, True])
def test_a_gateway_refuses_a_connection_out_of_scope(
    device: Attached, forgery: Terminate, destination: str, home: bool, dials: list[object]
) -> None:
    number = device.arm(forgery, (WEBSITE, Relay()))
    around = device.surroundings
    with pytest.raises(Refused, match="NOT_ALLOWED"):
        Gateway(around.home if home else around.rogue).dial(destination)
    record = device.record(number)
    assert (record.wire_class, record.host) == (WireClass.TCP_ONLY, destination)
    assert record.note == "out of scope"
    assert dials == []


def test_a_declared_host_without_a_plan_is_out_of_scope(
    device: Attached, forgery: Terminate, dials: list[object]
) -> None:
    number = device.arm(forgery)
    with pytest.raises(Refused, match="403"):
        Proxy(device.surroundings).open(WEBSITE)
    gateway = Gateway(device.surroundings.rogue)
    with pytest.raises(Refused, match="NOT_ALLOWED"):
        gateway.open(WEBSITE)
    assert [r.host for r in device.records(number)] == [WEBSITE, WEBSITE]
    assert dials == []


def test_nothing_is_armed_at_first(device: Attached, dials: list[object]) -> None:
    number = device.engine.armed(device.id)
    with pytest.raises(Refused, match="403"):
        Proxy(device.surroundings).open(HOST)
    assert device.record(number).note == "out of scope"
    assert dials == []


@pytest.mark.parametrize("name", [ELSEWHERE, None])
def test_the_attackers_own_address_opens_nothing_for_others(
    device: Attached, forgery: Terminate, name: str | None, dials: list[object]
) -> None:
    number = device.arm(forgery)
    plain = Gateway(device.surroundings.rogue).dial(ATTACKER_ADDRESS)
    with Tls(plain, peers.context(), name) as client:
        client.send(client.hello())
        assert peers.ended(plain) == b""
    record = device.record(number)
    assert (record.wire_class, record.host) == (WireClass.HANDSHAKE_REJECTED, name)
    assert (record.sni, record.served_chain) == (name, ())
    assert record.note == "out of scope"
    assert dials == []


@pytest.mark.parametrize("port", [80, 443])
def test_a_request_in_clear_for_others_is_not_kept(
    device: Attached, forgery: Terminate, port: int, dials: list[object]
) -> None:
    number = device.engine.arm(
        device.id, Arming("portal", ((HOST, HostPlan(forgery, cleartext=Plain())),))
    )
    with Gateway(device.surroundings.rogue).dial(ATTACKER_ADDRESS, port) as plain:
        plain.sendall(peers.get_request(ELSEWHERE))
        assert b" 403 " in peers.ended(plain)
    with peers.connect(device.surroundings.proxy) as plain:
        plain.sendall(f"GET http://{ELSEWHERE}:{port}/pin/1234 HTTP/1.1\r\n\r\n".encode())
        assert b" 403 " in peers.ended(plain)
    for record in device.records(number):
        assert (record.host, record.request) == (ELSEWHERE, None)
        assert record.note == "out of scope"
    assert dials == []


def test_bytes_in_clear_down_a_tunnel_without_a_name(
    device: Attached, forgery: Terminate, dials: list[object]
) -> None:
    number = device.arm(forgery)
    with Gateway(device.surroundings.rogue).dial(ATTACKER_ADDRESS) as plain:
        plain.sendall(b"\x80\x01\x02")
        assert peers.ended(plain) == b""
    record = device.record(number)
    assert (record.host, record.client_bytes) == (None, 3)
    assert dials == []


@pytest.mark.parametrize("serving", [Relay(), Plain()])
def test_tls_on_another_port_is_not_opened(
    device: Attached, way: Way, serving: Relay | Plain, dials: list[object]
) -> None:
    plans = ((HOST, HostPlan(Relay(), cleartext=serving)),)
    number = device.engine.arm(device.id, Arming("8443", plans))
    plain = way.open(HOST, 8443)
    with Tls(plain, peers.context()) as client:
        client.send(client.hello())
        assert peers.ended(plain) == b""
    record = device.record(number)
    assert (record.wire_class, record.port) == (WireClass.HANDSHAKE_REJECTED, 8443)
    assert record.note == "no TLS on this port"
    assert dials == []


def test_a_second_request_on_a_proxys_connection_is_not_answered(
    device: Attached, forgery: Terminate
) -> None:
    """It could be for another host than the record tells."""
    number = device.engine.arm(
        device.id, Arming("portal", ((HOST, HostPlan(forgery, cleartext=Plain())),))
    )
    with peers.connect(device.surroundings.proxy) as plain:
        for host in (HOST, ELSEWHERE):
            plain.sendall(f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert peers.ended(plain).count(b"HTTP/1.1") == 1
    assert device.record(number).host == HOST


def test_a_domain_front_is_what_the_route_was_asked_for(
    device: Attached, forgery: Terminate, way: Way
) -> None:
    number = device.arm(forgery, (WEBSITE, Relay()))
    with Tls(way.open(HOST), peers.context(), WEBSITE) as client:
        assert client.handshake().leaf() == forgery.chain[0]
    record = device.record(number)
    assert (record.host, record.sni) == (HOST, WEBSITE)


@pytest.mark.parametrize("opening", [b"\x16\x03\x01", b"\0\1\2\3", b"\x05\x01\0"])
def test_a_proxy_is_spoken_to_in_http(
    device: Attached, forgery: Terminate, opening: bytes, dials: list[object]
) -> None:
    number = device.arm(forgery)
    with peers.connect(device.surroundings.proxy) as plain:
        plain.sendall(opening)
        assert peers.ended(plain) == b""
    record = device.record(number)
    assert (record.wire_class, record.host) == (WireClass.TCP_ONLY, None)
    assert record.note == "no request to a proxy"
    assert dials == []


@pytest.mark.parametrize(
    "opening", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"\x05\x01\x02", b"\x04\x01\0\x50"]
)
def test_a_gateway_is_spoken_to_in_socks(
    device: Attached, forgery: Terminate, opening: bytes, dials: list[object]
) -> None:
    number = device.arm(forgery)
    with peers.connect(device.surroundings.rogue.gateway) as plain:
        plain.sendall(opening)
        plain.shutdown(1)
        peers.ended(plain)
    record = device.record(number)
    assert (record.wire_class, record.host) == (WireClass.TCP_ONLY, None)
    assert record.note is not None
    assert record.note.startswith("no SOCKS5 client: ")
    assert dials == []


def test_names_cannot_fill_the_memory(device: Attached, forgery: Terminate) -> None:
    number = device.arm(forgery)
    proxy = Proxy(device.surroundings)
    for n in range(KEPT_NAMES + 20):
        with pytest.raises(Refused):
            proxy.open(f"host{n}.example")
    with Tls(proxy.open(HOST), peers.context()) as client:
        client.handshake()
    *strangers, own = device.records(number)
    assert len(strangers) == KEPT_STRANGERS
    assert own.host == HOST
    counters = device.engine.counters()
    assert len(counters) <= KEPT_NAMES + 8
    assert counters[OTHERS] >= 20
    assert sum(n for what, n in counters.items() if what.startswith("out of scope")) == (
        KEPT_NAMES + 20
    )
