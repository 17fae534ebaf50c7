"""Where a run takes the packets of a phone from an access point with a radio."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass

from lab.network.hardware.plan import DOOR_PORT, RESOLVER_PORT
from lab.network.hardware.standing import Standing

BACKLOG = 512

Make = Callable[[int, int], socket.socket]


@dataclass(frozen=True, slots=True)
class HardwareDoor:
    """Sockets on the access point's address; who serves on them closes them."""

    ssid: str
    listener: socket.socket
    """TCP, listening; a connection's original destination is to be had from the kernel."""
    resolver: socket.socket
    """UDP."""

    @property
    def listeners(self) -> tuple[socket.socket, ...]:
        return (self.listener,)


def open_door(standing: Standing, make: Make = socket.socket) -> HardwareDoor:
    """Open the door of an access point that is up. ``make`` makes sockets.

    There is one, for one phone at a time: a phone shows the network a hardware address of its own
    making, so that two could not be told apart. Raises OSError.
    """
    listener = _bound(make, standing.router, socket.SOCK_STREAM, DOOR_PORT)
    try:
        listener.listen(BACKLOG)
        resolver = _bound(make, standing.router, socket.SOCK_DGRAM, RESOLVER_PORT)
    except BaseException:
        listener.close()
        raise
    return HardwareDoor(standing.ssid, listener, resolver)


def _bound(make: Make, address: str, kind: socket.SocketKind, port: int) -> socket.socket:
    sock = make(socket.AF_INET, kind)
    try:
        if kind is socket.SOCK_STREAM:
            # Connections that have just ended are no hindrance.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        why = {
            errno.EADDRINUSE: "it serves another phone: one at a time",
            errno.EADDRNOTAVAIL: "it is not up any more: trustpin-lab wifi down, and up again",
        }.get(error.errno or 0, error.strerror)
        raise OSError(error.errno, f"the access point at {address}: {why}") from None
    return sock
