"""Ways around the network's owner, told from the packets that try them.

All of them are closed on the lab's rogue network; that one was tried is a fact of the scenario.
"""

from __future__ import annotations

import struct
from enum import StrEnum

_ETHERNET, _IPV4, _IPV6 = 14, 0x0800, 0x86DD
_HEADER_6 = 40
_TCP, _UDP = 6, 17
_SYN, _ACK = 0x02, 0x10
_HTTPS, _DNS_OVER_TLS = 443, 853


class Around(StrEnum):
    """What a packet tries."""

    QUIC = "HTTP/3 (UDP port 443)"
    PRIVATE_DNS = "DNS over TLS (port 853)"


def way_around(frame: bytes) -> Around | None:
    """Return what a frame of a device's tries: a datagram of HTTP/3, the first packet of a
    connection for DNS over TLS (RFC 7858), a datagram of DNS over QUIC (RFC 9250)."""
    try:
        protocol, segment = _transport(frame)
        (port,) = struct.unpack_from("!H", frame, segment + 2)
        if protocol == _UDP:
            return {_HTTPS: Around.QUIC, _DNS_OVER_TLS: Around.PRIVATE_DNS}.get(port)
        if protocol == _TCP and port == _DNS_OVER_TLS:
            opens = frame[segment + 13] & (_SYN | _ACK) == _SYN
            return Around.PRIVATE_DNS if opens else None
    except (struct.error, IndexError):
        return None
    return None


def _transport(frame: bytes) -> tuple[int, int]:
    """Return the protocol above IP, and where its header begins; extension headers of IPv6 hide
    it, and mean no harm here. Raises struct.error, IndexError."""
    (kind,) = struct.unpack_from("!H", frame, 12)
    if kind == _IPV4:
        return frame[_ETHERNET + 9], _ETHERNET + (frame[_ETHERNET] & 15) * 4
    if kind == _IPV6:
        return frame[_ETHERNET + 6], _ETHERNET + _HEADER_6
    return 0, 0
