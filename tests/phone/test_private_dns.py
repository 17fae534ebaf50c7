"""Private DNS with a server of its own, against a real one over TLS."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from dnslib import QTYPE, RR, A, DNSRecord

from lab.loop import LabLoop
from lab.model.device import Endpoint
from lab.network.gateway import Destination, Reply
from lab.phone.means import NetworkSettings
from lab.phone.network import NetworkStack
from lab.phone.services import ConnectError, UnknownHost
from lab.phone.state import PhoneState
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from tests.patience import CAP
from tests.phone.air import Air
from tests.phone.peers import Server, server_context

HOST, RESOLVER = "api.acme.test", "dns.acme.test"
ANSWERED, RESOLVER_ADDRESS = "203.0.113.7", "198.51.100.53"

Reply_ = Callable[[bytes], bytes]


def answer(packet: bytes) -> bytes:
    """Answer every question for an IPv4 address."""
    record = DNSRecord.parse(packet)
    reply = record.reply()
    if record.q.qtype == QTYPE.A:
        reply.add_answer(RR(record.q.qname, QTYPE.A, rdata=A(ANSWERED)))
    packed: bytes = reply.pack()
    return struct.pack(">H", len(packed)) + packed


@pytest.fixture(scope="module")
def loop() -> Iterator[LabLoop]:
    with LabLoop() as loop:
        yield loop


@contextmanager
def phone(
    loop: LabLoop, pki: LabPki, credential: Credential | None = None, reply: Reply_ = answer
) -> Iterator[tuple[NetworkStack, Air]]:
    """A phone whose private resolver answers on port 853."""

    context = server_context(credential or pki.genuine(RESOLVER))

    def serve(plain: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(plain, server_side=True) as sock:
            while head := sock.recv(2):
                (size,) = struct.unpack(">H", head)
                sock.sendall(reply(sock.recv(size)))

    def resolve(name: str, kind: str) -> tuple[str, ...]:
        return (RESOLVER_ADDRESS,) if name == RESOLVER else ()

    with Server(serve) as server:

        def route(destination: Destination) -> Endpoint | Reply:
            private = destination == Destination(RESOLVER_ADDRESS, 853)
            return server.endpoint if private else Reply.REFUSED

        with Air(loop, resolve, route) as air:
            stack = NetworkStack(NetworkSettings(air.network, private_dns=RESOLVER))
            stack.anchors = lambda: (pki.public_root.der,)
            yield stack, air


def test_only_the_private_resolver_is_asked(loop: LabLoop, pki: LabPki) -> None:
    with phone(loop, pki) as (stack, air):
        with pytest.raises(ConnectError, match=f"{HOST}/{ANSWERED}:443"):
            stack.connect(HOST, 443, CAP)
        # Of the network's own resolver, only for where the private one is.
        assert {name for name, _ in air.asked} == {RESOLVER}
        assert air.dialled[-1] == Destination(ANSWERED, 443)


def test_one_that_cannot_prove_its_name(loop: LabLoop, pki: LabPki) -> None:
    for credential in (pki.rogue.issue(RESOLVER), pki.genuine(HOST)):
        with phone(loop, pki, credential) as (stack, _), pytest.raises(UnknownHost):
            stack.connect(HOST, 443, CAP)
    with phone(loop, pki) as (stack, _):
        stack.anchors = tuple
        with pytest.raises(UnknownHost):
            stack.connect(HOST, 443, CAP)


def nothing(_: bytes) -> bytes:
    return b""


def too_long(_: bytes) -> bytes:
    return struct.pack(">H", 65535)


def other(packet: bytes) -> bytes:
    return answer(DNSRecord.question("other.acme.test").pack())


def half(packet: bytes) -> bytes:
    return answer(packet)[:20]


def no_address(packet: bytes) -> bytes:
    packed: bytes = DNSRecord.parse(packet).reply().pack()
    return struct.pack(">H", len(packed)) + packed


@pytest.mark.parametrize("reply", [nothing, too_long, other, half, no_address])
def test_one_that_answers_nothing_of_use(loop: LabLoop, pki: LabPki, reply: Reply_) -> None:
    with phone(loop, pki, reply=reply) as (stack, _), pytest.raises(UnknownHost):
        stack.connect(HOST, 443, 0.3)


def test_one_that_is_not_there(loop: LabLoop, pki: LabPki) -> None:
    with phone(loop, pki) as (stack, air):
        stack.settings = NetworkSettings(air.network, private_dns="none.acme.test")
        with pytest.raises(UnknownHost, match=r'"none\.acme\.test"'):
            stack.connect(HOST, 443, CAP)


def test_settings_decide(tmp_path: Path) -> None:
    state = PhoneState(tmp_path / "home", tmp_path / "air")
    state.put_setting("global", "private_dns_specifier", RESOLVER)
    for mode, server in (("off", ""), ("opportunistic", ""), ("hostname", RESOLVER), (None, "")):
        state.put_setting("global", "private_dns_mode", mode)
        assert state.network.settings.private_dns == server
