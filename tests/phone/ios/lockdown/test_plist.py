from __future__ import annotations

import plistlib
import struct
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.phone.ios.lockdown.plist import MAX_DEPTH, MAX_VALUES, BadPlist, decode, encode
from tests.phone.ios.plists import plists

FEW = settings(max_examples=25, deadline=None)


@FEW
@given(message=plists(), binary=st.booleans())
@example(message={"a": "\0\1"}, binary=False)
def test_what_is_encoded_is_decoded(message: dict[str, object], binary: bool) -> None:
    assert decode(encode(message, binary=binary)) == message  # type: ignore[arg-type]


@FEW
@given(content=st.binary(max_size=400))
@example(content=b"")
@example(content=b"bplist00")
@example(content=b"<plist><dict><key>a</key></dict></plist>")
@example(content=b"<plist><dict><string>a</string></dict></plist>")
@example(content=b"<plist><dict><key>a</key><date>x</date></dict></plist>")
@example(content=b"<plist><dict><key>a</key><integer>x</integer></dict></plist>")
def test_nonsense_is_refused(content: bytes) -> None:
    with pytest.raises(BadPlist):
        decode(content)


@FEW
@given(message=plists(), at=st.integers(0, 10_000), flip=st.integers(1, 255), binary=st.booleans())
def test_what_is_damaged_is_refused_or_still_a_dictionary(
    message: dict[str, object], at: int, flip: int, binary: bool
) -> None:
    content = bytearray(encode(message, binary=binary))  # type: ignore[arg-type]
    content[at % len(content)] ^= flip
    try:
        assert isinstance(decode(bytes(content)), dict)
    except BadPlist:
        return


def nested(depth: int) -> bytes:
    return (
        b"<plist><dict><key>a</key>" + b"<array>" * depth + b"</array>" * depth + b"</dict></plist>"
    )


def in_itself() -> bytes:
    """A binary list of one dictionary that holds itself."""
    body = b"bplist00" + b"\xd1\x01\x00" + b"\x51a"
    table = bytes([8, 11])
    return body + table + struct.pack(">6xBBQQQ", 1, 1, 2, 0, len(body))


def doubled(levels: int) -> bytes:
    """A binary list with two references to the next level on each: 2^levels values to walk."""
    body, offsets = bytearray(b"bplist00"), []
    offsets.append(len(body))
    body += b"\xd1\x01\x02"
    offsets.append(len(body))
    body += b"\x51a"
    for level in range(levels):
        offsets.append(len(body))
        body += bytes([0xA2, level + 3, level + 3])
    offsets.append(len(body))
    body += b"\xa0"
    table = struct.pack(f">{len(offsets)}H", *offsets)
    return bytes(body) + table + struct.pack(">6xBBQQQ", 2, 1, len(offsets), 0, len(body))


BAD: dict[str, Callable[[], bytes]] = {
    "deep": lambda: nested(MAX_DEPTH),
    "deeper than the interpreter's stack": lambda: nested(20_000),
    "in itself": in_itself,
    "doubled": lambda: doubled(30),
    "wide": lambda: encode({"a": [0] * MAX_VALUES}),
    "a number beyond 64 bits": lambda: (
        b"<plist><dict><key>a</key><integer>" + b"9" * 40 + b"</integer></dict></plist>"
    ),
    "a number of a million digits": lambda: (
        b"<plist><dict><key>a</key><integer>" + b"9" * 1_000_000 + b"</integer></dict></plist>"
    ),
    "an entity": lambda: (
        b'<!DOCTYPE p [<!ENTITY a "aaaa">]><plist><dict><key>&a;</key></dict></plist>'
    ),
    "an archive's pointer": lambda: plistlib.dumps({"a": plistlib.UID(1)}, fmt=plistlib.FMT_BINARY),
    "an array": lambda: plistlib.dumps([1]),
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused(name: str) -> None:
    with pytest.raises(BadPlist):
        decode(BAD[name]())


def test_it_is_just_deep_enough() -> None:
    assert decode(nested(MAX_DEPTH - 3))
    assert decode(doubled(5))


def test_an_empty_line_is_passed_over() -> None:
    assert decode(b"\n" + encode({"a": 1})) == {"a": 1}
