"""What no developer tool would send into the tunnel: each is refused in time, and leaves nothing
behind."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from lab.phone.ios.remote.archive import archive
from lab.phone.ios.remote.dtx import HEADER, MAGIC, Kind, Message, packed
from lab.phone.ios.remote.hub import CAPABILITIES
from lab.phone.ios.remote.way import HUB
from tests.patience import CAP, eventually
from tests.phone.ios.cable import QUICK
from tests.phone.ios.peer import Peer, raw
from tests.phone.ios.peer import packed as plist
from tests.phone.ios.remote.test_tunnel import CHECK_IN, PROXY, asked
from tests.phone.ios.remote.tunnelled import Dtx, Tunnelled, threads, tunnelled

LATE = "the peer took too long"
NO_HEADER = "bytes that are no DTX header"
GREETING = packed(Message(Kind.CALL, CAPABILITIES, ({},), 1))


def head(
    length: int, index: int = 0, count: int = 1, identifier: int = 2, magic: int = MAGIC
) -> bytes:
    return HEADER.pack(magic, 32, index, count, length, identifier, 0, 0, 1)


def body(content: bytes) -> bytes:
    return head(len(content)) + content


DTX = {
    "nothing": (b"", LATE),
    "half a header": (GREETING[:20], LATE),
    "a header only": (GREETING[:32], LATE),
    "a message that breaks off": (GREETING[:-1], LATE),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: phone\r\nX: y\r\n\r\n", NO_HEADER),
    "TLS": (bytes.fromhex("160301") + bytes(60), NO_HEADER),
    "a property list": (plist(CHECK_IN), NO_HEADER),
    "noise": (os.urandom(32).replace(b"\x79", b"\0"), NO_HEADER),
    "an absurd length": (head(2**32 - 1), "more than 1048576"),
    "a length just over the limit": (head(1024 * 1024 + 1), "more than 1048576"),
    "no fragments": (head(0, count=0), "fragment 0 of 0"),
    "more fragments than any": (head(9, count=60000), "fragment 0 of 60000"),
    "fragments out of order": (
        head(9, count=3) + head(0, index=2, count=3),
        "fragments that are out of order",
    ),
    "a fragment of another message": (
        head(9, count=3) + head(0, index=1, count=3, identifier=9),
        "fragments that are out of order",
    ),
    "fragments that never end": (head(9, count=3) + head(4, index=1, count=3) + b"1234", LATE),
    "an endless message in fragments": (
        head(0, count=9) + b"".join(head(200_000, i, 9) + bytes(200_000) for i in range(1, 8)),
        "of more than 1048576 bytes",
    ),
    "no payload": (body(b""), "without a payload"),
    "lengths that disagree": (body(struct.pack("<IIQ", 2, 0, 99)), "0 bytes that says 99"),
    "a compressed message": (body(struct.pack("<IIQ", 0x2002, 0, 0)), "is compressed"),
    "another kind": (body(struct.pack("<IIQ", 77, 0, 0)), "a message of kind 77"),
    "no archive": (body(struct.pack("<IIQ", 2, 0, 4) + b"abcd"), "no property list"),
    "a number for a selector": (packed(Message(Kind.CALL, 5, (), 1)), "without a selector"),
    "no selector": (packed(Message(Kind.CALL, None, (), 1)), "without a selector"),
    "a class that is no value": (
        body(
            struct.pack("<IIQ", 2, 0, len(archive([])))
            + archive([]).replace(b"NSArray", b"NSArrax")
        ),
        "an archive with a NSArrax",
    ),
}
SHIM = {
    "nothing": (b"", LATE),
    "half a length": (plist(CHECK_IN)[:2], LATE),
    "a check-in that breaks off": (plist(CHECK_IN)[:-4], LATE),
    "an absurd length": (raw(b"", length=2**32 - 1), "more than 1048576"),
    "no property list": (raw(b"RSDCheckin"), "no property list"),
    "DTX": (GREETING, "more than 1048576"),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", "more than 1048576"),
    "a command before the check-in": (plist({"Command": "Browse"}), "does not check in"),
    "another request": (plist({"Request": "StartSession"}), "does not check in"),
    "a request that is no text": (plist({"Request": 5}), "does not check in"),
    "a broken command behind it": (plist(CHECK_IN) + raw(b"x"), "no property list"),
}
REGISTRY = {
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(60),
    "a property list": plist(CHECK_IN),
    "no HTTP": b"hello\r\n\r\n",
    "a head without an end": b"GET /" + b"x" * 20_000,
    "a body without a length": b"POST /remotexpc/tunnels HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "half a request": b"GET /remotexpc/tunnels HTTP/1.1\r\nHost",
}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tunnelled]:
    """A phone that is soon tired of waiting."""
    before = threads()
    with tunnelled(tmp_path_factory.mktemp("phone"), QUICK) as made:
        yield made
    assert eventually(lambda: threads() <= before), threads() - before


class Hostile(Peer):
    def __init__(self, address: tuple[str, int]) -> None:
        self.sock: socket.socket = socket.socket()
        self.sock.settimeout(CAP)
        # What it does not read fills up soon.
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect(address)


def last_word(phone: Tunnelled) -> str:
    return phone.handset.said().splitlines()[-1]


def is_well(phone: Tunnelled) -> bool:
    with phone.hub() as dtx:
        return dtx.ask(0, "unknown").kind is Kind.FAILED


ANSWERED = [
    # By name: bytes would be different ones in each process that collects the tests.
    *(pytest.param(HUB, *it, id=f"DTX: {said}") for said, it in DTX.items() if it[1] != LATE),
    *(pytest.param(PROXY, *it, id=f"shim: {said}") for said, it in SHIM.items() if it[1] != LATE),
]


@pytest.mark.parametrize(("name", "content", "why"), ANSWERED)
def test_the_services_refuse(quick: Tunnelled, name: str, content: bytes, why: str) -> None:
    with Hostile((quick.address, quick.way.ports[name])) as peer:
        peer.sock.sendall(content)
        assert peer.was_closed()
    assert eventually(lambda: f"{name}: " in last_word(quick) and why in last_word(quick))
    assert is_well(quick)


def test_the_services_do_not_wait_for_the_rest(quick: Tunnelled) -> None:
    """All at once, as each takes its time."""
    unfinished = [(HUB, content) for content, why in DTX.values() if why == LATE]
    unfinished += [(PROXY, content) for content, why in SHIM.values() if why == LATE]
    with ExitStack() as stack:
        peers = [
            stack.enter_context(Hostile((quick.address, quick.way.ports[name])))
            for name, _ in unfinished
        ]
        for peer, (_, content) in zip(peers, unfinished, strict=True):
            peer.sock.sendall(content)
        assert all(peer.was_closed() for peer in peers)
    assert eventually(lambda: quick.handset.said().count(LATE) >= len(unfinished))
    assert is_well(quick)


@pytest.mark.parametrize("content", REGISTRY.values(), ids=REGISTRY)
def test_the_registry_refuses(quick: Tunnelled, content: bytes) -> None:
    with Hostile(("127.0.0.1", quick.way.registry_port)) as peer:
        peer.sock.sendall(content)
        if content.endswith(b"Host"):
            peer.sock.shutdown(socket.SHUT_WR)
        assert peer.was_closed()
    assert asked(quick, "/remotexpc/tunnels")[0] == 200


def test_who_asks_for_a_lot_and_reads_nothing_is_let_go(quick: Tunnelled) -> None:
    question = packed(Message(Kind.CALL, "x" * 200, (), 5, 0, 0, expects_reply=True))
    with Hostile((quick.address, quick.way.ports[HUB])) as peer:
        with suppress(OSError):
            for _ in range(1000):
                peer.sock.sendall(question * 100)
        assert peer.was_closed()
    assert is_well(quick)


def test_connections_are_limited_and_let_go(tmp_path: Path) -> None:
    with tunnelled(tmp_path) as phone:
        descriptors = psutil.Process().num_fds()
        peers = [Hostile((phone.address, phone.way.ports[HUB])) for _ in range(70)]
        assert eventually(lambda: "64 connections already" in phone.handset.said())
        for peer in peers:
            peer.sock.close()
        assert eventually(lambda: psutil.Process().num_fds() <= descriptors)
        with Dtx(phone.connect(HUB)) as dtx:
            assert dtx.greet().value == CAPABILITIES
