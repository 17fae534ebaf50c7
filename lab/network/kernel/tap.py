"""A tap on the cable to one device: every packet, as an access point sees it (packet(7))."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from lab.model.device import Endpoint
from lab.network.kernel.namespace import Namespace

ALL_PROTOCOLS = 3
"""ETH_P_ALL (linux/if_ether.h)."""
MAX_FRAME = 65_550
MOST_AT_ONCE = 64
"""Frames that are read before others get their turn."""

TCP, UDP = 6, 17

_ETHERNET, _HEADER_6 = 14, 40
_IPV4, _IPV6 = (0x0800, 4), (0x86DD, 6)
"""What a frame says that it holds, and the version that is in there."""
_SYN, _ACK = 0x02, 0x10


@dataclass(frozen=True, slots=True)
class Opened:
    """The first packet of a TCP connection."""

    source: Endpoint
    destination: Endpoint


class Tap:
    """Sees every frame on ``interface``. ``seen`` is called on the loop with each of them."""

    def __init__(
        self,
        namespace: Namespace,
        interface: str,
        loop: asyncio.AbstractEventLoop,
        seen: Callable[[bytes], None],
    ) -> None:
        """Raises OSError."""
        self._loop = loop
        self._seen = seen
        # Of no protocol before it is bound: it must not see other interfaces.
        self._sock = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW)
        try:
            self._sock.bind((interface, ALL_PROTOCOLS))
            self._sock.setblocking(False)
            loop.add_reader(self._sock.fileno(), self._read)
        except BaseException:
            self._sock.close()
            raise

    def close(self) -> None:
        """Take the tap off. May be repeated."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()

    def drain(self) -> None:
        """See what has crossed and was not looked at yet."""
        while self._sock.fileno() >= 0 and self._read():
            pass

    def _read(self) -> bool:
        """Look at some frames; tell whether there may be more."""
        for _ in range(MOST_AT_ONCE):
            try:
                frame = self._sock.recv(MAX_FRAME)
            except BlockingIOError:
                return False
            except OSError:
                # The interface is gone, and the device with it.
                self.close()
                return False
            self._seen(frame)
        return True


def sender(frame: bytes) -> bytes:
    """Return the hardware address that sent a frame."""
    return frame[6:12]


def receiver(frame: bytes) -> bytes:
    """Return the hardware address that a frame was sent to."""
    return frame[:6]


def transport(frame: bytes) -> tuple[int, int]:
    """Return the protocol above IP, and where its header begins; zeros where there is no IP.
    Extension headers of IPv6 hide it, and mean no harm here. Raises struct.error, IndexError."""
    (kind,) = struct.unpack_from("!H", frame, 12)
    holds = kind, frame[_ETHERNET] >> 4
    if holds == _IPV4:
        return frame[_ETHERNET + 9], _ETHERNET + (frame[_ETHERNET] & 15) * 4
    if holds == _IPV6:
        return frame[_ETHERNET + 6], _ETHERNET + _HEADER_6
    return 0, 0


def opens(frame: bytes, segment: int) -> bool:
    """Tell whether the header of TCP at ``segment`` opens a connection. Raises IndexError."""
    return frame[segment + 13] & (_SYN | _ACK) == _SYN


def opened(frame: bytes) -> Opened | None:
    """Return the connection over IPv4 that a frame opens, None where it opens none."""
    try:
        protocol, segment = transport(frame)
        if protocol != TCP or frame[_ETHERNET] >> 4 != 4 or not opens(frame, segment):
            return None
        source, destination = struct.unpack_from("!4s4s", frame, _ETHERNET + 12)
        ports = struct.unpack_from("!HH", frame, segment)
    except (struct.error, IndexError):
        return None
    ends = (
        Endpoint(str(ipaddress.IPv4Address(address)), port)
        for address, port in zip((source, destination), ports, strict=True)
    )
    return Opened(*ends)
