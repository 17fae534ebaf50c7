from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone.android.adbd.messages import (
    HEADER_SIZE,
    Decoder,
    Kind,
    Message,
    ProtocolBroken,
    encode,
)
from tests.phone.android.adbd.peer import packed

WORD = st.integers(0, 0xFFFFFFFF)
MESSAGES = st.builds(Message, st.sampled_from(Kind), WORD, WORD, st.binary(max_size=200))


def test_a_message_byte_by_byte() -> None:
    # AOSP's protocol.txt: the command as ASCII, little-endian words, the complement as magic.
    assert encode(Message(Kind.OKAY, 1, 0x0203)) == (
        b"OKAY\1\0\0\0\3\2\0\0" + bytes(8) + bytes(byte ^ 0xFF for byte in b"OKAY")
    )
    assert encode(Message(Kind.WRTE, 7, 8, b"a\xff"))[12:20] == b"\2\0\0\0\x60\1\0\0"
    assert encode(Message(Kind.WRTE, 7, 8, b"a"), with_checksum=False)[16:20] == bytes(4)


@settings(deadline=None)
@given(st.lists(MESSAGES, max_size=5), st.data())
def test_messages_come_through_in_any_pieces(messages: list[Message], data: st.DataObject) -> None:
    wire = b"".join(map(encode, messages))
    decoder = Decoder()
    received = []
    while wire:
        size = data.draw(st.integers(1, len(wire)))
        decoder.feed(wire[:size])
        wire = wire[size:]
        while (message := decoder.next()) is not None:
            received.append(message)
    assert received == messages
    assert not decoder.halfway


@settings(deadline=None)
@given(MESSAGES)
def test_messages_are_those_of_other_writers(message: Message) -> None:
    kind, arg0, arg1, payload = message
    assert encode(message) == packed(kind.name, arg0, arg1, payload)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (packed("WRTE", 1, 2, b"a", magic=0), "a header with a wrong magic"),
        (packed("SYNC", 1, 2), "an unknown command, 0x434e5953"),
        (bytes(20) + b"\xff" * 4, "an unknown command, 0x00000000"),
        (packed("WRTE", 1, 2, length=4097), "WRTE with 4097 bytes, more than 4096"),
        (packed("WRTE", 1, 2, length=2**32 - 1), "WRTE with 4294967295 bytes, more than 4096"),
        (packed("WRTE", 1, 2, b"a", total=0), "WRTE with a wrong checksum"),
        (packed("OKAY", 1, 2, total=1), "OKAY with a wrong checksum"),
    ],
)
def test_what_is_no_message(content: bytes, message: str) -> None:
    decoder = Decoder()
    decoder.feed(content)
    with pytest.raises(ProtocolBroken, match=f"^{message}$"):
        decoder.next()


def test_a_length_is_refused_before_its_bytes_have_come() -> None:
    decoder = Decoder(limit=10)
    decoder.feed(packed("WRTE", 1, 2, length=11)[:HEADER_SIZE])
    with pytest.raises(ProtocolBroken):
        decoder.next()


@pytest.mark.parametrize("name", ["CNXN", "AUTH"])
def test_an_adb_that_comes_back_leaves_them_out_at_once(name: str) -> None:
    decoder = Decoder()
    decoder.feed(packed(name, 1, 2, b"a", total=0))
    message = decoder.next()
    assert message is not None
    assert message.payload == b"a"


def test_checksums_may_be_left_out_once_that_is_agreed() -> None:
    decoder = Decoder(checked=False)
    decoder.feed(packed("WRTE", 1, 2, b"a", total=0))
    assert decoder.next() == Message(Kind.WRTE, 1, 2, b"a")


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_are_a_message_or_refused(content: bytes) -> None:
    decoder = Decoder()
    decoder.feed(content)
    try:
        message = decoder.next()
    except ProtocolBroken as error:
        assert str(error)  # noqa: PT017 - both ends are right
    else:
        assert message is not None or len(content) < HEADER_SIZE + 4096
