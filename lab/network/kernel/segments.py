"""TCP as it is in the frames of a capture: segments, and the connections that they make up."""

from __future__ import annotations

import ipaddress
import struct
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lab.model.device import Endpoint
from lab.model.wire import ConnectionRecord, Crossing
from lab.network.kernel.tap import TCP, opens, transport

_ETHERNET = 14
_HEADER_4, _HEADER_6 = 20, 40
_FIN, _SYN = 0x01, 0x02
_NUMBERS = 1 << 32
"""Sequence numbers begin again behind these (RFC 9293 section 3.4)."""

Ends = tuple[Endpoint, Endpoint]
"""Where a segment comes from, and where it goes."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of TCP (RFC 9293 section 3.1)."""

    ends: Ends
    number: int
    """Sequence number of its first byte, or of its SYN."""
    opens: bool
    """It is the first one of a connection: SYN without ACK."""
    takes_number: bool
    """Its SYN takes a sequence number before the first byte."""
    payload: bytes


def segment(frame: bytes) -> Segment | None:
    """Return the segment in an Ethernet frame, None where there is none that is whole."""
    try:
        protocol, at = transport(frame)
        if protocol != TCP:
            return None
        old = frame[_ETHERNET] >> 4 == 4
        addresses = struct.unpack_from("!4s4s" if old else "!16s16s", frame, 26 if old else 22)
        (length,) = struct.unpack_from("!H", frame, 16 if old else 18)
        end = _ETHERNET + length + (0 if old else _HEADER_6)
        source, destination, number = struct.unpack_from("!HHI", frame, at)
        flags = frame[at + 13]
        begins = at + (frame[at + 12] >> 4) * 4
        first = opens(frame, at)
    except (struct.error, IndexError):
        return None
    if not at + _HEADER_4 <= begins <= end <= len(frame):
        return None
    one, other = (str(ipaddress.ip_address(each)) for each in addresses)
    ends = Endpoint(one, source), Endpoint(other, destination)
    return Segment(ends, number, first, bool(flags & _SYN), frame[begins:end])


@dataclass(slots=True)
class Stream:
    """What one end of a connection has sent."""

    packets: int = 0
    _begin: int | None = None
    """Sequence number of the first byte."""
    _pieces: dict[int, bytes] = field(default_factory=dict)
    """By how far they are from the first byte."""

    def take(self, one: Segment) -> None:
        """Take in a segment, in whatever order, and also one that was sent before."""
        self.packets += 1
        number = (one.number + one.takes_number) % _NUMBERS
        if self._begin is None:
            self._begin = number
        at = (number - self._begin) % _NUMBERS
        if len(one.payload) > len(self._pieces.get(at, b"")):
            self._pieces[at] = one.payload

    def content(self) -> bytes:
        """Return the bytes up to the first that is missing."""
        made = bytearray()
        for at in sorted(self._pieces):
            if at > len(made):
                break
            made += self._pieces[at][len(made) - at :]
        return bytes(made)

    @property
    def is_whole(self) -> bool:
        """Whether no byte is missing before one that is there."""
        return len(self.content()) >= max(
            (at + len(p) for at, p in self._pieces.items()), default=0
        )


@dataclass(slots=True)
class Conversation:
    """A TCP connection, of which there is at least one segment."""

    client: Endpoint
    server: Endpoint
    """Where the client dialled."""
    up: Stream = field(default_factory=Stream)
    """From the client."""
    down: Stream = field(default_factory=Stream)

    @property
    def crossing(self) -> Crossing:
        """How much of it there is."""
        both = self.up, self.down
        return Crossing(
            (both[0].packets, both[1].packets),
            (len(both[0].content()), len(both[1].content())),
        )


def conversations(frames: Iterable[bytes]) -> list[Conversation]:
    """Return the connections that ``frames`` are from, in the order in which they begin. Those
    whose first segment is not there are left out."""
    living: dict[Ends, Conversation] = {}
    found: list[Conversation] = []
    for frame in frames:
        one = segment(frame)
        if one is None:
            continue
        source, destination = one.ends
        known = living.get(one.ends)
        if one.opens and (known is None or known.down.packets):
            # Ports are used again.
            known = living[one.ends] = Conversation(source, destination)
            found.append(known)
        if known is not None:
            known.up.take(one)
        elif (answered := living.get((destination, source))) is not None:
            answered.down.take(one)
    return found


def paired(
    records: Iterable[ConnectionRecord], seen: Iterable[Conversation]
) -> Iterator[tuple[ConnectionRecord, Conversation | None]]:
    """Yield each record with the connection that it tells of, None where that was not seen. Of
    those from one port the first is the first."""
    waiting: dict[str, deque[Conversation]] = defaultdict(deque)
    for conversation in seen:
        waiting[str(conversation.client)].append(conversation)
    for record in sorted(records, key=lambda each: each.id):
        there = waiting[record.peer]
        yield record, there.popleft() if there else None
