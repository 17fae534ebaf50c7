from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone.ios.remote.archive import Value, archive
from lab.phone.ios.remote.dtx import (
    HEADER,
    MAGIC,
    BadDtx,
    Kind,
    Message,
    packed,
    read_body,
    read_header,
)
from tests.phone.ios.remote.test_archive import VALUES

LIMIT = 1024 * 1024
CALL = Message(Kind.CALL, "killPid:", (412,), 7, 0, 1, expects_reply=True)


def read(content: bytes, limit: int = LIMIT) -> Message:
    header = read_header(content[: HEADER.size], limit)
    assert header.has_body
    assert header.is_last
    return read_body(header, content[HEADER.size :])


@settings(max_examples=40)
@given(
    value=VALUES,
    arguments=st.lists(VALUES, max_size=3),
    kind=st.sampled_from(Kind),
    numbers=st.tuples(
        st.integers(0, 2**32 - 1), st.integers(0, 9), st.integers(-(2**31), 2**31 - 1)
    ),
    expects=st.booleans(),
)
def test_what_was_written_is_read(
    value: Value, arguments: list[Value], kind: Kind, numbers: tuple[int, int, int], expects: bool
) -> None:
    message = Message(kind, value, tuple(arguments), *numbers, expects)
    assert read(packed(message)) == message


def test_the_layout_is_the_protocols() -> None:
    """By hand, after virtual-iphone.md section 6.3."""
    selector = archive("killPid:")
    auxiliary = struct.pack("<QQIII", 0x1F0, 12, 10, 3, 412)
    payload = struct.pack("<IIQ", 0x1002, len(auxiliary), len(auxiliary) + len(selector))
    body = payload + auxiliary + selector
    head = struct.pack("<IIHHIIIiI", 0x1F3D5B79, 32, 0, 1, len(body), 7, 0, 1, 1)
    assert packed(CALL) == head + body


def test_long_numbers_are_read() -> None:
    auxiliary = struct.pack("<QQIIq", 0x1F0, 16, 10, 6, -5)
    body = struct.pack("<IIQ", 2, len(auxiliary), len(auxiliary)) + auxiliary
    head = HEADER.pack(MAGIC, 32, 0, 1, len(body), 1, 0, 0, 0)
    assert read(head + body).arguments == (-5,)


def test_a_reply_belongs_to_its_call() -> None:
    answer = CALL.answered(Kind.REPLY, 0)
    assert (answer.identifier, answer.conversation, answer.channel) == (7, 1, 1)
    assert not answer.expects_reply


def body(flags: int = 2, auxiliary: bytes = b"", payload: bytes = b"", total: int = -1) -> bytes:
    size = len(auxiliary) + len(payload) if total < 0 else total
    return struct.pack("<IIQ", flags, len(auxiliary), size) + auxiliary + payload


def arguments(content: bytes, magic: int = 0x1F0, size: int = -1) -> bytes:
    return body(auxiliary=struct.pack("<QQ", magic, len(content) if size < 0 else size) + content)


BODIES = {
    "nothing": b"",
    "half a payload header": bytes(15),
    "a kind that there is not": body(9),
    "a compressed one": body(0x2002),
    "more than there is": body(total=5),
    "less than there is": body(payload=b"x", total=0),
    "arguments longer than all": struct.pack("<IIQ", 2, 9, 0),
    "no archive": body(payload=b"selector"),
    "arguments that break off": body(auxiliary=b"\xf0\x01"),
    "arguments of another kind": arguments(b"", magic=7),
    "a size that is not theirs": arguments(b"", size=8),
    "half an argument": arguments(struct.pack("<I", 10)),
    "an argument without a value": arguments(struct.pack("<II", 10, 3)),
    "an argument with a name": arguments(struct.pack("<III", 2, 3, 4)),
    "an argument of another type": arguments(struct.pack("<III", 10, 99, 4)),
    "an argument longer than all": arguments(struct.pack("<III", 10, 2, 2**32 - 1)),
    "an argument that is no archive": arguments(struct.pack("<III4s", 10, 2, 4, b"abcd")),
}
HEADERS = {
    "another magic": HEADER.pack(1, 32, 0, 1, 0, 1, 0, 0, 0),
    "another size": HEADER.pack(MAGIC, 16, 0, 1, 0, 1, 0, 0, 0),
    "no fragments": HEADER.pack(MAGIC, 32, 0, 0, 0, 1, 0, 0, 0),
    "a fragment behind the last": HEADER.pack(MAGIC, 32, 2, 2, 0, 1, 0, 0, 0),
    "too many fragments": HEADER.pack(MAGIC, 32, 0, 65535, 0, 1, 0, 0, 0),
    "an absurd length": HEADER.pack(MAGIC, 32, 0, 1, 2**32 - 1, 1, 0, 0, 0),
}


@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
def test_a_body_that_is_none_is_refused(content: bytes) -> None:
    header = read_header(HEADER.pack(MAGIC, 32, 0, 1, len(content), 1, 0, 0, 1), LIMIT)
    with pytest.raises(BadDtx):
        read_body(header, content)


@pytest.mark.parametrize("content", HEADERS.values(), ids=HEADERS)
def test_a_header_that_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(BadDtx):
        read_header(content, LIMIT)


@settings(max_examples=40)
@given(noise=st.binary(max_size=120), at=st.integers(0, 90), kept=st.integers(0, 200))
def test_bytes_are_refused_or_read(noise: bytes, at: int, kept: int) -> None:
    good = packed(CALL)[HEADER.size :]
    for content in (noise, good[:at] + noise + good[at:], good[:kept]):
        header = read_header(HEADER.pack(MAGIC, 32, 0, 1, len(content), 1, 0, 0, 1), LIMIT)
        try:
            read_body(header, content)
        except BadDtx:
            continue
