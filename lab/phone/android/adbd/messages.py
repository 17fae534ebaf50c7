"""The messages of the adb protocol: bytes in, messages out, nothing else.

All integers are little-endian. A message is a header of six 32-bit words (command, two arguments,
length and checksum of the payload, and the command's complement as magic) and its payload.
Source: AOSP, packages/modules/adb/protocol.txt.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

VERSION_OLD = 0x01000000
VERSION = 0x01000001
"""From this version on checksums need not be right, once both sides have announced it."""
MAX_DATA_OLD = 4096
"""Payload that every peer takes; also what may be sent before the peers have said more."""
MAX_DATA = 256 * 1024
"""Payload that this daemon takes."""

_HEADER = struct.Struct("<6I")
HEADER_SIZE = _HEADER.size


class ProtocolBroken(Exception):
    """What came is no message, or one that must not come now; the message says what it was."""


class Kind(IntEnum):
    """What a message is for; the value is its name in ASCII."""

    CNXN = 0x4E584E43
    AUTH = 0x48545541
    OPEN = 0x4E45504F
    OKAY = 0x59414B4F
    WRTE = 0x45545257
    CLSE = 0x45534C43


class Message(NamedTuple):
    """One message. What the arguments mean depends on its kind."""

    kind: Kind
    arg0: int
    arg1: int
    payload: bytes = b""


def checksum(payload: bytes) -> int:
    """Return the sum of the bytes."""
    return sum(payload) & 0xFFFFFFFF


def encode(message: Message, *, with_checksum: bool = True) -> bytes:
    """Return the bytes of a message."""
    kind, arg0, arg1, payload = message
    total = checksum(payload) if with_checksum else 0
    return _HEADER.pack(kind, arg0, arg1, len(payload), total, kind ^ 0xFFFFFFFF) + payload


class Decoder:
    """Cuts a stream of bytes into messages. Holds one message's bytes at most, and what was fed
    beyond it.

    ``limit`` is the longest payload taken, ``checked`` whether checksums must be right; both may
    change between two messages.
    """

    def __init__(self, limit: int = MAX_DATA_OLD, *, checked: bool = True) -> None:
        self.limit = limit
        self.checked = checked
        self._waiting = bytearray()

    @property
    def halfway(self) -> bool:
        """Whether a message has begun and is not whole."""
        return bool(self._waiting)

    def feed(self, content: bytes) -> None:
        """Take what was received."""
        self._waiting += content

    def next(self) -> Message | None:
        """Return the next message, None where it is not whole yet. Raises ProtocolBroken."""
        if len(self._waiting) < HEADER_SIZE:
            return None
        word, arg0, arg1, length, total, magic = _HEADER.unpack_from(self._waiting)
        if word ^ 0xFFFFFFFF != magic:
            raise ProtocolBroken("a header with a wrong magic")
        try:
            kind = Kind(word)
        except ValueError:
            raise ProtocolBroken(f"an unknown command, {word:#010x}") from None
        if length > self.limit:
            raise ProtocolBroken(f"{kind.name} with {length} bytes, more than {self.limit}")
        end = HEADER_SIZE + length
        if len(self._waiting) < end:
            return None
        payload = bytes(memoryview(self._waiting)[HEADER_SIZE:end])
        del self._waiting[:end]
        # An adb that connects again leaves them out from the start, as it had agreed before.
        unchecked = kind in (Kind.CNXN, Kind.AUTH) and not total
        if self.checked and not unchecked and checksum(payload) != total:
            raise ProtocolBroken(f"{kind.name} with a wrong checksum")
        return Message(kind, arg0, arg1, payload)
