"""Keys and Certificate messages for handmade handshakes, as tlslite-ng takes them."""

from __future__ import annotations

import functools
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from tlslite.utils.keyfactory import generateRSAKey, parsePEMKey
from tlslite.utils.python_ecdsakey import Python_ECDSAKey
from tlslite.x509 import X509
from tlslite.x509certchain import X509CertChain

_CURVES = {"secp256r1": "NIST256p", "secp384r1": "NIST384p"}
"""What tlslite-ng calls them."""
_DIGESTS = (hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512)


class _QuickKey(Python_ECDSAKey):
    """An ECDSA key that signs in C. Its owner does not doubt what it has signed.

    Raises ValueError for a curve that is not served by hand.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        private = key.private_numbers()
        public = private.public_numbers
        if key.curve.name not in _CURVES:
            raise ValueError(f"a handmade handshake takes no ECDSA key of {key.curve.name}")
        curve = _CURVES[key.curve.name]
        super().__init__(public.x, public.y, curve, private.private_value)
        self._key = key

    def _sign(self, data: bytes, hash_name: str) -> bytearray:
        # A digest may have been cut to the length of the key: only its own length tells.
        kind = next(kind for kind in _DIGESTS if kind.digest_size == len(data))
        signed = self._key.sign(bytes(data), ec.ECDSA(utils.Prehashed(kind())))
        return bytearray(signed)

    def _verify(self, signature: bytes, digest: bytes) -> bool:
        return True


@functools.lru_cache(maxsize=64)
def signing_key(der: bytes) -> Any:
    """Return a private key (PKCS#8 DER, ECDSA or RSA) as tlslite-ng knows them.

    Raises ValueError for a key of another type.
    """
    key = _private_key(der)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _QuickKey(key)
    if isinstance(key, rsa.RSAPrivateKey):
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return parsePEMKey(pem.decode(), private=True, implementations=["python"])
    raise ValueError("a handmade handshake takes an ECDSA or RSA key")


def message(chain: tuple[bytes, ...], key: Any) -> X509CertChain:
    """Return ``chain`` (DER, leaf first) as a Certificate message.

    Nothing is read of the certificates: ``key`` says what signatures are made with.
    """
    made = []
    for certificate in chain:
        one = X509()
        one.bytes = bytearray(certificate)
        one.certAlg = key.key_type
        one.publicKey = key
        one.issuer = one.subject = None
        made.append(one)
    return X509CertChain(made)


@functools.cache
def export_key() -> Any:
    """Return an RSA key of 512 bits, the most that the United States let out until 2000."""
    return generateRSAKey(512, implementations=["python"])


def rsa_signature(der: bytes, content: bytes) -> bytes:
    """Sign ``content`` (PKCS#1 v1.5, SHA-256). Raises ValueError where the key is not RSA."""
    key = _private_key(der)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("an RSA key is needed")
    return key.sign(content, padding.PKCS1v15(), hashes.SHA256())


@functools.lru_cache(maxsize=64)
def _private_key(der: bytes) -> Any:
    # Looking for mistakes in an RSA key takes as long as making one, and this one is our own.
    return load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
