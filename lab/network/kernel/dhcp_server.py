"""The access point's side of DHCP: one answer for every station, known beforehand."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.network.kernel.dhcp import (
    CLIENT_PORT,
    SERVER_PORT,
    Kind,
    Lease,
    Malformed,
    Message,
    Option,
    handed_out,
)
from lab.network.kernel.namespace import Namespace

LeaseOf = Callable[[bytes], Lease | None]
"""From a station's hardware address to its lease; None for a station that gets none."""


@dataclass(slots=True)
class DhcpServer(asyncio.DatagramProtocol):
    """Hands out leases on one interface."""

    lease_of: LeaseOf
    joining: Callable[[], None] = lambda: None
    """Called when somebody is about to be given a lease."""
    _transport: asyncio.DatagramTransport | None = None

    async def start(self, namespace: Namespace, interface: str) -> None:
        """Listen on an interface of ``namespace``. Raises OSError."""
        sock = on_interface(namespace.socket, interface, SERVER_PORT)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=sock)

    def stop(self) -> None:
        """Stop listening."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        reply = respond(data, self.lease_of)
        if reply is not None and self._transport is not None:
            if reply.kind is Kind.ACK:
                self.joining()
            # It has no address yet that an answer could be sent to.
            self._transport.sendto(reply.pack(), ("255.255.255.255", CLIENT_PORT))


def respond(packet: bytes, lease_of: LeaseOf) -> Message | None:
    """Return the answer to ``packet``, None where none is due (RFC 2131 section 4.3)."""
    try:
        asked = Message.parse(packet)
    except Malformed:
        return None
    lease = None if asked.is_reply else lease_of(asked.station)
    if lease is None:
        return None
    if asked.kind is Kind.DISCOVER:
        return _reply(asked, Kind.OFFER, lease)
    if asked.kind is not Kind.REQUEST:
        return None
    chosen = asked.options.get(Option.SERVER)
    if chosen is not None and chosen != socket.inet_aton(lease.server):
        return None
    wanted = asked.options.get(Option.REQUESTED, socket.inet_aton(asked.current))
    if wanted != socket.inet_aton(lease.address):
        server = {int(Option.SERVER): socket.inet_aton(lease.server)}
        return Message(Kind.NAK, asked.transaction, asked.station, is_reply=True, options=server)
    return _reply(asked, Kind.ACK, lease)


def on_interface(
    make: Callable[[int, int], socket.socket], interface: str, port: int
) -> socket.socket:
    """Return a UDP socket that may broadcast, on one interface. Raises OSError."""
    sock = make(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        sock.bind(("", port))
    except BaseException:
        sock.close()
        raise
    return sock


def _reply(asked: Message, kind: Kind, lease: Lease) -> Message:
    return Message(
        kind,
        asked.transaction,
        asked.station,
        is_reply=True,
        yours=lease.address,
        options=handed_out(lease),
    )
