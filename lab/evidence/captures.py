"""Captures as they may be handed on (pcapng): what happened stays, what was said goes.

Of the TLS secrets only those of handshakes stay: certificates and alerts can be read with them,
requests and answers cannot. Requests in clear lose the values of their headers, their query and
their body. Lengths do not change, so that the file can be read as before.
"""

from __future__ import annotations

import re
import struct

from lab.network.kernel.pcapng import PACKET, SECRETS, TLS_KEY_LOG, blocks

HANDSHAKE = (b"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", b"SERVER_HANDSHAKE_TRAFFIC_SECRET ")

_HEAD = re.compile(rb"(?:^|(?<=[^A-Z]))[A-Z]{3,8} (\S{1,4096}) HTTP/1\.[01]\r\n", re.DOTALL)
_VALUE = re.compile(rb"(?m)^([A-Za-z0-9-]+): ?([^\r\n]*)")
KEPT = frozenset({b"host", b"content-length", b"content-type", b"connection", b"user-agent"})
"""Headers whose values say nothing of who asks."""


def scrubbed(content: bytes) -> tuple[bytes, int]:
    """Return a capture without what was said in it, and how many requests and secrets lost
    something. What is no capture, or is cut short, loses its odd end."""
    out, removed = [], 0
    for kind, order, body in blocks(content):
        if kind == SECRETS:
            kept, gone = _handshakes(body, order)
            removed += gone
            body = kept
        elif kind == PACKET:
            kept = _unsaid(body, order)
            removed += kept != body
            body = kept
        if body or kind != SECRETS:
            length = struct.pack(order + "I", 12 + len(body))
            out.append(struct.pack(order + "I", kind) + length + body + length)
    return b"".join(out), removed


def _handshakes(body: bytes, order: str) -> tuple[bytes, int]:
    """Return a block of secrets with those of handshakes only, empty where none is left."""
    kind, length = struct.unpack_from(order + "II", body)
    if kind != TLS_KEY_LOG:
        return b"", 1
    lines = body[8 : 8 + length].splitlines(keepends=True)
    kept = b"".join(line for line in lines if line.startswith(HANDSHAKE))
    if not kept:
        return b"", len(lines)
    padded = kept + bytes(-len(kept) % 4)
    gone = sum(not line.startswith(HANDSHAKE) for line in lines)
    return struct.pack(order + "II", kind, len(kept)) + padded, gone


def _unsaid(body: bytes, order: str) -> bytes:
    """Return a packet's block without what a request in clear says."""
    (length,) = struct.unpack_from(order + "I", body, 12)
    return body[:20] + _without_words(body[20 : 20 + length]) + body[20 + length :]


def _without_words(body: bytes) -> bytes:
    head = _HEAD.search(body)
    if head is None:
        return body
    before, rest = body[: head.end()], body[head.end() :]
    path, query, values = head[1].partition(b"?")
    if query:
        shown = path + query + b"x" * len(values)
        before = before[: head.start(1)] + shown + before[head.end(1) :]
    headers, blank, said = rest.partition(b"\r\n\r\n")
    headers = _VALUE.sub(_hidden, headers)
    return before + headers + blank + b"x" * len(said)


def _hidden(header: re.Match[bytes]) -> bytes:
    if header[1].lower() in KEPT:
        return header[0]
    return header[0][: header.start(2) - header.start()] + b"x" * len(header[2])
