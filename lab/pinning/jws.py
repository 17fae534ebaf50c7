"""The signed configuration: compact JWS, ES256, exactly as contract section 1 documents it."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Mapping
from typing import Any, Never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.pinning.pins import parse_wire_digest
from lab.pki.keys import key_pem

SPEC = "v1.0.0"
KEY_ID = "tprn::project::lab::lab-key"
MAX_SIZE = 1 << 20
"""Bytes of a configuration that a client is willing to read."""


class ConfigurationRefused(Exception):
    """The configuration is not what the project's owner signed, or not well formed."""


class BadPublicKey(ValueError):
    """The verification key is not a P-256 public key in either documented encoding."""


def new_signing_key() -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key to sign configurations with."""
    return ec.generate_private_key(ec.SECP256R1())


def public_key_text(key: ec.EllipticCurvePrivateKey, *, pem: bool = False) -> str:
    """Return the verification key as apps are given it: base64 of the SPKI DER, or of its PEM."""
    encoding = Encoding.PEM if pem else Encoding.DER
    raw = key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(raw).decode()


def read_public_key(text: str) -> ec.EllipticCurvePublicKey:
    """Read a verification key in either encoding (contract section 1.4). Raises BadPublicKey."""
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
        pem = raw.startswith(b"-----BEGIN")
        key = load_pem_public_key(raw) if pem else load_der_public_key(raw)
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise BadPublicKey(f"not base64 of a public key: {error}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadPublicKey("the verification key is not on P-256")
    return key


def claims_of(
    configuration: PinConfiguration, *, issued_at: int, last_updated: int | None = None
) -> dict[str, Any]:
    """Return the payload of ``configuration``; times in epoch seconds."""
    return {
        "domains": [
            {
                "domain": domain.host,
                "last_updated": issued_at if last_updated is None else last_updated,
                "pins": [_pin_claims(pin) for pin in domain.pins],
            }
            for domain in configuration.domains
        ],
        "iat": issued_at,
        "nbf": issued_at,
        "spec": SPEC,
        "version": configuration.version,
    }


def _pin_claims(pin: Pin) -> dict[str, Any]:
    expiry = {} if pin.expires_at is None else {"expires_at": pin.expires_at}
    return {**expiry, str(pin.kind): pin.digest}


def sign_claims(
    claims: Mapping[str, Any],
    key: ec.EllipticCurvePrivateKey,
    *,
    kid: str = KEY_ID,
) -> bytes:
    """Sign any payload, right or wrong, as the configuration service would."""
    header = {"alg": "ES256", "kid": kid, "typ": "JWT"}
    payload = json.dumps(claims, separators=(",", ":"), sort_keys=True)
    return jws.serialize_compact(header, payload, _jwk(key), algorithms=["ES256"]).encode()


def sign_configuration(
    configuration: PinConfiguration,
    key: ec.EllipticCurvePrivateKey,
    *,
    issued_at: int | None = None,
    kid: str = KEY_ID,
) -> bytes:
    """Return ``configuration`` as compact JWS. ``issued_at`` is in epoch seconds, default now."""
    at = int(time.time()) if issued_at is None else issued_at
    return sign_claims(claims_of(configuration, issued_at=at), key, kid=kid)


def verify_configuration(
    token: bytes, public_key: str, *, now: float, skew: float = 0.0
) -> PinConfiguration:
    """Check a configuration and read it (contract section 10, step 4).

    ``now`` is the device's time and ``skew`` the tolerance for ``nbf``, both in seconds. Raises
    ConfigurationRefused with the reason, BadPublicKey where the key itself is unusable.
    """
    key = read_public_key(public_key)
    if len(token) > MAX_SIZE:
        _refuse(f"longer than {MAX_SIZE} bytes")
    if token.count(b".") != 2:
        _refuse("not a compact JWS of three parts")
    try:
        _ = token.decode("ascii")
        signed = jws.deserialize_compact(token, _jwk(key), algorithms=["ES256"])
        header = dict(signed.headers())
        claims = json.loads(signed.payload)
    except JoseError as error:
        _refuse(f"signature: {error}")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        _refuse(f"not readable: {type(error).__name__}")
    if header.get("alg") != "ES256":
        _refuse("not signed with ES256")
    return _read_claims(claims, now + skew)


def _read_claims(claims: object, latest: float) -> PinConfiguration:
    if not isinstance(claims, dict):
        _refuse("the payload is not an object")
    not_before = claims.get("nbf", 0)
    if not _is_number(not_before) or not_before > latest:
        _refuse("not valid yet (nbf)")
    version = claims.get("version", 0)
    if not isinstance(version, int) or isinstance(version, bool):
        _refuse("version is not an integer")
    listed = claims.get("domains")
    if not isinstance(listed, list):
        _refuse("no list of domains")
    domains = tuple(_read_domain(entry) for entry in listed)
    if len({d.host for d in domains}) != len(domains):
        _refuse("a domain is listed twice")
    return PinConfiguration(domains, version)


def _read_domain(entry: object) -> PinnedDomain:
    if not isinstance(entry, dict) or not isinstance(entry.get("domain"), str):
        _refuse("a domain without a name")
    listed = entry.get("pins")
    if not isinstance(listed, list):
        _refuse(f"{entry['domain']}: no list of pins")
    pins = tuple(pin for one in listed for pin in _read_pins(entry["domain"], one))
    if not pins:
        _refuse(f"{entry['domain']}: registered without a pin")
    return PinnedDomain(entry["domain"].lower(), pins)


def _read_pins(host: str, entry: object) -> list[Pin]:
    """Read one pin object: each digest in it is an alternative (an assumption, contract 9.2)."""
    if not isinstance(entry, dict):
        _refuse(f"{host}: a pin is not an object")
    expires = entry.get("expires_at")
    if expires is not None and (not isinstance(expires, int) or isinstance(expires, bool)):
        _refuse(f"{host}: expires_at is not an integer")
    found = []
    for kind in PinKind:
        if str(kind) in entry:
            text = entry[str(kind)]
            if not isinstance(text, str):
                _refuse(f"{host}: {kind} is not a string")
            try:
                _ = parse_wire_digest(text, kind)
            except ValueError as error:
                _refuse(f"{host}: {error}")
            found.append(Pin(kind, text, expires))
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _jwk(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> ECKey:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ECKey.import_key(key_pem(key))
    return ECKey.import_key(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def _refuse(reason: str) -> Never:
    raise ConfigurationRefused(reason)
