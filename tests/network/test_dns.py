from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from dnslib import CLASS, OPCODE, QTYPE, RCODE, DNSHeader, DNSQuestion, DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from lab.loop import LabLoop
from lab.model.device import Endpoint
from lab.network.dns import TTL, Resolver, respond
from tests.patience import CAP


def addresses(name: str, kind: str) -> tuple[str, ...] | None:
    return {
        "two.test": ("192.0.2.1", "192.0.2.2"),
        "six.test": ("2001:db8::1",),
        "both.test": ("192.0.2.1", "2001:db8::1"),
        "none.test": (),
        "silent.test": None,
    }.get(name, ("192.0.2.9",))


@pytest.fixture(scope="module")
def loop() -> Iterator[LabLoop]:
    with LabLoop() as running:
        yield running


@pytest.fixture
def resolver(loop: LabLoop) -> Iterator[Endpoint]:
    made = Resolver(addresses)
    yield loop.run(made.start())

    async def stop() -> None:
        made.stop()
        made.stop()

    loop.run(stop())


def ask(resolver: Endpoint, question: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(CAP)
        plain.connect((resolver.host, resolver.port))
        plain.send(question)
        return plain.recv(4096)


def test_addresses(resolver: Endpoint) -> None:
    question = DNSRecord.question("Two.TEST.", "A")
    reply = DNSRecord.parse(ask(resolver, question.pack()))
    assert reply.header.id == question.header.id
    assert (reply.header.qr, reply.header.rcode) == (1, RCODE.NOERROR)
    assert [str(rr.rdata) for rr in reply.rr] == ["192.0.2.1", "192.0.2.2"]
    assert {rr.ttl for rr in reply.rr} == {TTL}
    assert {str(rr.rname) for rr in reply.rr} == {"Two.TEST."}


def test_no_such_name(resolver: Endpoint) -> None:
    reply = DNSRecord.parse(ask(resolver, DNSRecord.question("none.test").pack()))
    assert (reply.header.rcode, reply.rr) == (RCODE.NXDOMAIN, [])


@pytest.mark.parametrize("kind", ["AAAA", "HTTPS", "TXT", "ANY", "MX"])
def test_other_types_have_no_data(resolver: Endpoint, kind: str) -> None:
    reply = DNSRecord.parse(ask(resolver, DNSRecord.question("two.test", kind).pack()))
    assert (reply.header.rcode, reply.rr) == (RCODE.NOERROR, [])


def test_silence_and_garbage_are_not_answered(resolver: Endpoint) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(CAP)
        plain.connect((resolver.host, resolver.port))
        unanswered = [
            DNSRecord.question("silent.test").pack(),
            DNSRecord.question("two.test").reply().pack(),
            DNSRecord(DNSHeader(id=1)).pack(),
            b"",
            b"\0" * 12,
            b"GET / HTTP/1.1\r\n\r\n",
            b"\xff" * 600,
            DNSRecord.question("two.test").pack().replace(b"two", b"\xff\xfe\xfd"),
            # A compression pointer to itself.
            b"\0\1\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1",
        ]
        for packet in unanswered:
            plain.send(packet)
        last = DNSRecord.question("two.test")
        plain.send(last.pack())
        assert DNSRecord.parse(plain.recv(4096)).header.id == last.header.id


def test_two_questions_at_once_are_none(resolver: Endpoint) -> None:
    double = DNSRecord.question("two.test")
    double.add_question(DNSQuestion("none.test"))
    assert respond(double.pack(), addresses) is None


def test_a_stopped_resolver_is_gone(loop: LabLoop) -> None:
    resolver = Resolver(addresses)
    endpoint = loop.run(resolver.start())

    async def stop() -> None:
        resolver.stop()

    loop.run(stop())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(CAP)
        plain.connect((endpoint.host, endpoint.port))
        plain.send(DNSRecord.question("two.test").pack())
        with pytest.raises(ConnectionRefusedError):
            plain.recv(4096)


questions = st.builds(
    lambda id, labels, kind, klass, opcode: DNSRecord(
        DNSHeader(id=id, opcode=opcode),
        q=DNSQuestion([label.encode() for label in ("a", *labels)], kind, klass),
    ).pack(),
    st.integers(0, 0xFFFF),
    st.lists(st.text(st.characters(codec="ascii"), min_size=1, max_size=20), max_size=4),
    st.integers(0, 0xFFFF),
    st.sampled_from(list(CLASS.forward)),
    st.sampled_from(list(OPCODE.forward)),
)


@given(questions)
def test_every_question_gets_a_reply_that_is_one(question: bytes) -> None:
    asked: list[tuple[str, str]] = []

    def answer(name: str, kind: str) -> tuple[str, ...]:
        asked.append((name, kind))
        return ("192.0.2.9",)

    reply = respond(question, answer)
    assert reply is not None
    parsed = DNSRecord.parse(reply)
    assert parsed.header.id == int.from_bytes(question[:2], "big")
    assert parsed.header.qr == 1
    ((name, _),) = asked
    assert name == name.lower()
    assert len(parsed.rr) == (parsed.q.qtype == QTYPE.A)


@given(
    st.binary(max_size=80)
    | st.tuples(questions, st.lists(st.tuples(st.integers(0, 99), st.integers(0, 255)))).map(
        lambda pair: bytes(
            {place % len(pair[0]): value for place, value in pair[1]}.get(i, byte)
            for i, byte in enumerate(pair[0])
        )
    )
)
def test_no_packet_makes_trouble(packet: bytes) -> None:
    reply = respond(packet, addresses)
    assert reply is None or reply[:2] == packet[:2]


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("six.test", "AAAA", ["2001:db8::1"]),
        ("six.test", "A", []),
        ("two.test", "AAAA", []),
        ("both.test", "A", ["192.0.2.1"]),
        ("both.test", "AAAA", ["2001:db8::1"]),
        ("both.test", "MX", []),
    ],
)
def test_each_kind_of_question_has_its_addresses(name: str, kind: str, told: list[str]) -> None:
    packet = respond(DNSRecord.question(name, kind).pack(), addresses)
    assert packet is not None
    reply = DNSRecord.parse(packet)
    # A name without an address of that kind is a name all the same (RFC 2308 section 2.2).
    assert reply.header.rcode == RCODE.NOERROR
    assert [str(record.rdata) for record in reply.rr] == told


def test_what_is_held_back_comes_after_what_was_asked_later(loop: LabLoop) -> None:
    made = Resolver(addresses, lambda name: 0.3 if name == "two.test" else 0.0)
    resolver = loop.run(made.start())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(CAP)
        plain.connect((resolver.host, resolver.port))
        for name in ("two.test", "other.test"):
            plain.send(DNSRecord.question(name).pack())
        replies = [DNSRecord.parse(plain.recv(4096)) for _ in range(2)]
    assert [str(reply.q.qname) for reply in replies] == ["other.test.", "two.test."]
    assert [str(rr.rdata) for rr in replies[1].rr] == ["192.0.2.1", "192.0.2.2"]

    async def stop() -> None:
        made.stop()

    loop.run(stop())
