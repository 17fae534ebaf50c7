"""ARP over Ethernet (RFC 826): who says that an address of the network is his."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

_KIND, _HARDWARE, _IPV4 = 0x0806, 1, 0x0800
_REQUEST, _REPLY = 1, 2
_ETHERNET = struct.Struct("!6s6sH")
_BODY = struct.Struct("!HHBBH6s4s6s4s")


@dataclass(frozen=True, slots=True)
class Said:
    """What a frame of ARP says."""

    asks: bool
    hardware_address: bytes
    """Of who says it."""
    address: str
    """That he says is his."""


def announcement(address: str, hardware_address: bytes, to: bytes) -> bytes:
    """Return the frame that tells the station ``to`` that an address is at a hardware address: a
    gratuitous reply (RFC 5227 section 3), which is believed without having been asked for.

    That both addresses are in it twice is what Linux knows it by.
    """
    own = ipaddress.IPv4Address(address).packed
    fields = _HARDWARE, _IPV4, len(hardware_address), len(own), _REPLY
    body = _BODY.pack(*fields, hardware_address, own, hardware_address, own)
    return _ETHERNET.pack(to, hardware_address, _KIND) + body


def said(frame: bytes) -> Said | None:
    """Return what a frame says, None where it is no ARP."""
    try:
        _, _, kind = _ETHERNET.unpack_from(frame)
        *_, operation, station, address, _, _ = _BODY.unpack_from(frame, _ETHERNET.size)
    except struct.error:
        return None
    if kind != _KIND or operation not in (_REQUEST, _REPLY):
        return None
    return Said(operation == _REQUEST, station, str(ipaddress.IPv4Address(address)))
