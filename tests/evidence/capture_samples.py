"""Captures of single packets."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from lab.network.kernel.pcapng import Frame, capture

AT = 1_764_000_000_000_000_000


def cleartext(said: bytes, port: int = 80) -> bytes:
    """Return an Ethernet frame with a TCP segment that says this (RFC 9293, RFC 791)."""
    tcp = struct.pack("!HHIIHHHH", 40000, port, 1, 1, 0x5018, 64000, 0, 0)
    size = 20 + len(tcp) + len(said)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size, 1, 0, 64, 6, 0, bytes(4), b"\x01" * 4)
    return bytes(12) + b"\x08\x00" + ip + tcp + said


def capture_of(frames: Iterable[bytes], secrets: Sequence[bytes] = ()) -> bytes:
    """Return a capture of ``frames``."""
    return capture("port0", [Frame(AT + n, frame) for n, frame in enumerate(frames)], secrets)
