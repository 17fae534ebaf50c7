"""The request for a tunnel through an HTTP proxy (RFC 9110 section 9.3.6), as clients make it.

Only its plain form is read here: what is in any way unusual is for a whole HTTP server to judge.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

MAX_HEAD = 1 << 12
"""Bytes of a plain request, with room for a long User-Agent."""

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"

_PLAIN = re.compile(
    rb"CONNECT (?P<host>[A-Za-z0-9_.-]{1,253}):(?P<port>[1-9][0-9]{0,4}) HTTP/1\.1\r\n"
    rb"(?:(?i:Host|User-Agent|Connection|Proxy-Connection):[ \t!-~]*\r\n)*\r\n"
)
_BEGIN = b"CONNECT "
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class TunnelRequest:
    """Where a client wants to go through the proxy."""

    host: str
    port: int


async def read_tunnel_request(
    reader: asyncio.StreamReader,
) -> tuple[TunnelRequest | None, bytes]:
    """Read the beginning of a connection to a proxy. Return the request for a tunnel and what has
    come behind it; None and all that has come where that is no plain request, or none yet when
    the client ends. Waits for as long as what has come may become one. Raises OSError."""
    came = b""
    while _may_become_plain(came):
        part = await reader.read(MAX_HEAD)
        if not part:
            return None, came
        came += part
    match = _PLAIN.match(came)
    if match is None or int(match["port"]) > 65535:
        return None, came
    return TunnelRequest(match["host"].decode("ascii"), int(match["port"])), came[match.end() :]


def _may_become_plain(came: bytes) -> bool:
    same = min(len(came), len(_BEGIN))
    return came[:same] == _BEGIN[:same] and len(came) < MAX_HEAD and _END not in came


def refusal(status: int, reason: str, body: bytes) -> bytes:
    """Return the answer to a client that gets no tunnel: the connection ends behind it."""
    head = f"HTTP/1.1 {status} {reason}\r\ncontent-type: text/plain\r\nconnection: close\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode("ascii") + body
