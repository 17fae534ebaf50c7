"""Messages of usbmuxd: a header of four 32-bit numbers, little-endian, and a property list.

The names and numbers are those of libusbmuxd (``common/usbmuxd-proto.h``).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from lab.phone.ios.lockdown.messages import ProtocolBroken
from lab.phone.ios.lockdown.plist import BadPlist, Plist, decode, encode

HEADER = struct.Struct("<IIII")
"""Length with the header, version, type, tag."""
VERSION = 1
"""The protocol of property lists; 0 is an older one of binary structures."""
PLIST = 8
"""The type of a message that is a property list."""


class Result(IntEnum):
    """How usbmuxd answers."""

    OK = 0
    BAD_COMMAND = 1
    BAD_DEVICE = 2
    """Also where there is no pair record: it is ENOENT then."""
    REFUSED = 3
    """Nothing listens on that port of the phone."""
    BAD_VERSION = 6


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one message."""

    size: int
    """Bytes of what follows."""
    version: int
    kind: int
    tag: int
    """Chosen by the client; the answer has the same."""


def read_header(content: bytes, limit: int) -> Header:
    """Read a header. Raises ProtocolBroken where it announces more than ``limit`` bytes, or less
    than itself."""
    length, version, kind, tag = HEADER.unpack(content)
    if length < HEADER.size:
        raise ProtocolBroken(f"a message of {length} bytes, header included")
    if length > limit:
        raise ProtocolBroken(f"a message of {length} bytes, more than {limit}")
    return Header(length - HEADER.size, version, kind, tag)


def read_body(content: bytes) -> dict[str, Plist]:
    """Read what follows a header. Raises ProtocolBroken."""
    try:
        return decode(content)
    except BadPlist as error:
        raise ProtocolBroken(str(error)) from None


def pack(message: Mapping[str, Plist], tag: int) -> bytes:
    """Write a message."""
    body = encode(message)
    return HEADER.pack(HEADER.size + len(body), VERSION, PLIST, tag) + body


def result(number: Result) -> dict[str, Plist]:
    """Return the answer that is nothing but a number."""
    return {"MessageType": "Result", "Number": int(number)}


def from_network_order(port: int) -> int:
    """Return the port that a client means: it sends the two bytes in the network's order, read as
    a little-endian number."""
    return (port & 0xFF) << 8 | port >> 8 & 0xFF
