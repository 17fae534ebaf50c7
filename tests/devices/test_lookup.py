from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from dnslib import QTYPE, RR, A, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from lab.devices import lookup
from lab.devices.lookup import NotFound, look_up
from lab.loop import LabLoop
from lab.model.device import Endpoint
from lab.network.dns import Answer, Resolver

HOST = "api.acme.test"


Answers = Callable[[DNSRecord], list[bytes]]


class Raw(asyncio.DatagramProtocol):
    """Answers a question with whatever packets a test makes of it."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.peer = addr[0]
        for packet in self._answers(DNSRecord.parse(data)):
            self.transport.sendto(packet, addr)


StartRaw = Callable[[Answers], tuple[Raw, Endpoint]]


@pytest.fixture
def resolver(loop: LabLoop) -> Iterator[Callable[[Answer], Endpoint]]:
    running: list[Resolver] = []

    def started(answer: Answer) -> Endpoint:
        running.append(Resolver(answer))
        return loop.run(running[-1].start())

    yield started
    for each in running:
        loop.loop.call_soon_threadsafe(each.stop)
    loop.run(asyncio.sleep(0))


@pytest.fixture
def raw(loop: LabLoop) -> Iterator[StartRaw]:
    running: list[Raw] = []

    async def start(protocol: Raw) -> Endpoint:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: protocol, local_addr=("127.0.0.1", 0)
        )
        return Endpoint(*transport.get_extra_info("sockname")[:2])

    def started(answers: Answers) -> tuple[Raw, Endpoint]:
        running.append(Raw(answers))
        return running[-1], loop.run(start(running[-1]))

    yield started
    for each in running:
        loop.loop.call_soon_threadsafe(each.transport.close)
    loop.run(asyncio.sleep(0))


def reply(question: DNSRecord, address: str = "198.51.100.1") -> DNSRecord:
    answer = question.reply()
    answer.add_answer(RR(question.q.qname, QTYPE.A, rdata=A(address)))
    return answer


def test_the_first_address_is_taken(resolver: Callable[[Answer], Endpoint]) -> None:
    asked = []

    def answer(name: str, kind: str) -> tuple[str, ...]:
        asked.append((name, kind))
        return ("198.51.100.1", "198.51.100.2")

    assert look_up(resolver(answer), HOST) == "198.51.100.1"
    assert asked == [(HOST, "A")]


def test_a_name_that_does_not_exist(resolver: Callable[[Answer], Endpoint]) -> None:
    with pytest.raises(NotFound, match="NXDOMAIN"):
        look_up(resolver(lambda name, kind: ()), HOST)


def test_a_resolver_that_is_silent(resolver: Callable[[Answer], Endpoint]) -> None:
    with pytest.raises(NotFound, match="TIMEOUT"):
        look_up(resolver(lambda name, kind: None), HOST, cap=0.2)


def test_a_resolver_that_is_not_there(loop: LabLoop) -> None:
    resolver = Resolver(lambda name, kind: None)
    endpoint = loop.run(resolver.start())
    loop.loop.call_soon_threadsafe(resolver.stop)
    loop.run(asyncio.sleep(0))
    with pytest.raises(NotFound, match=r"cannot be reached|TIMEOUT"):
        look_up(endpoint, HOST, cap=1)


@pytest.mark.parametrize("name", ["a" * 64 + ".test", "", ".", "a..b", "x" * 300])
def test_what_is_no_host_name_does_not_get_through(
    resolver: Callable[[Answer], Endpoint], name: str
) -> None:
    with pytest.raises(NotFound):
        look_up(resolver(lambda name, kind: ()), name, cap=0.5)


def test_only_an_answer_to_this_question_counts(raw: StartRaw) -> None:
    def answers(question: DNSRecord) -> list[bytes]:
        forged = reply(question, "203.0.113.66")
        forged.header.id = (question.header.id + 1) % 65536
        other = reply(DNSRecord.question("evil.acme.test"), "203.0.113.66")
        other.header.id = question.header.id
        echo = question.pack()
        return [b"", b"\0" * 11, forged.pack(), other.pack(), echo, reply(question).pack()]

    _, endpoint = raw(answers)
    assert look_up(endpoint, HOST) == "198.51.100.1"


@pytest.mark.parametrize(("status", "said"), [(2, "SERVFAIL"), (5, "REFUSED"), (13, "status 13")])
def test_a_status_is_named(raw: StartRaw, status: int, said: str) -> None:
    def answers(question: DNSRecord) -> list[bytes]:
        answer = reply(question)
        answer.header.rcode = status
        return [answer.pack()]

    _, endpoint = raw(answers)
    with pytest.raises(NotFound, match=said):
        look_up(endpoint, HOST)


def test_an_answer_without_an_address(raw: StartRaw) -> None:
    _, endpoint = raw(lambda question: [question.reply().pack()])
    with pytest.raises(NotFound, match="no address"):
        look_up(endpoint, HOST)


def test_the_question_comes_from_the_devices_own_address(raw: StartRaw) -> None:
    server, endpoint = raw(lambda question: [reply(question).pack()])
    look_up(endpoint, HOST, source="127.0.0.1")
    assert server.peer == "127.0.0.1"


@given(st.binary(max_size=80))
def test_any_packet_is_an_answer_or_dropped(packet: bytes) -> None:
    question = DNSRecord.question(HOST)
    found = lookup._answer(packet, question)
    assert found is None or found.header.id == question.header.id
