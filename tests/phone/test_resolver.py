from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from dnslib import AAAA, CNAME, QTYPE, RCODE, RR, A, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from lab.loop import LabLoop
from lab.model.device import Endpoint
from lab.network.dns import Resolver
from lab.phone.resolver import is_address, question, read_answer, resolve
from lab.phone.services import Cancellation, Cancelled, UnknownHost
from tests.patience import CAP, LONG, eventually, not_waiting
from tests.phone.air import Datagrams

HOST = "api.acme.test"


@pytest.fixture(scope="module")
def loop() -> Iterator[LabLoop]:
    with LabLoop() as loop:
        yield loop


def reply_to(packet: bytes, *records: RR, rcode: int = RCODE.NOERROR) -> bytes:
    reply = DNSRecord.parse(packet).reply()
    reply.header.rcode = rcode
    for record in records:
        reply.add_answer(record)
    return bytes(reply.pack())


def a(address: str, name: str = HOST) -> RR:
    return RR(name, QTYPE.A, ttl=1, rdata=A(address))


def alias(name: str, target: str) -> RR:
    return RR(name, QTYPE.CNAME, ttl=1, rdata=CNAME(target))


def test_the_labs_own_resolver(loop: LabLoop) -> None:
    known = {HOST: ("127.0.0.5", "127.0.0.6")}
    resolver = Resolver(lambda name, _: known.get(name, ()))
    endpoint = loop.run(_start(resolver))
    try:
        assert resolve(HOST, endpoint, 2) == ("127.0.0.5", "127.0.0.6")
        assert resolve("API.Acme.Test.", endpoint, 2) == ("127.0.0.5", "127.0.0.6")
        with pytest.raises(UnknownHost, match=r'Unable to resolve host "no\.acme\.test"'):
            resolve("no.acme.test", endpoint, 2)
    finally:
        loop.loop.call_soon_threadsafe(resolver.stop)


async def _start(resolver: Resolver) -> Endpoint:
    return await resolver.start()


def test_ipv6_where_there_is_no_ipv4() -> None:
    asked: list[int] = []

    def reply(packet: bytes) -> list[bytes]:
        kind = DNSRecord.parse(packet).q.qtype
        asked.append(kind)
        records = [RR(HOST, QTYPE.AAAA, rdata=AAAA("::1"))] if kind == QTYPE.AAAA else []
        return [reply_to(packet, *records)]

    with Datagrams(reply) as server:
        assert resolve(HOST, server.endpoint, 2) == ("::1",)
    assert asked == [QTYPE.A, QTYPE.AAAA]


@pytest.mark.parametrize("rcode", [RCODE.NXDOMAIN, RCODE.SERVFAIL, RCODE.REFUSED])
def test_a_refusal_is_an_unknown_host(rcode: int) -> None:
    with (
        Datagrams(lambda packet: [reply_to(packet, rcode=rcode)]) as server,
        pytest.raises(UnknownHost),
    ):
        resolve(HOST, server.endpoint, CAP)


def test_silence_and_nobody_there() -> None:
    with Datagrams(lambda _: []) as server:
        began = time.monotonic()
        with pytest.raises(UnknownHost):
            resolve(HOST, server.endpoint, 0.2)
        assert time.monotonic() - began >= 0.2
    with pytest.raises(UnknownHost):
        resolve(HOST, server.endpoint, 0.2)


def test_answers_to_other_questions_are_passed_over() -> None:
    def reply(packet: bytes) -> list[bytes]:
        right = reply_to(packet, a("127.0.0.5"))
        other_id = bytes([packet[0] ^ 1]) + reply_to(packet, a("127.0.0.66"))[1:]
        other = DNSRecord.parse(packet)
        other_name = DNSRecord.question("evil.acme.test")
        other_name.header.id = other.header.id
        other_kind = DNSRecord.question(HOST, "AAAA")
        other_kind.header.id = other.header.id
        return [
            other_id,
            reply_to(other_name.pack(), a("127.0.0.66")),
            reply_to(other_kind.pack(), a("127.0.0.66")),
            packet,
            b"garbage",
            b"\x00" * 12,
            right,
        ]

    with Datagrams(reply) as server:
        assert resolve(HOST, server.endpoint, 2) == ("127.0.0.5",)


