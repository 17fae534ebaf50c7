"""The signed configuration: compact JWS, ES256, exactly as contract section 1 documents it."""

from __future__ import annotations

import base64
import json
import re
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
from joserfc.errors import BadSignatureError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey

from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.pinning.pins import parse_wire_digest
from lab.pki.keys import key_pem

SPEC = "v1.0.0"
KEY_ID = "tprn::project::lab::lab-key"
MAX_SIZE = 1 << 20
"""Bytes of a configuration that a client is willing to read."""
MAX_HOST = 253
"""Characters of a host name (RFC 1035 section 2.3.4, without the final dot)."""

_COMPACT = re.compile(rb"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
"""Three parts of unpadded base64url (RFC 7515 section 7.1)."""
_HOST = re.compile(rf"[!-~]{{1,{MAX_HOST}}}")
"""Visible ASCII: names are not judged here, but they end up in logs and messages."""


class _Registry(jws.JWSRegistry):
    """ES256 alone, for payloads as large as configurations may be."""

    max_payload_length = MAX_SIZE

    def __init__(self) -> None:
        # Header parameters that nobody knows are ignored (RFC 7515 section 4).
        super().__init__(algorithms=["ES256"], strict_check_header=False)


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
    except (ValueError, UnsupportedAlgorithm) as error:
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
    header: Mapping[str, Any] | None = None,
) -> bytes:
    """Sign any payload, right or wrong, as the configuration service would.

    ``header`` changes or adds parameters. Raises JoseError where these are none that an honest
    signer would write, as another ``alg`` than ES256 (for such see ``lab.pinning.forgery``).
    """
    parameters = dict(sorted({"alg": "ES256", "kid": kid, "typ": "JWT", **(header or {})}.items()))
    payload = json.dumps(claims, separators=(",", ":"), sort_keys=True)
    return jws.serialize_compact(parameters, payload, _jwk(key), registry=_Registry()).encode()


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

    ``now`` is the device's time in epoch seconds and ``skew`` the tolerance for ``nbf`` in
    seconds. Claims and pin kinds that nobody knows are ignored. Raises ConfigurationRefused with
    the reason, whatever the token holds; BadPublicKey where the key itself is unusable.
    """
    key = read_public_key(public_key)
    if len(token) > MAX_SIZE:
        _refuse(f"longer than {MAX_SIZE} bytes")
    if not _COMPACT.fullmatch(token):
        _refuse("not a compact JWS of three parts in base64url")
    try:
        signed = jws.deserialize_compact(token, _jwk(key), registry=_Registry())
    except BadSignatureError:
        _refuse("the signature is not the owner's")
    except UnsupportedAlgorithmError:
        _refuse("not signed with ES256")
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        _refuse(f"not a JWS: {type(error).__name__}")
    try:
        claims = json.loads(
            signed.payload.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as error:
        _refuse(f"the payload is not JSON: {type(error).__name__}")
    return _read_claims(claims, now + skew)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that two readers may understand in two ways (RFC 8259 section 4)."""
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return read


def _no_constant(name: str) -> Never:
    """Refuse what Python reads beyond JSON: a comparison with NaN is always false."""
    raise ValueError(f"{name} is not JSON")


def _read_claims(claims: object, latest: float) -> PinConfiguration:
    if not isinstance(claims, dict):
        _refuse("the payload is not an object")
    not_before = claims.get("nbf", 0)
    if not isinstance(not_before, int | float) or isinstance(not_before, bool):
        _refuse("nbf is not a number")
    if not_before > latest:
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
    if not isinstance(entry, dict):
        _refuse("a domain is not an object")
    host = entry.get("domain")
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        _refuse("a domain without a host name")
    listed = entry.get("pins")
    if not isinstance(listed, list):
        _refuse(f"{host}: no list of pins")
    pins = tuple(pin for one in listed for pin in _read_pins(host, one))
    if not pins:
        _refuse(f"{host}: registered without a pin")
    return PinnedDomain(host.lower(), pins)


def _read_pins(host: str, entry: object) -> list[Pin]:
    """Read one pin object: each digest in it is an alternative (an assumption, contract 9.2)."""
    if not isinstance(entry, dict):
        _refuse(f"{host}: a pin is not an object")
    expires = entry.get("expires_at")
    if "expires_at" in entry and (not isinstance(expires, int) or isinstance(expires, bool)):
        _refuse(f"{host}: expires_at is not an integer")
    found = []
    for kind in PinKind:
        if kind not in entry:
            continue
        text = entry[kind]
        if not isinstance(text, str):
            _refuse(f"{host}: {kind} is not a string")
        try:
            _ = parse_wire_digest(text, kind)
        except ValueError as error:
            _refuse(f"{host}: {error}")
        found.append(Pin(kind, text, expires))
    return found


def _jwk(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> ECKey:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return ECKey.import_key(key_pem(key))
    return ECKey.import_key(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def _refuse(reason: str) -> Never:
    raise ConfigurationRefused(reason)
