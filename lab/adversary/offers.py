"""What a ClientHello offers that nobody should offer any more. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tlslite.constants import CipherSuite, ExtensionType

_NAMES = {(3, 0): "SSL 3.0", (3, 1): "TLS 1.0", (3, 2): "TLS 1.1"}
_TLS12 = (3, 3)
_EXPORT = frozenset(
    {3, 6, 8, 0xB, 0xE, 0x11, 0x14, 0x17, 0x19, *range(0x26, 0x2C), *range(0x62, 0x66)}
)
_DES = frozenset({9, 0xC, 0xF, 0x12, 0x15, 0x1A, 0x1E, 0x22})
_KINDS = (
    ("export suites", _EXPORT),
    ("DES suites", _DES),
    ("anonymous suites", frozenset(CipherSuite.anonSuites + CipherSuite.ecdhAnonSuites)),
    ("suites without encryption", frozenset(CipherSuite.nullSuites)),
    ("RC4 suites", frozenset(CipherSuite.rc4Suites)),
    ("3DES suites", frozenset(CipherSuite.tripleDESSuites)),
)
"""RFC 9325 section 4.1; numbers are IANA's."""


def highest(hello: Any) -> tuple[int, int]:
    """Return the newest version that a ClientHello (tlslite-ng's) offers."""
    return max(_versions(hello))


def weak_offers(hello: Any) -> list[str]:
    """Return in words what a ClientHello (tlslite-ng's) should not offer."""
    return list(_weak(hello))


def _weak(hello: Any) -> Iterator[str]:
    old = [v for v in _versions(hello) if v < _TLS12]
    yield from (_NAMES.get(version, str(version)) for version in sorted(old))
    suites = frozenset(hello.cipher_suites)
    yield from (name for name, kind in _KINDS if suites & kind)
    if any(hello.compression_methods):
        yield "compression"


def _versions(hello: Any) -> list[tuple[int, int]]:
    extension = hello.getExtension(ExtensionType.supported_versions)
    if extension is None:
        return [tuple(hello.client_version)]
    # What is not (3, n) is GREASE or a draft.
    return [v for v in extension.versions if v[0] == 3] or [tuple(hello.client_version)]
