from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model.device import Endpoint
from lab.network.kernel.tap import Opened, opened, sender

FROM, TO = bytes.fromhex("025450000000"), bytes.fromhex("0a0000000001")
SYN, ACK, RST = 0x02, 0x10, 0x04


def frame(flags: int = SYN, *, kind: int = 0x0800, protocol: int = 6, options: int = 0) -> bytes:
    ip = struct.pack("!BBHHHBBH", 0x45 + options, 0, 40, 0, 0, 64, protocol, 0)
    ip += bytes([192, 168, 43, 10, 198, 51, 100, 1]) + bytes(4 * options)
    tcp = struct.pack("!HHIIBBHHH", 40000, 443, 0, 0, 0x50, flags, 0, 0, 0)
    return TO + FROM + struct.pack("!H", kind) + ip + tcp


@pytest.mark.parametrize("options", [0, 1, 10])
def test_the_first_packet_of_a_connection_is_known(options: int) -> None:
    assert opened(frame(options=options)) == Opened(
        Endpoint("192.168.43.10", 40000), Endpoint("198.51.100.1", 443)
    )
    assert sender(frame()) == FROM


@pytest.mark.parametrize(
    "other",
    [frame(SYN | ACK), frame(ACK), frame(RST), frame(kind=0x0806), frame(protocol=17), b""],
)
def test_other_packets_open_nothing(other: bytes) -> None:
    assert opened(other) is None


@settings(max_examples=40)
@given(st.integers(0, 53))
def test_what_is_cut_off_opens_nothing(size: int) -> None:
    assert opened(frame()[: min(size, 47)]) is None
