from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.model.device import Endpoint
from lab.model.wire import ConnectionRecord, Crossing, WireClass
from lab.network.kernel.segments import Conversation, conversations, paired, segment
from tests.network.kernel.frames import (
    ACK,
    CLIENT,
    OVER_6,
    RST,
    SERVER,
    SYN,
    frame,
    spoken,
    tcp,
)

OTHER = Endpoint("192.168.43.10", 40001)


def only(frames: list[bytes]) -> Conversation:
    (found,) = conversations(frames)
    return found


@pytest.mark.parametrize("ends", [(CLIENT, SERVER), OVER_6])
def test_what_both_ends_said(ends: tuple[Endpoint, Endpoint]) -> None:
    found = only(spoken(b"question", b"answer", *ends))
    assert (found.client, found.server) == ends
    assert (found.up.content(), found.down.content()) == (b"question", b"answer")
    assert found.crossing == Crossing((3, 2), (8, 6))


def test_padding_of_ethernet_is_not_said() -> None:
    # A frame has 60 bytes at least.
    found = only([tcp(flags=SYN), tcp(number=1, said=b"x") + bytes(6)])
    assert found.up.content() == b"x"


@given(
    st.binary(min_size=1, max_size=300),
    st.integers(0, (1 << 32) - 1),
    st.lists(st.integers(1, 60), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_order_and_repetition_do_not_matter(
    said: bytes, begin: int, sizes: list[int], chance: random.Random
) -> None:
    pieces: list[tuple[int, bytes]] = []
    at = 0
    while at < len(said):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append((at, said[at : at + size]))
        at += size
    pieces += [(at, said[at : at + 7]) for at, _ in pieces if chance.random() < 0.3]
    chance.shuffle(pieces)
    numbers = [((begin + 1 + at) % (1 << 32), piece) for at, piece in pieces]
    frames = [tcp(number=number, said=piece) for number, piece in numbers]
    found = only([tcp(flags=SYN, number=begin), *frames])
    assert found.up.content() == said
    assert found.up.is_whole
    assert found.up.packets == 1 + len(frames)


def test_what_is_missing_is_known() -> None:
    found = only([tcp(flags=SYN), tcp(number=1, said=b"one"), tcp(number=9, said=b"two")])
    assert found.up.content() == b"one"
    assert not found.up.is_whole


def test_a_port_that_is_used_again_is_another_connection() -> None:
    first, second = conversations([*spoken(b"a", b"b"), *spoken(b"cc", b"dd")])
    assert (first.up.content(), second.up.content()) == (b"a", b"cc")


def test_a_first_packet_that_was_sent_twice_is_one_connection() -> None:
    assert only([tcp(flags=SYN), tcp(flags=SYN)]).up.packets == 2


def test_without_its_beginning_it_is_none() -> None:
    assert conversations([tcp(flags=ACK, said=b"x"), tcp(SERVER, CLIENT, flags=RST)]) == []


@given(st.binary(max_size=120), st.integers(0, 60))
def test_no_frame_makes_trouble(junk: bytes, cut: int) -> None:
    for odd in (junk, tcp(said=b"abc")[:cut], tcp(said=b"abc")[: 14 + cut] + junk):
        one = segment(odd)
        assert one is None or one.payload in odd


@pytest.mark.parametrize("other", [frame(kind=0x0806), frame(protocol=17), b""])
def test_other_frames_are_no_segments(other: bytes) -> None:
    assert segment(other) is None


def _record(id: int, peer: Endpoint) -> ConnectionRecord:
    return ConnectionRecord(id, "phone", 1, str(peer), None, 443, WireClass.TCP_ONLY)


def test_records_find_their_connections() -> None:
    seen = conversations([*spoken(b"a", b""), *spoken(b"b", b"", client=OTHER), *spoken(b"c", b"")])
    records = [_record(3, CLIENT), _record(1, CLIENT), _record(2, OTHER), _record(4, CLIENT)]
    told = {r.id: there and there.up.content() for r, there in paired(records, seen)}
    assert told == {1: b"a", 2: b"b", 3: b"c", 4: None}
