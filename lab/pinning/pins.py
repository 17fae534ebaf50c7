"""Pins: made from certificates, read from text, compared with a leaf (contract section 4.5)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from enum import StrEnum
from itertools import islice

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.model.pins import Pin, PinKind
from lab.pki.der import body_fields

DIGEST_SIZE = {
    PinKind.LEAF_SHA256: 32,
    PinKind.LEAF_SHA512: 64,
    PinKind.SPKI_SHA256: 32,
    PinKind.SPKI_SHA512: 64,
}
"""Bytes of each kind's digest."""

_DER_START = re.compile(rb"\x30[\x81-\x84]")
"""A SEQUENCE longer than 127 bytes, as every certificate is, and no text begins."""
_PEM_START = re.compile(rb"(?:^|\A\xEF\xBB\xBF)-----BEGIN (?:X509 )?CERTIFICATE-----", re.MULTILINE)
"""At the start of a line (RFC 7468 section 3): what is commented out or quoted is none."""
_HEX = re.compile(r"[0-9A-Fa-f]+\Z")


class PinVerdict(StrEnum):
    """What the pins of a host say about a leaf."""

    MATCH = "match"
    MISMATCH = "mismatch"
    ALL_EXPIRED = "all_expired"


def read_certificate(content: bytes) -> x509.Certificate:
    """Read a certificate from DER, or the first one from PEM. Raises ValueError for neither."""
    try:
        # DER comes first: PEM text inside a certificate must not stand in for the certificate.
        if _DER_START.match(content):
            return x509.load_der_x509_certificate(content)
        if start := _PEM_START.search(content):
            return x509.load_pem_x509_certificate(content[start.start() :])
    except x509.InvalidVersion as error:
        raise ValueError(str(error)) from None
    raise ValueError("neither DER nor PEM")


def public_key_info(certificate: x509.Certificate) -> bytes:
    """Return the DER SubjectPublicKeyInfo as it stands in ``certificate``.

    The bytes themselves, not a key that was read and written again: so it works for every type
    of key, also for those which nothing here can use.
    """
    # Behind version, serialNumber, signature, issuer, validity and subject.
    return next(islice(body_fields(certificate.tbs_certificate_bytes), 6, None))


def digest_of(certificate: x509.Certificate, kind: PinKind) -> bytes:
    """Return the raw digest: over the whole DER, or over the DER SubjectPublicKeyInfo."""
    if kind in (PinKind.LEAF_SHA256, PinKind.LEAF_SHA512):
        return digest_of_bytes(certificate.public_bytes(Encoding.DER), kind)
    return digest_of_bytes(public_key_info(certificate), kind)


def digest_of_bytes(pinned: bytes, kind: PinKind) -> bytes:
    """Return the raw digest of what a pin of ``kind`` is of, made with the kind's hash."""
    return hashlib.new("sha512" if DIGEST_SIZE[kind] == 64 else "sha256", pinned).digest()


def pin_of(
    certificate: x509.Certificate | bytes, kind: PinKind, expires_at: int | None = None
) -> Pin:
    """Return the pin of ``certificate`` (bytes: PEM or DER), base64 as on the wire.

    ``expires_at`` is in epoch seconds. Raises ValueError for bytes that are no certificate.
    """
    read = read_certificate(certificate) if isinstance(certificate, bytes) else certificate
    return Pin(kind, base64.b64encode(digest_of(read, kind)).decode(), expires_at)


def all_pins(certificate: x509.Certificate | bytes) -> dict[PinKind, str]:
    """Return all four digests of ``certificate``, base64. Raises ValueError as ``pin_of``."""
    read = read_certificate(certificate) if isinstance(certificate, bytes) else certificate
    return {kind: pin_of(read, kind).digest for kind in PinKind}


def parse_digest(text: str) -> bytes:
    """Read a digest that a person typed: hex (any case, with colons or spaces) or base64.

    Raises ValueError where it is neither, or not 32 or 64 bytes long.
    """
    squeezed = re.sub(r"[\s:]", "", text)
    shown = repr(text if len(text) <= 160 else text[:160] + "…")
    if len(squeezed) in (64, 128) and _HEX.match(squeezed):
        return bytes.fromhex(squeezed)
    try:
        raw = base64.b64decode(squeezed, validate=True)
    except ValueError:
        raise ValueError(f"{shown} is neither hexadecimal nor base64") from None
    if len(raw) not in (32, 64):
        raise ValueError(
            f"{shown} is {len(raw)} bytes long; SHA-256 has 32 (64 hex digits, 44 characters of "
            "base64), SHA-512 has 64 (128 hex digits, 88 characters)"
        )
    return raw


def parse_wire_digest(text: str, kind: PinKind) -> bytes:
    """Read a digest as the configuration carries it: standard padded base64, nothing else.

    Raises ValueError where it is not, or of another length than ``kind`` has.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f"{kind}: not standard padded base64") from None
    if len(raw) != DIGEST_SIZE[kind]:
        raise ValueError(f"{kind}: {len(raw)} bytes, due are {DIGEST_SIZE[kind]}")
    # The decoder drops what stands in the unused bits of the last character.
    if base64.b64encode(raw).decode() != text:
        raise ValueError(f"{kind}: not the canonical base64 of its bytes")
    return raw


def matches(pin: Pin, certificate: x509.Certificate) -> bool:
    """Tell whether ``pin`` vouches for the leaf ``certificate``. A malformed pin never does."""
    try:
        wanted = parse_wire_digest(pin.digest, pin.kind)
    except ValueError:
        return False
    return wanted == digest_of(certificate, pin.kind)


def live(pins: Iterable[Pin], now: float) -> tuple[Pin, ...]:
    """Drop the pins that have expired: those with ``expires_at`` at or before ``now``.

    The boundary is an assumption (contract section 4.3).
    """
    return tuple(p for p in pins if p.expires_at is None or p.expires_at > now)


def check(pins: Iterable[Pin], certificate: x509.Certificate, now: float) -> PinVerdict:
    """Compare a leaf with the pins of its host (contract section 10, steps 10 and 11).

    Fails closed: without a live pin, also where there was none to begin with, the verdict is
    ALL_EXPIRED. ``now`` is the device's time in epoch seconds.
    """
    usable = live(pins, now)
    if not usable:
        return PinVerdict.ALL_EXPIRED
    if any(matches(pin, certificate) for pin in usable):
        return PinVerdict.MATCH
    return PinVerdict.MISMATCH
