from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.adversary.around import Around, way_around

TCP, UDP = 6, 17
SYN, SYN_ACK, ACK = 0x02, 0x12, 0x10


def frame(
    protocol: int, port: int, flags: int = SYN, *, six: bool = False, options: int = 0
) -> bytes:
    """Return a frame as a device sends it."""
    if six:
        ip = struct.pack("!IHBB", 6 << 28, 20, protocol, 64) + bytes(32)
    else:
        ip = struct.pack("!BBHHHBBH", 0x45 + options, 0, 40, 0, 0, 64, protocol, 0)
        ip += bytes(8 + 4 * options)
    segment = struct.pack("!HHIIBB", 40000, port, 0, 0, 0x50, flags) + bytes(6)
    return bytes(12) + (b"\x86\xdd" if six else b"\x08\x00") + ip + segment


@pytest.mark.parametrize("six", [False, True])
def test_ways_around_are_known(six: bool) -> None:
    assert way_around(frame(UDP, 443, six=six)) is Around.QUIC
    assert way_around(frame(UDP, 853, six=six)) is Around.PRIVATE_DNS
    assert way_around(frame(TCP, 853, six=six)) is Around.PRIVATE_DNS


def test_options_of_ip_are_passed_over() -> None:
    assert way_around(frame(UDP, 443, options=3)) is Around.QUIC


@pytest.mark.parametrize(
    "other",
    [
        frame(TCP, 443),
        frame(UDP, 53),
        frame(TCP, 853, ACK),
        frame(TCP, 853, SYN_ACK),
        frame(1, 853),
        bytes(12) + b"\x08\x06" + bytes(28),
    ],
)
def test_others_are_none(other: bytes) -> None:
    assert way_around(other) is None


@settings(max_examples=60)
@given(st.binary(max_size=80), st.sampled_from([b"\x86\xdd", b"\x08\x00"]))
def test_garbage_is_looked_at_without_harm(rest: bytes, kind: bytes) -> None:
    assert way_around(bytes(12) + kind + rest) in (None, *Around)
