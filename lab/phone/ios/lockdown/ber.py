"""From BER to DER, as far as signed messages need it (X.690 sections 8.1 and 10).

Apple's own tools and ``openssl cms -stream`` write lengths that are told only by an end, and
content in pieces; parsers of DER take neither.
"""

from __future__ import annotations

MAX_DEPTH = 32
_CONSTRUCTED, _NUMBER = 0x20, 0x1F
_OCTETS = 0x04
_END = b"\0\0"


def to_der(content: bytes) -> bytes:
    """Return the value that ``content`` begins with, with every length known and octets in one
    piece; what is behind it is left out. Raises ValueError for what is no BER."""
    return _value(content, 0, MAX_DEPTH)[0]


def _value(content: bytes, start: int, depth: int) -> tuple[bytes, int]:
    """Return one value and where it ends."""
    if depth == 0:
        raise ValueError("too deep")
    tag, at = _tag(content, start)
    length, at = _length(content, at)
    if not tag[0] & _CONSTRUCTED:
        if length is None:
            raise ValueError("a primitive value without a length")
        return tag + _encoded(length) + content[at : at + length], at + length
    parts, end = [], None if length is None else at + length
    while end is None or at < end:
        if end is None and content[at : at + 2] == _END:
            at += 2
            break
        part, at = _value(content, at, depth - 1)
        parts.append(part)
    if end is not None and at != end:
        raise ValueError("values that are longer than what holds them")
    if tag[0] == _OCTETS | _CONSTRUCTED:
        return _joined(parts), at
    inside = b"".join(parts)
    return tag + _encoded(len(inside)) + inside, at


def _joined(parts: list[bytes]) -> bytes:
    """Return one octet string made of those in ``parts``, which are DER."""
    pieces: list[bytes] = []
    for part in parts:
        if part[0] != _OCTETS:
            raise ValueError("pieces of octets that are none")
        length, at = _length(part, 1)
        pieces.append(part[at : at + (length or 0)])
    inside = b"".join(pieces)
    return bytes([_OCTETS]) + _encoded(len(inside)) + inside


def _tag(content: bytes, at: int) -> tuple[bytes, int]:
    start = at
    if at >= len(content):
        raise ValueError("it breaks off")
    at += 1
    if content[start] & _NUMBER == _NUMBER:
        while at < len(content) and content[at] & 0x80:
            at += 1
        at += 1
    return content[start:at], at


def _length(content: bytes, at: int) -> tuple[int | None, int]:
    """Return a length, None where an end tells it, and where it ends."""
    if at >= len(content):
        raise ValueError("it breaks off")
    first = content[at]
    at += 1
    if first == 0x80:
        return None, at
    if first < 0x80:
        length = first
    else:
        size = first & 0x7F
        length = int.from_bytes(content[at : at + size], "big")
        at += size
    if at + length > len(content):
        raise ValueError("it breaks off")
    return length, at


def _encoded(length: int) -> bytes:
    if length < 0x80:
        return bytes([length])
    size = (length.bit_length() + 7) // 8
    return bytes([0x80 | size]) + length.to_bytes(size, "big")
