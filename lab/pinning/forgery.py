"""Configurations that nobody should believe: signed in every way but the right one.

An honest JOSE library refuses to write these, so they are put together by hand here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Signer = Callable[[bytes], bytes]
"""Makes a signature over the signing input (RFC 7515 section 5.1)."""


def compact(header: Mapping[str, Any], payload: bytes, sign: Signer) -> bytes:
    """Return a compact JWS with this very header and payload, fitting or not."""
    written = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    signing_input = base64url(written) + b"." + base64url(payload)
    return signing_input + b"." + base64url(sign(signing_input))


def unsigned(_: bytes) -> bytes:
    """Sign with nothing, as ``alg`` "none" (RFC 7518 section 3.6)."""
    return b""


def hs256(secret: bytes) -> Signer:
    """Sign with HMAC-SHA256; with the public key as secret this is the key confusion attack."""
    return lambda signing_input: hmac.digest(secret, signing_input, hashlib.sha256)


def es256_der(key: ec.EllipticCurvePrivateKey) -> Signer:
    """Sign with ECDSA as X.509 writes it: a DER sequence, which is not ES256."""
    return lambda signing_input: key.sign(signing_input, ec.ECDSA(hashes.SHA256()))


def es256(key: ec.EllipticCurvePrivateKey) -> Signer:
    """Sign rightly: r and s, 32 bytes each (RFC 7518 section 3.4)."""

    def sign(signing_input: bytes) -> bytes:
        r, s = decode_dss_signature(es256_der(key)(signing_input))
        return r.to_bytes(32) + s.to_bytes(32)

    return sign


def with_payload(token: bytes, payload: bytes) -> bytes:
    """Put another payload under the header and signature of ``token``."""
    header, _, signature = token.split(b".")
    return b".".join((header, base64url(payload), signature))


def base64url(content: bytes) -> bytes:
    """Encode as RFC 7515 section 2 has it: URL-safe, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=")
