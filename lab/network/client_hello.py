"""The name that a ClientHello asks for (RFC 8446 section 4.1.2; RFC 6066 section 3)."""

from __future__ import annotations

HANDSHAKE, CLIENT_HELLO = 22, 1

_RECORD_HEADER, _MESSAGE_HEADER = 5, 4
_BEFORE_SESSION = 2 + 32
"""Version and random."""
_SERVER_NAME = 0


def name_in(hello: bytes) -> str | None:
    """Return the host name that the body of a ClientHello asks for, lower case; None where it asks
    for none. Of one that is cut off what is there is read."""
    at = _BEFORE_SESSION
    for width in (1, 2, 1):
        # Session id, suites, compression methods.
        at += width + int.from_bytes(hello[at : at + width], "big")
    listed = extensions(hello[at:]).get(_SERVER_NAME, b"")
    # A list of names, each with a type; there is one type.
    length = int.from_bytes(listed[3:5], "big")
    name = listed[5 : 5 + length]
    return name.decode("latin-1").lower() if name and listed[2] == 0 else None


def name_in_segment(payload: bytes) -> str | None:
    """Return the name that the ClientHello asks for with which ``payload`` begins, None where it
    begins with none, or the name is not in this segment."""
    body = payload[_RECORD_HEADER + _MESSAGE_HEADER :]
    if payload[:1] != bytes([HANDSHAKE]) or payload[_RECORD_HEADER : _RECORD_HEADER + 1] != bytes(
        [CLIENT_HELLO]
    ):
        return None
    return name_in(body)


def extensions(content: bytes) -> dict[int, bytes]:
    """Return the extensions in a block of them, as far as they are there."""
    found: dict[int, bytes] = {}
    at, end = 2, min(len(content), 2 + int.from_bytes(content[:2], "big"))
    while at + 4 <= end:
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        body = content[at + 4 : at + 4 + length]
        found.setdefault(int.from_bytes(content[at : at + 2], "big"), body)
        at += 4 + length
    return found
