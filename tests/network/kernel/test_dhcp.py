from __future__ import annotations

import dataclasses
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.network.kernel.channel import Channel
from lab.network.kernel.dhcp import Kind, Lease, Malformed, Message, Option, handed_out
from lab.network.kernel.dhcp_server import respond
from lab.network.kernel.member import Member, NoLease
from lab.network.kernel.namespace import Namespace, find_programs, link
from lab.network.kernel.wifi import Place

STATION = bytes.fromhex("025450000001")
LEASE = Lease("192.0.2.10", 24, "192.0.2.1", "192.0.2.2", "lan", "192.0.2.3", 3600)


def lease_of(station: bytes) -> Lease | None:
    return LEASE if station == STATION else None


def answered(kind: Kind, **options: bytes) -> Message | None:
    told = {int(Option[name.upper()]): value for name, value in options.items()}
    return respond(Message(kind, 7, STATION, options=told).pack(), lease_of)


@settings(max_examples=40)
@given(
    kind=st.sampled_from(Kind),
    transaction=st.integers(0, 2**32 - 1),
    station=st.binary(min_size=6, max_size=6),
    yours=st.ip_addresses(v=4).map(str),
    options=st.dictionaries(
        st.integers(1, 254).filter(lambda n: n != Option.KIND), st.binary(max_size=255), max_size=8
    ),
)
def test_what_is_packed_is_read_again(
    kind: Kind, transaction: int, station: bytes, yours: str, options: dict[int, bytes]
) -> None:
    message = Message(kind, transaction, station, is_reply=True, yours=yours, options=options)
    assert Message.parse(message.pack()) == message


@settings(max_examples=40)
@given(st.binary(max_size=600))
def test_garbage_is_malformed(packet: bytes) -> None:
    with pytest.raises(Malformed):
        Message.parse(packet)


@settings(max_examples=60)
@given(st.binary(max_size=80))
def test_garbled_options_are_malformed_or_options(options: bytes) -> None:
    head = Message(Kind.ACK, 1, STATION).pack()[:240]
    try:
        assert Message.parse(head + options).kind in Kind
    except Malformed:
        return


def test_a_lease_is_handed_out_and_read() -> None:
    reply = Message(
        Kind.ACK, 1, STATION, is_reply=True, yours=LEASE.address, options=handed_out(LEASE)
    )
    assert Message.parse(reply.pack()).lease() == LEASE
    for option in (Option.SUBNET, Option.ROUTER, Option.RESOLVER, Option.SERVER):
        left = {number: value for number, value in handed_out(LEASE).items() if number != option}
        with pytest.raises(Malformed):
            dataclasses.replace(reply, options=left).lease()


def test_the_server_offers_and_acknowledges() -> None:
    offer = answered(Kind.DISCOVER)
    assert offer is not None
    assert (offer.kind, offer.transaction, offer.lease()) == (Kind.OFFER, 7, LEASE)
    wanted = socket.inet_aton(LEASE.address)
    acknowledged = answered(Kind.REQUEST, requested=wanted, server=socket.inet_aton(LEASE.server))
    assert acknowledged is not None
    assert (acknowledged.kind, acknowledged.lease()) == (Kind.ACK, LEASE)


def test_another_address_is_not_acknowledged() -> None:
    answer = answered(Kind.REQUEST, requested=socket.inet_aton("192.0.2.99"))
    assert answer is not None
    assert answer.kind is Kind.NAK


@pytest.mark.parametrize("kind", [Kind.RELEASE, Kind.INFORM, Kind.OFFER])
def test_nothing_else_is_answered(kind: Kind) -> None:
    assert answered(kind) is None


def test_who_chose_another_server_is_not_answered() -> None:
    other = socket.inet_aton("192.0.2.77")
    wanted = socket.inet_aton(LEASE.address)
    assert answered(Kind.REQUEST, requested=wanted, server=other) is None


def test_strangers_and_replies_are_not_answered() -> None:
    stranger = Message(Kind.DISCOVER, 1, bytes(6))
    assert respond(stranger.pack(), lease_of) is None
    reply = Message(Kind.DISCOVER, 1, STATION, is_reply=True)
    assert respond(reply.pack(), lease_of) is None
    assert respond(b"nonsense", lease_of) is None


# -- real peers ---------------------------------------------------------------------------


def test_udhcpc_gets_the_lease_of_the_access_point(place: Place, tmp_path: Path) -> None:
    script = tmp_path / "told"
    script.write_text('#!/bin/sh\n[ "$1" = bound ] && echo "$ip $mask $router $dns $domain"\n')
    script.chmod(0o755)
    client = find_programs({"udhcpc": "udhcpc"})["udhcpc"]
    place.namespace.ip("link set wlan0 up")
    done = place.namespace.run([client, "-i", "wlan0", "-n", "-q", "-f", "-s", str(script)])
    assert done.stdout == f"{place.rogue.address} 24 192.168.43.1 192.168.43.1 lan\n"


@contextmanager
def _served_by_dnsmasq(tmp_path: Path) -> Iterator[Namespace]:
    program = find_programs({"dnsmasq": "dnsmasq-base"})["dnsmasq"]
    with Namespace("router") as router, Namespace("station", within=router) as station:
        link(router, "port0", station, "wlan0")
        router.ip("address add 192.0.2.1/24 dev port0", "link set port0 up", "link set lo up")
        argv = [program, "--keep-in-foreground", "--conf-file=/dev/null", "--port=0"]
        argv += ["--interface=port0", "--dhcp-range=192.0.2.50,192.0.2.60,255.255.255.0,1h"]
        argv += ["--dhcp-option=option:dns-server,192.0.2.53", "--domain=cafe", "--no-ping"]
        argv += [
            f"--dhcp-leasefile={tmp_path / 'leases'}",
            "--log-facility=-",
            "--user=",
            "--pid-file=",
        ]
        with router.popen(argv, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            started = any("DHCP, IP range" in line for line in process.stderr)
            assert started
            try:
                yield station
            finally:
                process.terminate()
                process.stderr.close()


def test_the_client_gets_a_lease_from_dnsmasq(tmp_path: Path) -> None:
    with _served_by_dnsmasq(tmp_path) as station:
        member = Member(Channel(station.share()))
        lease = member.join("wlan0")
        shown = station.run(["ip", "-oneline", "-4", "address", "show", "dev", "wlan0"]).stdout
        routes = station.run(["ip", "route"]).stdout
        member.leave()
        left = station.run(["ip", "route"]).stdout
        member.close()
    assert 50 <= int(lease.address.rpartition(".")[2]) <= 60
    assert (lease.prefix, lease.router, lease.resolver, lease.domain, lease.seconds) == (
        (24, "192.0.2.1", "192.0.2.53", "cafe", 3600)
    )
    assert f"{lease.address}/24" in shown
    assert "default via 192.0.2.1" in routes
    assert left == ""


def test_where_nobody_answers_there_is_no_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.network.kernel.member.ANSWER_CAP", 0.01)
    with Namespace("router") as router, Namespace("station", within=router) as station:
        link(router, "port0", station, "wlan0")
        router.ip("link set port0 up")
        member = Member(Channel(station.share()))
        with pytest.raises(NoLease):
            member.join("wlan0")
        with pytest.raises(OSError, match="nowhere"):
            member.join("nowhere")
        member.close()
