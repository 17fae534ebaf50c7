"""Captures as files that Wireshark opens, with the secrets that decrypt them.

pcapng (draft-ietf-opsawg-pcapng): a section header, an interface, the TLS secrets as a Decryption
Secrets Block (section 4.7) and one Enhanced Packet Block a frame. No library that is kept up writes
secrets blocks; the format takes a page.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SECTION, INTERFACE, PACKET, SECRETS = 0x0A0D0D0A, 1, 6, 10
"""Types of blocks: section header, interface, enhanced packet, TLS secrets."""
TLS_KEY_LOG = 0x544C534B
"""``TLSK``: lines as in NSS's key log files."""

_BYTE_ORDER = 0x1A2B3C4D
_ETHERNET = 1
"""LINKTYPE_ETHERNET."""
_OPTION_NAME, _OPTION_RESOLUTION, _OPTION_END = 2, 9, 0
_NANOSECONDS = 9
_UNKNOWN_LENGTH = 0xFFFFFFFFFFFFFFFF
_BEFORE_FRAME, _BEFORE_SECRETS = 20, 8
"""Bytes of a block's body that come before what it is about."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One Ethernet frame and when it was seen."""

    at: int
    """Nanoseconds since the epoch."""
    data: bytes


def capture(interface: str, frames: Iterable[Frame], secrets: Sequence[bytes] = ()) -> bytes:
    """Return a capture file of what was seen on ``interface``. ``secrets`` are lines of a TLS key
    log, without their ends."""
    options = (
        _option(_OPTION_NAME, interface.encode())
        + _option(_OPTION_RESOLUTION, bytes([_NANOSECONDS]))
        + _option(_OPTION_END, b"")
    )
    blocks = [
        _block(SECTION, struct.pack("<IHHQ", _BYTE_ORDER, 1, 0, _UNKNOWN_LENGTH)),
        _block(INTERFACE, struct.pack("<HHI", _ETHERNET, 0, 0) + options),
    ]
    if secrets:
        lines = b"".join(line + b"\n" for line in secrets)
        # Before the packets: whoever reads the file once needs them by then.
        blocks.append(_block(SECRETS, struct.pack("<II", TLS_KEY_LOG, len(lines)) + lines))
    for frame in frames:
        size = len(frame.data)
        head = struct.pack("<IIIII", 0, frame.at >> 32, frame.at & 0xFFFFFFFF, size, size)
        blocks.append(_block(PACKET, head + frame.data))
    return b"".join(blocks)


def blocks(content: bytes) -> Iterator[tuple[int, str, bytes]]:
    """Yield type, byte order (``<`` or ``>``) and body of each block of a file, up to the first
    that is none."""
    at, order = 0, "<"
    while at + 12 <= len(content):
        (kind,) = struct.unpack_from(order + "I", content, at)
        if kind == SECTION:
            little = struct.unpack_from("<I", content, at + 8)[0] == _BYTE_ORDER
            order = "<" if little else ">"
        (length,) = struct.unpack_from(order + "I", content, at + 4)
        if length < 12 or length % 4 or at + length > len(content):
            return
        yield kind, order, content[at + 8 : at + length - 4]
        at += length


def frames_of(content: bytes) -> Iterator[bytes]:
    """Yield the frames in a capture file, as far as they can be read."""
    for kind, order, body in blocks(content):
        if kind == PACKET and len(body) >= _BEFORE_FRAME:
            (size,) = struct.unpack_from(order + "I", body, 12)
            yield body[_BEFORE_FRAME : _BEFORE_FRAME + size]


def key_log_of(content: bytes) -> Iterator[bytes]:
    """Yield the lines of the TLS key logs in a capture file."""
    for kind, order, body in blocks(content):
        if kind == SECRETS and len(body) >= _BEFORE_SECRETS:
            what, size = struct.unpack_from(order + "II", body)
            if what == TLS_KEY_LOG:
                yield from body[_BEFORE_SECRETS : _BEFORE_SECRETS + size].splitlines()


def _block(kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    length = struct.pack("<I", 12 + len(padded))
    return struct.pack("<I", kind) + length + padded + length


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
