"""A device's side of a network: joining it by DHCP, leaving it, sockets on it.

For those who live in a namespace, in whatever process: ``lab.network.kernel.channel.Channel`` is
all that it takes.
"""

from __future__ import annotations

import fcntl
import secrets
import socket
import threading
import time

from lab.network.kernel.channel import Channel
from lab.network.kernel.dhcp import (
    CLIENT_PORT,
    MAX_MESSAGE,
    SERVER_PORT,
    Kind,
    Lease,
    Malformed,
    Message,
    Option,
)
from lab.network.kernel.dhcp_server import on_interface

ANSWER_CAP = 1.0
"""Seconds to wait for an answer before asking again."""
TRIES = 4


class NoLease(OSError):
    """Nobody on the network hands out addresses."""


class Member:
    """Joins one network at a time. May be used from any thread.

    All of the device's connections end when it leaves a network, as Android has it (netd destroys
    sockets whose address is gone).
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._joined: str | None = None

    def socket(self, family: int, type: int, proto: int = 0) -> socket.socket:
        """Return a socket in the device's namespace. Raises OSError."""
        return self._channel.socket(family, type, proto)

    def join(self, interface: str) -> Lease:
        """Leave what is joined, join the network at ``interface`` and return what it hands out.

        Raises OSError, NoLease where nobody answers.
        """
        with self._lock:
            self._leave()
            self._channel.ip([f"link set {interface} up"])
            self._joined = interface
            try:
                lease = self._ask(interface)
                self._channel.ip(
                    [
                        f"address add {lease.address}/{lease.prefix} dev {interface}",
                        f"route add default via {lease.router}",
                    ]
                )
            except BaseException:
                self._leave()
                raise
            return lease

    def leave(self) -> None:
        """Leave what is joined, if anything. Raises OSError."""
        with self._lock:
            self._leave()

    def close(self) -> None:
        """End the line to the namespace, and leave things as they are."""
        self._channel.close()

    def _leave(self) -> None:
        interface, self._joined = self._joined, None
        if interface is not None:
            # First, so that the other ends hear of it.
            self._channel.cut()
            self._channel.ip([f"address flush dev {interface}", f"link set {interface} down"])

    def _ask(self, interface: str) -> Lease:
        """Go through discovery and request (RFC 2131 section 3.1)."""
        with on_interface(self._channel.socket, interface, CLIENT_PORT) as sock:
            station = _hardware_address(sock, interface)
            for _ in range(TRIES):
                transaction = secrets.randbits(32)
                offer = _exchange(sock, Message(Kind.DISCOVER, transaction, station), Kind.OFFER)
                if offer is None:
                    continue
                chosen = {
                    int(Option.REQUESTED): socket.inet_aton(offer.address),
                    int(Option.SERVER): socket.inet_aton(offer.server),
                }
                request = Message(Kind.REQUEST, transaction, station, options=chosen)
                lease = _exchange(sock, request, Kind.ACK)
                if lease is not None:
                    return lease
        raise NoLease(f"no DHCP server answers on {interface}")


def _exchange(sock: socket.socket, asked: Message, wanted: Kind) -> Lease | None:
    """Send a message and return the lease in its answer, None where none comes in time."""
    sock.sendto(asked.pack(), ("255.255.255.255", SERVER_PORT))
    deadline = time.monotonic() + ANSWER_CAP
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            answer = Message.parse(sock.recv(MAX_MESSAGE))
            if not answer.is_reply or answer.transaction != asked.transaction:
                continue
            if answer.kind is Kind.NAK:
                return None
            if answer.kind is wanted:
                return answer.lease()
        except TimeoutError:
            return None
        except Malformed:
            continue
    return None


def _hardware_address(sock: socket.socket, interface: str) -> bytes:
    """Return the Ethernet address of ``interface``. Raises OSError."""
    # SIOCGIFHWADDR (linux/sockios.h), of the namespace that the socket is in.
    request = interface.encode().ljust(16, b"\0") + bytes(24)
    answer: bytes = fcntl.ioctl(sock.fileno(), 0x8927, request)
    return answer[18:24]
