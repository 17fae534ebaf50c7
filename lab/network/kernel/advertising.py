"""Router advertisements (RFC 4861): how a network gives IPv6 addresses to who joins it.

A device makes itself an address of the prefix that it hears of (RFC 4862), and sends everything to
the router that told it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import ipaddress
import socket
import struct
import sys

from lab.network.kernel.namespace import Namespace

LINK_LOCAL = "fe80::1"
"""The router's address on the link, from which it must advertise (section 4.2)."""
LIFETIME = 3600
"""Seconds: longer than a run."""
SOLICITATION, ADVERTISEMENT = 133, 134
ALL_NODES, ALL_ROUTERS = "ff02::1", "ff02::2"
MAX_MESSAGE = 1500
HOPS = 255
"""What came over a router has less, and is not believed (section 6.1)."""

_HOP_LIMIT = 64
_PREFIX_INFORMATION = 3
_ON_LINK, _AUTONOMOUS = 0x80, 0x40


def advertisement(network: str) -> bytes:
    """Return an advertisement of ``network`` (a /64); its checksum is the kernel's to fill in."""
    prefix = ipaddress.IPv6Network(network)
    head = struct.pack("!BBHBBHII", ADVERTISEMENT, 0, 0, _HOP_LIMIT, 0, LIFETIME, 0, 0)
    told = struct.pack(
        "!BBBBIII16s",
        _PREFIX_INFORMATION,
        4,
        prefix.prefixlen,
        _ON_LINK | _AUTONOMOUS,
        LIFETIME,
        LIFETIME,
        0,
        prefix.network_address.packed,
    )
    return head + told


class Advertiser:
    """Advertises ``network`` on one interface, to whoever asks for a router."""

    def __init__(self, network: str) -> None:
        self._advertisement = advertisement(network)
        self._sock: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self, namespace: Namespace, interface: str) -> None:
        """Begin on an interface of ``namespace``, which has LINK_LOCAL. Raises OSError."""
        sock = namespace.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOPS)
            group = socket.inet_pton(socket.AF_INET6, ALL_ROUTERS)
            membership = group + struct.pack("@I", _number(sock, interface))
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
            sock.bind((LINK_LOCAL, 0))
        except BaseException:
            sock.close()
            raise
        self._sock, self._loop = sock, asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._answer)

    def announce(self) -> None:
        """Tell everybody on the network."""
        if self._sock is not None:
            # One that cannot be sent now is sent to whoever asks.
            with contextlib.suppress(OSError):
                self._sock.sendto(self._advertisement, (ALL_NODES, 0))

    def stop(self) -> None:
        """Stop; on the loop. May be repeated."""
        if self._sock is not None and self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
            self._sock = None

    def _answer(self) -> None:
        assert self._sock is not None
        try:
            asked = self._sock.recv(MAX_MESSAGE)
        except OSError:
            return
        if asked[:1] == bytes([SOLICITATION]):
            self.announce()


def _number(sock: socket.socket, interface: str) -> int:
    """Return the number of an interface in the namespace of ``sock``. Raises OSError."""
    # SIOCGIFINDEX (linux/sockios.h).
    answer: bytes = fcntl.ioctl(sock.fileno(), 0x8933, interface.encode().ljust(40, b"\0"))
    return int.from_bytes(answer[16:20], sys.byteorder)
