"""A stable fingerprint of a TLS client from its ClientHello."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable

SERVER_NAME, PADDING, TICKET, PSK, EARLY_DATA, COOKIE, KEY_SHARE = 0, 21, 35, 41, 42, 44, 51

_VARIABLE = frozenset({SERVER_NAME, PADDING, TICKET, PSK, EARLY_DATA, COOKIE})
"""Extensions whose presence depends on the host or on an earlier connection, not on the client."""

_COMPARED = frozenset({10, 13, 16, 43})
"""Extensions whose content is the client's own: groups, signatures, ALPN, versions."""


def is_grease(value: int) -> bool:
    """Tell whether ``value`` is one of the reserved values of RFC 8701."""
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def fingerprint(suites: Iterable[int], extensions: Iterable[tuple[int, bytes]]) -> str:
    """Return 16 hex digits that are equal for all ClientHellos of one client.

    ``suites`` are in the order of the ClientHello, by preference. The order of ``extensions``
    does not count: some clients shuffle them for every connection (BoringSSL's
    ``SSL_CTX_set_permute_extensions``).
    """
    told = hashlib.sha256()
    for suite in suites:
        if not is_grease(suite):
            told.update(struct.pack("!cH", b"s", suite))
    for kind, content in sorted(extensions):
        if is_grease(kind) or kind in _VARIABLE:
            continue
        compared = _without_grease(kind, content) if kind in _COMPARED else b""
        told.update(struct.pack("!cHH", b"e", kind, len(compared)) + compared)
    return told.hexdigest()[:16]


def _without_grease(kind: int, content: bytes) -> bytes:
    if kind == 16:
        return content
    # A list of 16-bit values behind a length of one byte (versions) or two.
    values = content[1:] if kind == 43 else content[2:]
    pairs = [values[i : i + 2] for i in range(0, len(values) - 1, 2)]
    return b"".join(p for p in pairs if not is_grease(int.from_bytes(p, "big")))
