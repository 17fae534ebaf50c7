"""The simulated default gateway's side of the link: a SOCKS5 server (RFC 1928).

Without root a lab cannot take a device's packets off a real network. The virtual phone and
command-line clients reach their gateway through SOCKS5 instead: they resolve names with the
network's resolver, dial an address, and the gateway learns that address just as a router would.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from dataclasses import dataclass
from enum import IntEnum

VERSION = 5
NO_AUTHENTICATION = 0
CONNECT = 1
IPV4, DOMAIN, IPV6 = 1, 3, 4

HANDSHAKE_CAP = 10.0
"""Seconds that a client may take to say where it wants to go."""


class Reply(IntEnum):
    """Reply codes (RFC 1928 section 6)."""

    SUCCEEDED = 0
    NOT_ALLOWED = 2
    """By the network's rules."""
    HOST_UNREACHABLE = 4
    REFUSED = 5
    COMMAND_NOT_SUPPORTED = 7
    ADDRESS_NOT_SUPPORTED = 8


class BadClient(Exception):
    """What came was not a SOCKS5 client's greeting and request."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the client wants to go: an address, or a name where it left resolving to others."""

    host: str
    port: int


async def read_destination(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Destination:
    """Go through greeting and request. Raises BadClient; answers errors as the RFC asks."""
    try:
        async with asyncio.timeout(HANDSHAKE_CAP):
            return await _read_destination(reader, writer)
    except TimeoutError:
        raise BadClient("took too long") from None
    except (asyncio.IncompleteReadError, OSError, UnicodeDecodeError) as error:
        raise BadClient(str(error)) from None


async def _read_destination(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Destination:
    version, count = await reader.readexactly(2)
    if version != VERSION:
        raise BadClient("not SOCKS5")
    methods = await reader.readexactly(count)
    if NO_AUTHENTICATION not in methods:
        writer.write(bytes([VERSION, 0xFF]))
        raise BadClient("no acceptable method")
    writer.write(bytes([VERSION, NO_AUTHENTICATION]))
    version, command, _, kind = await reader.readexactly(4)
    if version != VERSION or command != CONNECT:
        answer(writer, Reply.COMMAND_NOT_SUPPORTED)
        raise BadClient("not a CONNECT request")
    host = await _read_address(reader, writer, kind)
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    return Destination(host, port)


async def _read_address(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kind: int
) -> str:
    if kind == IPV4:
        return str(ipaddress.IPv4Address(await reader.readexactly(4)))
    if kind == IPV6:
        return str(ipaddress.IPv6Address(await reader.readexactly(16)))
    if kind == DOMAIN:
        (length,) = await reader.readexactly(1)
        return (await reader.readexactly(length)).decode("ascii").lower()
    answer(writer, Reply.ADDRESS_NOT_SUPPORTED)
    raise BadClient("unknown address type")


def answer(writer: asyncio.StreamWriter, reply: Reply) -> None:
    """Send the reply; the bound address is of no use to anyone here."""
    writer.write(bytes([VERSION, reply, 0, IPV4, 0, 0, 0, 0, 0, 0]))
