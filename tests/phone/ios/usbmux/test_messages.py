from __future__ import annotations

import plistlib
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone.ios.lockdown.messages import ProtocolBroken
from lab.phone.ios.usbmux.messages import (
    HEADER,
    PLIST,
    VERSION,
    from_network_order,
    pack,
    read_body,
    read_header,
)
from tests.phone.ios.plists import plists

FEW = settings(max_examples=25, deadline=None)

NUMBERS = st.integers(0, 2**32 - 1)


@FEW
@given(message=plists(), tag=NUMBERS)
def test_what_is_packed_is_read(message: dict[str, object], tag: int) -> None:
    packed = pack(message, tag)  # type: ignore[arg-type]
    header = read_header(packed[: HEADER.size], 1 << 20)
    assert (header.version, header.kind, header.tag) == (VERSION, PLIST, tag)
    assert header.size == len(packed) - HEADER.size
    assert read_body(packed[HEADER.size :]) == message


@FEW
@given(length=NUMBERS, rest=st.tuples(NUMBERS, NUMBERS, NUMBERS))
def test_a_length_is_believed_within_the_limit_only(
    length: int, rest: tuple[int, int, int]
) -> None:
    content = HEADER.pack(length, *rest)
    if HEADER.size <= length <= 1000:
        assert read_header(content, 1000).size == length - HEADER.size
    else:
        with pytest.raises(ProtocolBroken, match=f"a message of {length} bytes"):
            read_header(content, 1000)


@FEW
@given(content=st.binary(max_size=300))
def test_a_body_is_a_dictionary_or_refused(content: bytes) -> None:
    try:
        assert isinstance(read_body(content), dict)
    except ProtocolBroken:
        return


@FEW
@given(port=st.integers(0, 65535))
def test_ports_come_in_the_networks_order(port: int) -> None:
    assert from_network_order(socket.htons(port)) == port


@pytest.mark.parametrize(("sent", "meant"), [(32498, 62078), (42015, 8100)])
def test_ports_that_tools_send(sent: int, meant: int) -> None:
    assert from_network_order(sent) == meant


def test_a_list_is_no_body() -> None:
    with pytest.raises(ProtocolBroken, match="no dictionary"):
        read_body(plistlib.dumps(["a"]))
