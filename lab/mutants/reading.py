"""How wrong clients read tokens: further than they should."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from lab.model.pins import PinConfiguration
from lab.phone.sdk.errors import ConfigurationValidationFailed
from lab.pinning.jws import (
    ConfigurationRefused,
    new_signing_key,
    public_key_text,
    read_public_key,
    sign_claims,
    verify_configuration,
)

_OWN_KEY = new_signing_key()
"""What is believed unchecked is signed with this, and then read like any other."""
_END_OF_TIME = 2**40


def header_of(token: bytes) -> dict[str, Any]:
    """Return what a token says of itself. Raises ConfigurationValidationFailed for no token."""
    return _part(token, 0)


def claims_of(token: bytes) -> dict[str, Any]:
    """Return what a token holds, unchecked. Raises ConfigurationValidationFailed for no token."""
    return _part(token, 1)


def _part(token: bytes, number: int) -> dict[str, Any]:
    try:
        read = json.loads(decoded(token.split(b".")[number]))
    except (ValueError, IndexError):
        read = None
    if not isinstance(read, dict):
        raise ConfigurationValidationFailed("Configuration refused: no token")
    return read


def decoded(text: bytes | str) -> bytes:
    """Decode base64url without padding (RFC 7515 section 2). Raises ValueError."""
    raw = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))


def believed(claims: Mapping[str, Any]) -> PinConfiguration:
    """Read a payload whoever signed it, and whenever it is valid. Raises
    ConfigurationValidationFailed where it is malformed."""
    signed = sign_claims(claims, _OWN_KEY)
    try:
        return verify_configuration(signed, public_key_text(_OWN_KEY), now=_END_OF_TIME)
    except ConfigurationRefused as error:
        raise ConfigurationValidationFailed(f"Configuration refused: {error}") from None


def is_signed(token: bytes, key: object) -> bool:
    """Tell whether ``token`` carries an ES256 signature made with this key, whatever it holds."""
    signed, _, signature = token.rpartition(b".")
    try:
        raw = decoded(signature)
    except ValueError:
        return False
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    try:
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def is_owners(token: bytes, public_key: str) -> bool:
    """Tell whether the owner, whose key the app was given, signed ``token``."""
    return is_signed(token, read_public_key(public_key))


def key_of(jwk: object) -> ec.EllipticCurvePublicKey | None:
    """Return the P-256 key that a JWK holds, None where it holds none."""
    if not isinstance(jwk, dict) or not {"x", "y"} <= jwk.keys():
        return None
    x, y = (int.from_bytes(decoded(jwk[name])) for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
