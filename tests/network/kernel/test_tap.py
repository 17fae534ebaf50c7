from __future__ import annotations

import pytest

from lab.model.device import Endpoint
from lab.network.kernel.tap import Opened, opened, sender
from tests.network.kernel.frames import ACK, FROM, RST, SYN, frame


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


def test_what_is_cut_off_opens_nothing() -> None:
    # The flags are the last that is needed, at 47.
    assert [size for size in range(48) if opened(frame()[:size]) is not None] == []
    assert opened(frame()[:48]) is not None
