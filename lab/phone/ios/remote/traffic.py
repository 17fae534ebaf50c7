"""The phone's connections, as they can be told from its frames. Pure: frames in, news out."""

from __future__ import annotations

import ipaddress
import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from lab.phone.ios.lockdown.handset import Frame

INTERFACE = (3, "en0")
"""Wi-Fi, the one interface of this phone that leads anywhere: its number and name."""
INET, INET6 = 2, 30
"""AF_INET and AF_INET6, as they are on iOS."""
MAX_CONNECTIONS = 1000
"""Connections that are counted; of more the oldest is told no more about."""

_TCP = 6
_ETHERNET = 14
_FOUR, _SIX = b"\x08\x00", b"\x86\xdd"


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection."""

    address: str
    port: int

    @property
    def packed(self) -> bytes:
        """As a socket address of BSD's (``sockaddr_in``, ``sockaddr_in6``)."""
        address = ipaddress.ip_address(self.address)
        if address.version == 4:
            return struct.pack(">BBH4s8x", 16, INET, self.port, address.packed)
        return struct.pack(">BBHI16sI", 28, INET6, self.port, 0, address.packed, 0)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a connection has carried until now: packets and bytes inside them."""

    received: tuple[int, int] = (0, 0)
    sent: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Seen:
    """A connection, and what it has carried."""

    serial: int
    pid: int
    local: End
    remote: End
    counts: Counts = Counts()
    is_new: bool = True
    """It was not told of before."""


class Connections:
    """All connections that frames were seen of. Not to be used from two threads at once."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[End, End], Seen] = OrderedDict()
        self._last = 0

    def news(self, frames: tuple[Frame, ...]) -> Iterator[Seen]:
        """Take what was sent and received, and yield each connection of which there is something
        to tell, once, in the order in which they came up."""
        changed: dict[tuple[End, End], None] = {}
        for frame in frames:
            read = read_frame(frame)
            if read is None:
                continue
            ends, size, is_first = read
            known = self._known.get(ends)
            # The same two ends again, with another handshake: another connection.
            if known is None or (is_first and known.counts.received[0]):
                self._last += 1
                known = Seen(self._last, frame.pid, *ends)
            counts = _counted(known.counts, size, outgoing=frame.outgoing)
            self._known[ends] = Seen(known.serial, known.pid, *ends, counts, known.is_new)
            changed[ends] = None
        for ends in changed:
            seen = self._known[ends]
            yield seen
            self._known[ends] = Seen(seen.serial, seen.pid, *ends, seen.counts, is_new=False)
        while len(self._known) > MAX_CONNECTIONS:
            self._known.popitem(last=False)


def read_frame(frame: Frame) -> tuple[tuple[End, End], int, bool] | None:
    """Return the phone's end and the other one, the bytes inside, and whether it is the first of
    a connection that the phone opens; None for a frame that is not of TCP."""
    content = frame.content
    kind = content[12:_ETHERNET]
    try:
        if kind == _FOUR:
            head = (content[_ETHERNET] & 0xF) * 4
            (total,) = struct.unpack_from(">H", content, _ETHERNET + 2)
            protocol, at = content[_ETHERNET + 9], _ETHERNET + head
            source, target = content[_ETHERNET + 12 : at][:4], content[_ETHERNET + 16 :][:4]
            size = total - head
        elif kind == _SIX:
            size, protocol = struct.unpack_from(">HB", content, _ETHERNET + 4)
            at = _ETHERNET + 40
            source, target = content[_ETHERNET + 8 :][:16], content[_ETHERNET + 24 :][:16]
        else:
            return None
        ports = struct.unpack_from(">HH", content, at)
        offset, flags = content[at + 12] >> 4, content[at + 13]
    except (struct.error, IndexError):
        return None
    if protocol != _TCP:
        return None
    ends = End(_address(source), ports[0]), End(_address(target), ports[1])
    is_first = frame.outgoing and flags & 0x12 == 0x02
    return ends if frame.outgoing else ends[::-1], max(0, size - offset * 4), is_first


def _address(raw: bytes) -> str:
    return str(ipaddress.ip_address(raw))


def _counted(counts: Counts, size: int, *, outgoing: bool) -> Counts:
    def more(so_far: tuple[int, int]) -> tuple[int, int]:
        return so_far[0] + 1, so_far[1] + size

    if outgoing:
        return Counts(counts.received, more(counts.sent))
    return Counts(more(counts.received), counts.sent)
