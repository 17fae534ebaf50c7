"""Packets as a tap sees them."""

from __future__ import annotations

import ipaddress
import struct

from lab.model.device import Endpoint

FROM, TO = bytes.fromhex("025450000000"), bytes.fromhex("0a0000000001")
FIN, SYN, ACK, RST = 0x01, 0x02, 0x10, 0x04
CLIENT, SERVER = Endpoint("192.168.43.10", 40000), Endpoint("198.51.100.1", 443)
OVER_6 = Endpoint("2001:db8::10", 40000), Endpoint("2001:db8:66::66", 443)


def frame(flags: int = SYN, *, kind: int = 0x0800, protocol: int = 6, options: int = 0) -> bytes:
    """Return a TCP segment without content, with so many words of IP options."""
    ip = struct.pack("!BBHHHBBH", 0x45 + options, 0, 40, 0, 0, 64, protocol, 0)
    ip += bytes([192, 168, 43, 10, 198, 51, 100, 1]) + bytes(4 * options)
    tcp = struct.pack("!HHIIBBHHH", 40000, 443, 0, 0, 0x50, flags, 0, 0, 0)
    return TO + FROM + struct.pack("!H", kind) + ip + tcp


def tcp(
    source: Endpoint = CLIENT,
    destination: Endpoint = SERVER,
    *,
    flags: int = ACK,
    number: int = 0,
    said: bytes = b"",
) -> bytes:
    """Return a TCP segment (RFC 9293, RFC 791, RFC 8200)."""
    one, other = (ipaddress.ip_address(each.host) for each in (source, destination))
    ports = source.port, destination.port
    segment = struct.pack("!HHIIBBHHH", *ports, number, 0, 0x50, flags, 64000, 0, 0) + said
    if one.version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0)
        kind = 0x0800
    else:
        head = struct.pack("!IHBB", 6 << 28, len(segment), 6, 64)
        kind = 0x86DD
    return TO + FROM + struct.pack("!H", kind) + head + one.packed + other.packed + segment


def spoken(
    up: bytes, down: bytes, client: Endpoint = CLIENT, server: Endpoint = SERVER
) -> list[bytes]:
    """Return the packets of a connection on which both ends said something, the client first."""
    return [
        tcp(client, server, flags=SYN, number=100),
        tcp(server, client, flags=SYN | ACK, number=500),
        tcp(client, server, number=101, said=up),
        tcp(server, client, number=501, said=down),
        tcp(client, server, flags=FIN | ACK, number=101 + len(up)),
    ]
