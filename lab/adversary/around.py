"""Ways around the network's owner, told from the packets that try them.

All of them are closed on the lab's rogue network; that one was tried is a fact of the scenario.
"""

from __future__ import annotations

import struct
from enum import StrEnum

from lab.network.kernel.tap import TCP, UDP, opens, transport

_HTTPS, _DNS_OVER_TLS = 443, 853


class Around(StrEnum):
    """What a packet tries."""

    QUIC = "HTTP/3 (UDP port 443)"
    PRIVATE_DNS = "DNS over TLS (port 853)"


def way_around(frame: bytes) -> Around | None:
    """Return what a frame of a device's tries: a datagram of HTTP/3, the first packet of a
    connection for DNS over TLS (RFC 7858), a datagram of DNS over QUIC (RFC 9250)."""
    try:
        protocol, segment = transport(frame)
        (port,) = struct.unpack_from("!H", frame, segment + 2)
        if protocol == UDP:
            return {_HTTPS: Around.QUIC, _DNS_OVER_TLS: Around.PRIVATE_DNS}.get(port)
        if protocol == TCP and port == _DNS_OVER_TLS:
            return Around.PRIVATE_DNS if opens(frame, segment) else None
    except (struct.error, IndexError):
        return None
    return None
