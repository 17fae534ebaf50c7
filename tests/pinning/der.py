"""DER written by hand: certificates that no library makes any more."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.pki.authority import Authority

ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


def element(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + content


def certificate_of_version(version: int | None, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a self-signed certificate; version None writes none and no extensions, as v1 has it.

    Versions count from 0 (RFC 5280 section 4.1.2.1).
    """
    name = x509.Name.from_rfc4514_string("CN=By hand").public_bytes()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    times = (element(0x17, text) for text in (b"240101000000Z", b"340101000000Z"))
    tbs = element(
        0x30,
        b"" if version is None else element(0xA0, element(0x02, bytes([version]))),
        element(0x02, b"\x07"),
        ECDSA_WITH_SHA256,
        name,
        element(0x30, *times),
        name,
        public,
    )
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return element(0x30, tbs, ECDSA_WITH_SHA256, element(0x03, b"\x00", signature))


def with_long_fields(size: int) -> x509.Certificate:
    """Return a certificate whose extensions are ``size`` bytes long and more."""
    oid = x509.ObjectIdentifier("1.3.6.1.4.1.55555.2")
    extension = x509.UnrecognizedExtension(oid, element(0x04, b"x" * size))
    return Authority.root("Long", extensions=[(extension, False)]).certificate
