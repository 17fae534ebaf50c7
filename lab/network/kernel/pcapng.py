"""Captures as files that Wireshark opens, with the secrets that decrypt them.

pcapng (draft-ietf-opsawg-pcapng): a section header, an interface, the TLS secrets as a Decryption
Secrets Block (section 4.7) and one Enhanced Packet Block a frame. No library that is kept up writes
secrets blocks; the format takes a page.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SECTION, _INTERFACE, _PACKET, _SECRETS = 0x0A0D0D0A, 1, 6, 10
_BYTE_ORDER = 0x1A2B3C4D
_ETHERNET = 1
"""LINKTYPE_ETHERNET."""
_TLS_KEY_LOG = 0x544C534B
"""``TLSK``: lines as in NSS's key log files."""
_OPTION_NAME, _OPTION_RESOLUTION, _OPTION_END = 2, 9, 0
_NANOSECONDS = 9
_UNKNOWN_LENGTH = 0xFFFFFFFFFFFFFFFF


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
        _block(_SECTION, struct.pack("<IHHQ", _BYTE_ORDER, 1, 0, _UNKNOWN_LENGTH)),
        _block(_INTERFACE, struct.pack("<HHI", _ETHERNET, 0, 0) + options),
    ]
    if secrets:
        lines = b"".join(line + b"\n" for line in secrets)
        # Before the packets: whoever reads the file once needs them by then.
        blocks.append(_block(_SECRETS, struct.pack("<II", _TLS_KEY_LOG, len(lines)) + lines))
    for frame in frames:
        size = len(frame.data)
        head = struct.pack("<IIIII", 0, frame.at >> 32, frame.at & 0xFFFFFFFF, size, size)
        blocks.append(_block(_PACKET, head + frame.data))
    return b"".join(blocks)


def _block(kind: int, body: bytes) -> bytes:
    padded = body + bytes(-len(body) % 4)
    length = struct.pack("<I", 12 + len(padded))
    return struct.pack("<I", kind) + length + padded + length


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
