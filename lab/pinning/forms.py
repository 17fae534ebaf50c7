"""The right digest of a key in forms that no configuration may carry (catalogue C13).

Each is what people really paste: the wire form is standard padded base64 of the SHA-256 or
SHA-512 digest, and nothing else (contract section 1.2).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping

from cryptography import x509

from lab.model.pins import PinKind
from lab.pinning.pins import digest_of, public_key_info

Form = Callable[[x509.Certificate], str]
"""Writes down the digest of a certificate's public key."""


def _digest(certificate: x509.Certificate) -> bytes:
    return digest_of(certificate, PinKind.SPKI_SHA256)


def _base64(certificate: x509.Certificate) -> str:
    return base64.b64encode(_digest(certificate)).decode()


def sha1(certificate: x509.Certificate) -> str:
    """Return the digest made with a hash that no pin kind uses."""
    made = hashlib.sha1(public_key_info(certificate), usedforsecurity=False).digest()
    return base64.b64encode(made).decode()


def sha384(certificate: x509.Certificate) -> str:
    """Return the digest made with another hash that no pin kind uses: 48 bytes."""
    return base64.b64encode(hashlib.sha384(public_key_info(certificate)).digest()).decode()


def hexadecimal(certificate: x509.Certificate) -> str:
    """Return the digest as the founding document prints it."""
    return _digest(certificate).hex()


def upper_hexadecimal(certificate: x509.Certificate) -> str:
    """Return the digest as ``openssl x509 -fingerprint`` prints one: with colons."""
    return _digest(certificate).hex(":").upper()


def base64url(certificate: x509.Certificate) -> str:
    """Return the digest as JOSE writes one: the alphabet of URLs, no padding (RFC 7515)."""
    return base64.urlsafe_b64encode(_digest(certificate)).decode().rstrip("=")


def with_newline(certificate: x509.Certificate) -> str:
    """Return the digest as ``openssl base64`` prints it: with the end of the line."""
    return _base64(certificate) + "\n"


def prefixed(certificate: x509.Certificate) -> str:
    """Return the digest as OkHttp's CertificatePinner takes it."""
    return "sha256/" + _base64(certificate)


def truncated(certificate: x509.Certificate) -> str:
    """Return the first half of the digest."""
    return base64.b64encode(_digest(certificate)[:16]).decode()


FORMS: Mapping[str, Form] = {
    "sha1": sha1,
    "sha384": sha384,
    "hex": hexadecimal,
    "hex_upper": upper_hexadecimal,
    "base64url": base64url,
    "newline": with_newline,
    "prefixed": prefixed,
    "truncated": truncated,
}
"""By the name of the configuration that has it."""


def other_case(certificate: x509.Certificate) -> str:
    """Return the digest with upper and lower case letters of its base64 exchanged.

    That is well formed, and another digest. The last letter stays: its unused bits must be zero.
    """
    text = _base64(certificate)
    return text[:42].swapcase() + text[42:]


def same_beginning(certificate: x509.Certificate) -> str:
    """Return a well-formed digest whose first half is right and whose second half is not."""
    right = _digest(certificate)
    wrong = bytes(byte ^ 0xFF for byte in right[16:])
    return base64.b64encode(right[:16] + wrong).decode()
