"""The door for devices that rewrite addresses themselves (DNAT): only the name tells the host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.backend import Backend
from lab.model.device import Endpoint
from lab.model.serving import Arming, HostPlan, Plain, Relay, Terminate
from lab.model.wire import WireClass
from tests.adversary import peers
from tests.adversary.peers import ELSEWHERE, HOST, Attached, Curl, Direct, Tls


@pytest.fixture
def upstream(backend: Backend) -> Callable[[str], Endpoint | None]:
    return lambda host: backend.addresses().get(host)


@pytest.fixture
def direct(device: Attached) -> Direct:
    return Direct(device.surroundings)


def test_a_forgery_is_served_by_name(
    device: Attached, direct: Direct, forgery: Terminate, fooled_curl: Curl
) -> None:
    number = device.arm(forgery)
    ran = fooled_curl(direct, f"https://{HOST}/")
    assert ran.returncode == 0, ran.stderr
    record = device.record(number)
    assert (record.wire_class, record.host, record.port) == (WireClass.INTERCEPTED, HOST, 443)
    assert record.sni == HOST
    assert record.served_chain == forgery.digests


def test_a_client_with_pins_is_seen_to_refuse(
    device: Attached, direct: Direct, forgery: Terminate, curl: Curl
) -> None:
    number = device.arm(forgery)
    assert curl(direct, f"https://{HOST}/").returncode == 60
    assert device.record(number).wire_class is WireClass.HANDSHAKE_REJECTED


def test_a_host_that_is_relayed_is_not_opened(device: Attached, direct: Direct, curl: Curl) -> None:
    number = device.arm(Relay())
    assert curl(direct, f"https://{HOST}/").returncode == 0
    record = device.record(number)
    assert (record.wire_class, record.host) == (WireClass.RELAYED, HOST)


@pytest.mark.parametrize("name", [ELSEWHERE, None])
def test_other_names_are_not_opened(
    device: Attached, direct: Direct, forgery: Terminate, name: str | None, dials: list[object]
) -> None:
    number = device.arm(forgery)
    plain = direct.open(HOST)
    with Tls(plain, peers.context(), name) as client:
        client.send(client.hello())
        assert peers.ended(plain) == b""
    record = device.record(number)
    assert (record.wire_class, record.host) == (WireClass.HANDSHAKE_REJECTED, name)
    assert record.note == "out of scope"
    assert dials == []


def test_plain_http_has_a_door_of_its_own(
    device: Attached, direct: Direct, forgery: Terminate
) -> None:
    plan = HostPlan(forgery, cleartext=Plain())
    number = device.engine.arm(device.id, Arming("in clear", ((HOST, plan),)))
    with direct.open(HOST, 80) as plain:
        plain.sendall(peers.get_request(HOST))
        assert b" 200 " in peers.ended(plain)
    record = device.record(number)
    assert (record.wire_class, record.host, record.port) == (WireClass.CLEARTEXT, HOST, 80)


def test_listeners_can_be_elsewhere_than_on_the_usual_address(device: Attached) -> None:
    around = device.engine.attach("lan", address="127.0.0.2")
    ends = (around.proxy, around.direct, around.rogue.gateway, around.rogue.resolver)
    assert {end.host for end in ends if end is not None} == {"127.0.0.2"}
    peers.connect(around.proxy).close()
    assert peers.look_up(around.home.resolver, HOST)
