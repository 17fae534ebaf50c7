"""DHCP messages (RFC 2131, RFC 2132): how a network tells who joins it what to use."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

SERVER_PORT, CLIENT_PORT = 67, 68
MAX_MESSAGE = 1500
"""Bytes of a message that are read."""

_FIXED = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
_COOKIE = b"\x63\x82\x53\x63"
_ETHERNET = 1
_BROADCAST = 0x8000
_MIN_SIZE = 300
"""Bytes that a message has at least, for the sake of old relays (RFC 1542 section 2.1)."""
_PAD, _END = 0, 255
_ANY = "0.0.0.0"  # noqa: S104 - stands for no address


class Kind(IntEnum):
    """What a message is for (RFC 2132 section 9.6)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


class Option(IntEnum):
    """Options that the lab understands (RFC 2132, RFC 3397)."""

    SUBNET = 1
    ROUTER = 3
    RESOLVER = 6
    HOST_NAME = 12
    DOMAIN = 15
    REQUESTED = 50
    LEASE_TIME = 51
    KIND = 53
    SERVER = 54
    WANTED = 55


class Malformed(ValueError):
    """What came was no DHCP message."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What a network hands out to one who joins it."""

    address: str
    prefix: int
    """Bits of the address that are the network's."""
    router: str
    resolver: str
    domain: str
    """The name in which short names are looked up; empty for none."""
    server: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as far as the lab reads it."""

    kind: Kind
    transaction: int
    station: bytes
    """The hardware address of the client, 6 bytes."""
    is_reply: bool = False
    yours: str = _ANY
    """The address that the server gives."""
    current: str = _ANY
    """The address that the client has."""
    options: Mapping[int, bytes] = field(default_factory=dict)
    """All but the kind."""

    def pack(self) -> bytes:
        """Return the message as it is sent; answers are wanted by broadcast."""
        fixed = _FIXED.pack(
            2 if self.is_reply else 1,
            _ETHERNET,
            len(self.station),
            0,
            self.transaction,
            0,
            _BROADCAST,
            _packed(self.current),
            _packed(self.yours),
            bytes(4),
            bytes(4),
            self.station,
            b"",
            b"",
            _COOKIE,
        )
        options = {Option.KIND: bytes([self.kind]), **self.options}
        body = b"".join(bytes([number, len(v)]) + v for number, v in options.items())
        return (fixed + body + bytes([_END])).ljust(_MIN_SIZE, b"\0")

    @classmethod
    def parse(cls, packet: bytes) -> Message:
        """Read a message. Raises Malformed."""
        try:
            head = _FIXED.unpack_from(packet)
        except struct.error:
            raise Malformed("too short") from None
        operation, _, size, _, transaction, _, _, current, yours = head[:9]
        if head[-1] != _COOKIE or operation not in (1, 2) or size != 6:
            raise Malformed("not DHCP over Ethernet")
        options = _options(packet[_FIXED.size :])
        told = options.pop(Option.KIND, b"")
        if len(told) != 1 or told[0] not in Kind.__members__.values():
            raise Malformed("of no known kind")
        return cls(
            Kind(told[0]),
            transaction,
            head[11][:6],
            operation == 2,
            _address(yours),
            _address(current),
            options,
        )

    def lease(self) -> Lease:
        """Return what an offer or an acknowledgement hands out. Raises Malformed."""
        options = self.options
        try:
            mask = _address(options[Option.SUBNET])
            return Lease(
                address=self.yours,
                prefix=ipaddress.IPv4Network(f"{_ANY}/{mask}").prefixlen,
                router=_address(options[Option.ROUTER][:4]),
                resolver=_address(options[Option.RESOLVER][:4]),
                domain=options.get(Option.DOMAIN, b"").rstrip(b"\0").decode("ascii"),
                server=_address(options[Option.SERVER]),
                seconds=int.from_bytes(options[Option.LEASE_TIME], "big"),
            )
        except (LookupError, ValueError) as error:
            raise Malformed(f"no usable lease: {error}") from None


def handed_out(lease: Lease) -> dict[int, bytes]:
    """Return the options that tell of ``lease``."""
    mask = ipaddress.IPv4Network(f"{_ANY}/{lease.prefix}").netmask
    options = {
        Option.SERVER: _packed(lease.server),
        Option.LEASE_TIME: lease.seconds.to_bytes(4, "big"),
        Option.SUBNET: mask.packed,
        Option.ROUTER: _packed(lease.router),
        Option.RESOLVER: _packed(lease.resolver),
    }
    if lease.domain:
        options[Option.DOMAIN] = lease.domain.encode("ascii")
    return {int(number): value for number, value in options.items()}


def _options(packed: bytes) -> dict[int, bytes]:
    """Read options. Raises Malformed where one is longer than what is left."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(packed) and packed[at] != _END:
        if packed[at] == _PAD:
            at += 1
            continue
        value = packed[at + 2 : at + 2 + packed[at + 1]] if at + 1 < len(packed) else b""
        if at + 1 >= len(packed) or len(value) != packed[at + 1]:
            raise Malformed("cut off in an option")
        # An option that comes in parts is put together (RFC 3396 section 5).
        found[packed[at]] = found.get(packed[at], b"") + value
        at += 2 + len(value)
    return found


def _packed(address: str) -> bytes:
    return ipaddress.IPv4Address(address).packed


def _address(packed: bytes) -> str:
    return str(ipaddress.IPv4Address(packed))
