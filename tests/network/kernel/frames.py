"""Packets as a tap sees them."""

from __future__ import annotations

import struct

FROM, TO = bytes.fromhex("025450000000"), bytes.fromhex("0a0000000001")
SYN, ACK, RST = 0x02, 0x10, 0x04


def frame(flags: int = SYN, *, kind: int = 0x0800, protocol: int = 6, options: int = 0) -> bytes:
    """Return a TCP segment without content, with so many words of IP options."""
    ip = struct.pack("!BBHHHBBH", 0x45 + options, 0, 40, 0, 0, 64, protocol, 0)
    ip += bytes([192, 168, 43, 10, 198, 51, 100, 1]) + bytes(4 * options)
    tcp = struct.pack("!HHIIBBHHH", 40000, 443, 0, 0, 0x50, flags, 0, 0, 0)
    return TO + FROM + struct.pack("!H", kind) + ip + tcp
