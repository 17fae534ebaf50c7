"""Who signs a bundle: a key that the user names, or a fresh one. Envelopes are DSSE's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from lab.evidence.canonical import NotCanonical, canonical, read_canonical

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey


class KeyUnusable(Exception):
    """A key cannot be used to sign or verify; the message says why."""


class NotSigned(Exception):
    """An envelope is not signed by the key that it should be; the message says how that showed."""


class Seal:
    """A key that signs."""

    def __init__(self, key: PrivateKey) -> None:
        self._signer = CryptoSigner(key)
        self.public_pem = key.public_key().public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
        """SPKI, PEM."""

    @classmethod
    def fresh(cls) -> Seal:
        """Return a seal with a new key, which ends with this process."""
        return cls(ed25519.Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> Seal:
        """Return the seal of a PEM file. Raises KeyUnusable."""
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise KeyUnusable(f"{path}: {error.strerror or error}") from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyUnusable(f"{path}: not a private key in PEM without a passphrase") from None
        fits = isinstance(key, ed25519.Ed25519PrivateKey) or (
            isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
        )
        if not fits:
            raise KeyUnusable(f"{path}: the key must be Ed25519 or ECDSA P-256")
        assert isinstance(key, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey)
        return cls(key)

    @property
    def key_id(self) -> str:
        """The key's id in signatures: a SHA-256."""
        return self._signer.public_key.keyid

    def envelope(self, payload: bytes, payload_type: str) -> bytes:
        """Return ``payload``, signed, as a DSSE envelope in canonical JSON."""
        made = Envelope(payload, payload_type, {})
        made.sign(self._signer)
        return canonical(made.to_dict())


class Verifier:
    """A key that verifies."""

    def __init__(self, pem: bytes) -> None:
        """Raises KeyUnusable."""
        try:
            key = load_pem_public_key(pem)
            self._key = SSlibKey.from_crypto(key)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeyUnusable("not a public key in PEM that can be used") from None
        self.pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        """SPKI, PEM, as this library writes it."""

    @classmethod
    def load(cls, path: Path) -> Verifier:
        """Return the verifier of a PEM file. Raises KeyUnusable."""
        try:
            return cls(path.read_bytes())
        except OSError as error:
            raise KeyUnusable(f"{path}: {error.strerror or error}") from None
        except KeyUnusable as error:
            raise KeyUnusable(f"{path}: {error}") from None

    @property
    def key_id(self) -> str:
        """The key's id in signatures: a SHA-256."""
        return self._key.keyid

    def payload(self, envelope: bytes, payload_type: str) -> bytes:
        """Return what ``envelope`` holds. Raises NotSigned where it is not signed with this key,
        is of another type, or is written in any other way than ``Seal.envelope`` does."""
        try:
            data = read_canonical(envelope)
            found = _envelope(data)
            if found.payload_type != payload_type or found.to_dict() != read_canonical(envelope):
                raise NotSigned(f"not an envelope of type {payload_type}")
            if list(found.signatures) != [self.key_id]:
                raise NotSigned("signed with another key")
            found.verify([self._key], 1)
        except NotCanonical as error:
            raise NotSigned(str(error)) from None
        except VerificationError:
            raise NotSigned("the signature does not fit") from None
        return found.payload


def _envelope(data: Any) -> Envelope:
    try:
        return Envelope.from_dict(data)
    except (KeyError, TypeError, ValueError, AttributeError, FormatError):
        raise NotSigned("not a DSSE envelope") from None