def test_packets_from_elsewhere_do_not_count() -> None:
    told = threading.Event()
    asked: list[bytes] = []

    def reply(packet: bytes) -> list[bytes]:
        asked.append(packet)
        told.wait(CAP)
        return [reply_to(packet, a("127.0.0.5"))]

    with Datagrams(reply) as server:
        found: list[tuple[str, ...]] = []
        thread = threading.Thread(target=lambda: found.append(resolve(HOST, server.endpoint, CAP)))
        thread.start()
        assert eventually(lambda: asked)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
            # Every port that the question could have come from is not needed: one is known.
            port = server.ports[0]
            forger.sendto(reply_to(asked[0], a("127.0.0.66")), ("127.0.0.1", port))
        told.set()
        thread.join(CAP)
    assert found == [("127.0.0.5",)]


def test_aliases() -> None:
    records = [alias(HOST, "b.test"), alias("b.test", "C.test."), a("127.0.0.7", "c.test")]
    for order in (records, records[::-1]):
        with Datagrams(lambda packet, order=order: [reply_to(packet, *order)]) as server:  # type: ignore[misc]
            assert resolve(HOST, server.endpoint, 2) == ("127.0.0.7",)


@pytest.mark.parametrize(
    "records",
    [
        [],
        [alias(HOST, HOST)],
        [alias(HOST, "b.test"), alias("b.test", HOST)],
        [alias(f"{n}.test" if n else HOST, f"{n + 1}.test") for n in range(40)]
        + [a("127.0.0.66", "40.test")],
        [a("127.0.0.66", "evil.acme.test")],
        [alias(HOST, "b.test"), a("127.0.0.66", "c.test")],
    ],
)
def test_answers_that_lead_nowhere(records: list[RR]) -> None:
    with (
        Datagrams(lambda packet: [reply_to(packet, *records)]) as server,
        pytest.raises(UnknownHost),
    ):
        resolve(HOST, server.endpoint, 2)


@given(packet=st.binary(max_size=100), keep=st.integers(0, 40))
def test_no_packet_makes_trouble(packet: bytes, keep: int) -> None:
    asked = question(HOST, QTYPE.A, 7)
    for received in (packet, reply_to(asked, a("127.0.0.5"))[:keep] + packet):
        try:
            found = read_answer(received, HOST, QTYPE.A, 7)
        except UnknownHost:
            continue
        assert found is None or isinstance(found, tuple)


@pytest.mark.parametrize("host", ["", "a..b", "x" * 70 + ".test", "x." * 200, "a\0b", "\ud800"])
def test_names_that_cannot_be_asked_for(host: str) -> None:
    with Datagrams(lambda packet: [reply_to(packet)]) as server, pytest.raises(UnknownHost):
        resolve(host, server.endpoint, 0.3)


def test_the_source_of_a_question() -> None:
    with Datagrams(lambda packet: [reply_to(packet, a("127.0.0.5"))]) as server:
        for source, seen in ((None, "127.0.0.1"), ("127.0.0.9", "127.0.0.9")):
            resolve(HOST, server.endpoint, 2, source)
            assert server.sources[-1] == seen
        # An address that this machine does not have.
        resolve(HOST, server.endpoint, 2, "192.0.2.1")


def test_cancelling() -> None:
    cancellation = Cancellation()

    def fire(_: bytes) -> list[bytes]:
        cancellation.fire()
        return []

    with Datagrams(fire) as server, pytest.raises(Cancelled), not_waiting():
        resolve(HOST, server.endpoint, LONG, cancellation=cancellation)


def test_addresses() -> None:
    assert [is_address(text) for text in ("127.0.0.1", "::1", "localhost", "1.2.3", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
