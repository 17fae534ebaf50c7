"""The adversary as a network of the kernel's: what devices that know nothing of it come to."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lab.adversary.around import Around
from lab.adversary.engine import Engine
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
    Terminate,
)
from lab.model.wire import WireClass
from lab.network.kernel.wifi import KernelWifi
from lab.phone.resolver import resolve
from tests.adversary.inhabitants import Inhabitant, joined
from tests.adversary.peers import HOST
from tests.patience import CAP

REFUSE = Interfere(Interference.REFUSE)
ELSEWHERE = "192.0.2.99"
"""An address that stands for nobody."""


def test_every_way_out_leads_to_the_adversary(
    inhabitant: Inhabitant, forgery: Terminate, fooled_root: Path
) -> None:
    number = inhabitant.arm(HostPlan(forgery, dns=DnsLie.ATTACKER_ADDRESS))
    trusting = ("--cacert", str(fooled_root))
    # By name; by an address that is dialled without asking anybody; on another port.
    assert inhabitant.curl(f"https://{HOST}/", *trusting) == 0
    past_dns = ("--resolve", f"{HOST}:443:{ELSEWHERE}")
    assert inhabitant.curl(f"https://{HOST}/", *trusting, *past_dns) == 0
    seen = inhabitant.seen(number)
    assert [(c.host, c.port, c.wire_class) for c in seen] == [
        (HOST, 443, WireClass.INTERCEPTED)
    ] * 2
    assert {c.peer.rpartition(":")[0] for c in seen} == {inhabitant.place.rogue.address}
    assert not any(c.foreign for c in seen)
    assert (inhabitant.engine.crossed("phone", number) or 0) > 10
    (lookup,) = {
        (each.name, each.answer)
        for each in inhabitant.engine.lookups("phone", number)
        if each.kind == "A"
    }
    assert lookup == (HOST, ATTACKER_ADDRESS)


def test_ipv6_leads_to_the_adversary_too(
    inhabitant: Inhabitant, forgery: Terminate, fooled_root: Path
) -> None:
    number = inhabitant.arm(HostPlan(forgery, dns=DnsLie.ATTACKER_ADDRESS_6))
    trusting = ("--cacert", str(fooled_root))
    assert inhabitant.curl(f"https://{HOST}/", *trusting) == 0
    past_dns = ("--resolve", f"{HOST}:443:[2001:db8:ffff::1]")
    assert inhabitant.curl(f"https://{HOST}/", *trusting, *past_dns) == 0
    seen = inhabitant.seen(number)
    assert [(c.host, c.wire_class, c.foreign) for c in seen] == [
        (HOST, WireClass.INTERCEPTED, False)
    ] * 2
    assert all(c.peer.startswith("2001:db8:") for c in seen)


def test_an_honest_client_refuses_what_it_is_led_to(
    inhabitant: Inhabitant, forgery: Terminate, root: Path
) -> None:
    number = inhabitant.arm(HostPlan(forgery))
    assert inhabitant.curl(f"https://{HOST}/", "--cacert", str(root)) == 60
    assert [c.wire_class for c in inhabitant.seen(number)] == [WireClass.HANDSHAKE_REJECTED]


def test_a_closed_port_is_refused_and_seen(inhabitant: Inhabitant) -> None:
    number = inhabitant.arm(HostPlan(REFUSE, cleartext=Plain(HttpAnswer(200, (), b"hi"))))
    assert inhabitant.curl(f"https://{HOST}/") == 7
    assert inhabitant.curl(f"http://{HOST}/") == 0
    refused, clear = inhabitant.seen(number)
    assert (refused.host, refused.port, refused.wire_class) == (HOST, 443, WireClass.TCP_ONLY)
    assert refused.note == "refused by the network"
    assert (clear.port, clear.wire_class) == (80, WireClass.CLEARTEXT)
    # And is open again under the next arming.
    number = inhabitant.arm(HostPlan(Plain(HttpAnswer(200, (), b"hi")), cleartext=REFUSE))
    assert inhabitant.curl(f"http://{HOST}/") == 7
    assert inhabitant.curl(f"https://{HOST}/") == 35


def test_other_resolvers_are_the_same_one(inhabitant: Inhabitant, forgery: Terminate) -> None:
    inhabitant.arm(HostPlan(forgery, dns=DnsLie.ATTACKER_ADDRESS))
    sockets = inhabitant.place.namespace.socket
    assert resolve(HOST, Endpoint(ELSEWHERE, 53), CAP, make=sockets) == (ATTACKER_ADDRESS,)


def test_http3_is_refused_at_once_and_counted(wifi: KernelWifi, inhabitant: Inhabitant) -> None:
    with inhabitant.place.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(CAP)
        sock.connect((ELSEWHERE, 443))
        sock.send(b"Initial")
        with pytest.raises(ConnectionRefusedError):
            sock.recv(1)
    assert wifi.rogue.counters()["quic"] == 1
    assert inhabitant.engine.around("phone", inhabitant.engine.armed("phone")) == {Around.QUIC: 1}


def test_private_dns_is_refused_at_once_and_counted(
    inhabitant: Inhabitant, forgery: Terminate
) -> None:
    number = inhabitant.arm(HostPlan(forgery))
    for address in (ELSEWHERE, "[2001:db8:ffff::1]"):
        other = ("--resolve", f"dns.example:853:{address}", "--insecure")
        assert inhabitant.curl("https://dns.example:853/", *other) == 7
    assert inhabitant.seen(number) == []
    assert inhabitant.engine.around("phone", number) == {Around.PRIVATE_DNS: 2}
    assert inhabitant.engine.around("phone", number + 1) == {}


def test_what_is_not_declared_is_listed_and_not_opened(
    inhabitant: Inhabitant, forgery: Terminate, fooled_root: Path
) -> None:
    number = inhabitant.arm(HostPlan(forgery))
    other = ("--resolve", f"bank.example:443:{ELSEWHERE}", "--insecure")
    assert inhabitant.curl("https://bank.example/", *other) == 35
    assert [c.client_bytes for c in inhabitant.seen(number)] == [0]
    assert inhabitant.engine.counters()["out of scope: bank.example"] == 1


def test_two_devices_on_one_access_point_are_told_apart(
    engine: Engine, wifi: KernelWifi, forgery: Terminate, fooled_root: Path
) -> None:
    trusting = ("--cacert", str(fooled_root))
    with joined(engine, wifi, "one") as one, joined(engine, wifi, "two") as two:
        first, second = one.arm(HostPlan(forgery)), two.arm(HostPlan(REFUSE))
        assert one.curl(f"https://{HOST}/", *trusting) == 0
        assert two.curl(f"https://{HOST}/", *trusting) == 7
        assert [c.wire_class for c in one.seen(first)] == [WireClass.INTERCEPTED]
        assert [c.wire_class for c in two.seen(second)] == [WireClass.TCP_ONLY]


def test_connections_end_where_a_network_is_left(
    engine: Engine, wifi: KernelWifi, forgery: Terminate
) -> None:
    with wifi.admitted("phone") as place:
        around = engine.attach("phone", place=place)
        number = engine.arm("phone", Arming("test", ((HOST, HostPlan(forgery)),)))
        member = place.member()
        member.join("wlan0")
        with member.socket(socket.AF_INET, socket.SOCK_STREAM) as opened:
            opened.settimeout(CAP)
            opened.connect((ELSEWHERE, 443))
            assert around.home.interface is not None
            member.join(around.home.interface)
            with pytest.raises(ConnectionError):
                opened.recv(1)
        (record,) = engine.settle("phone", number)
        assert record.closed_at is not None
        member.close()
        engine.detach("phone")
