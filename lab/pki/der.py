"""Just enough DER (X.690) to take certificates apart and put them together wrongly."""

from __future__ import annotations

from collections.abc import Iterator

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x02, 0x03, 0x04, 0x05, 0x06
SEQUENCE = 0x30
DNS_NAME = 0x82
"""The choice [2] of a GeneralName (RFC 5280 section 4.2.1.6), an IA5String."""
_VERSION = 0xA0
"""[0] EXPLICIT: the first field of a TBSCertificate, which v1 lacks (RFC 5280 section 4.1)."""


def element(tag: int, *parts: bytes) -> bytes:
    """Return the element of this tag whose content is ``parts``, one behind the other."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def elements(content: bytes) -> Iterator[bytes]:
    """Yield the elements that ``content`` is made of. For what is known to be DER."""
    while content:
        size = _size(content)
        yield content[:size]
        content = content[size:]


def inside(encoded: bytes) -> bytes:
    """Return the content of one element."""
    return encoded[_begin(encoded) :]


def body_fields(body: bytes) -> Iterator[bytes]:
    """Yield the fields of a TBSCertificate, an empty one for the version where there is none."""
    fields = elements(inside(body))
    first = next(fields)
    if first[0] != _VERSION:
        yield b""
    yield first
    yield from fields


def integer(value: int) -> bytes:
    """Return an INTEGER, negative ones in two's complement."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def bit_string(content: bytes) -> bytes:
    """Return a BIT STRING of whole octets."""
    return element(BIT_STRING, b"\0", content)


def oid(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *others = map(int, dotted.split("."))
    return element(OID, *map(_base128, (40 * first + second, *others)))


def _base128(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(0x80 | value & 0x7F)
    return bytes(reversed(digits))


def _begin(encoded: bytes) -> int:
    return 2 if encoded[1] < 0x80 else 2 + (encoded[1] & 0x7F)


def _size(encoded: bytes) -> int:
    begin = _begin(encoded)
    return begin + (encoded[1] if begin == 2 else int.from_bytes(encoded[2:begin]))
