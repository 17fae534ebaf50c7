"""Pins: made from certificates, read from text, compared with a leaf (contract section 4.5)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.model.pins import Pin, PinKind

DIGEST_SIZE = {
    PinKind.LEAF_SHA256: 32,
    PinKind.LEAF_SHA512: 64,
    PinKind.SPKI_SHA256: 32,
    PinKind.SPKI_SHA512: 64,
}
"""Bytes of each kind's digest."""

_PEM_MARK = b"-----BEGIN CERTIFICATE-----"
_HEX = re.compile(r"[0-9A-Fa-f]+\Z")


class PinVerdict(StrEnum):
    """What the pins of a host say about a leaf."""

    MATCH = "match"
    MISMATCH = "mismatch"
    ALL_EXPIRED = "all_expired"


def read_certificate(content: bytes) -> x509.Certificate:
    """Read a certificate from DER, or the first one from PEM. Raises ValueError for neither."""
    start = content.find(_PEM_MARK)
    if start >= 0:
        return x509.load_pem_x509_certificate(content[start:])
    return x509.load_der_x509_certificate(content)


def digest_of(certificate: x509.Certificate, kind: PinKind) -> bytes:
    """Return the raw digest: over the whole DER, or over the DER SubjectPublicKeyInfo."""
    if kind in (PinKind.LEAF_SHA256, PinKind.LEAF_SHA512):
        pinned = certificate.public_bytes(Encoding.DER)
    else:
        pinned = certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
    return hashlib.new("sha512" if DIGEST_SIZE[kind] == 64 else "sha256", pinned).digest()


def pin_of(
    certificate: x509.Certificate | bytes, kind: PinKind, expires_at: int | None = None
) -> Pin:
    """Return the pin of ``certificate`` (bytes: PEM or DER), base64 as on the wire."""
    read = read_certificate(certificate) if isinstance(certificate, bytes) else certificate
    return Pin(kind, base64.b64encode(digest_of(read, kind)).decode(), expires_at)


def all_pins(certificate: x509.Certificate | bytes) -> dict[PinKind, str]:
    """Return all four digests of ``certificate``, base64."""
    read = read_certificate(certificate) if isinstance(certificate, bytes) else certificate
    return {kind: pin_of(read, kind).digest for kind in PinKind}


def parse_digest(text: str) -> bytes:
    """Read a digest that a person typed: hex (any case, with colons or spaces) or base64.

    Raises ValueError where it is neither, or not 32 or 64 bytes long.
    """
    squeezed = re.sub(r"[\s:]", "", text)
    if len(squeezed) in (64, 128) and _HEX.match(squeezed):
        return bytes.fromhex(squeezed)
    try:
        raw = base64.b64decode(squeezed, validate=True)
    except binascii.Error:
        raise ValueError(f"{text!r} is neither hexadecimal nor base64") from None
    if len(raw) not in (32, 64):
        raise ValueError(
            f"{text!r} is {len(raw)} bytes long; SHA-256 has 32 (64 hex digits, 44 characters of "
            "base64), SHA-512 has 64 (128 hex digits, 88 characters)"
        )
    return raw


def parse_wire_digest(text: str, kind: PinKind) -> bytes:
    """Read a digest as the configuration carries it: standard padded base64, nothing else.

    Raises ValueError where it is not, or of another length than ``kind`` has.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{kind}: not base64") from None
    if len(raw) != DIGEST_SIZE[kind] or base64.b64encode(raw).decode() != text:
        raise ValueError(f"{kind}: {len(raw)} bytes, due are {DIGEST_SIZE[kind]}")
    return raw


def matches(pin: Pin, certificate: x509.Certificate) -> bool:
    """Tell whether ``pin`` vouches for the leaf ``certificate``. A malformed pin never does."""
    try:
        wanted = parse_wire_digest(pin.digest, pin.kind)
    except ValueError:
        return False
    return wanted == digest_of(certificate, pin.kind)


def live(pins: Iterable[Pin], now: float) -> tuple[Pin, ...]:
    """Drop the pins that have expired: those with ``expires_at`` at or before ``now``."""
    return tuple(p for p in pins if p.expires_at is None or p.expires_at > now)


def check(pins: Iterable[Pin], certificate: x509.Certificate, now: float) -> PinVerdict:
    """Compare a leaf with the pins of its host (contract section 10, steps 10 and 11)."""
    usable = live(pins, now)
    if not usable:
        return PinVerdict.ALL_EXPIRED
    if any(matches(pin, certificate) for pin in usable):
        return PinVerdict.MATCH
    return PinVerdict.MISMATCH
