"""Every configuration token that a scenario hands out, made from a right one.

Pure: the same keys and claims make the same kind of token. What they are for, and what a correct
client does with them, is said in the catalogue.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.model.publication import Token
from lab.pinning.forgery import (
    Signer,
    base64url,
    compact,
    es256,
    es256_der,
    hs256,
    unsigned,
    with_payload,
)
from lab.pinning.jws import KEY_ID, sign_claims

OTHER_KEY_ID = "tprn::project::other::other-key"
"""The attacker is a customer, too."""
TOMORROW = 86_400
"""Seconds until a configuration that is not valid yet will be."""
AGE_OF_OLDER = 3600
"""Seconds since an older configuration was signed."""

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Workshop:
    """What tokens are made from."""

    right: bytes
    """The token that the owner published last."""
    claims: Claims
    """Its payload."""
    former: Claims
    """An earlier payload of the owner's, whose pins vouch for the attacker's certificate."""
    owner: ec.EllipticCurvePrivateKey
    attacker: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    """One of the attacker's key."""
    host: str
    """Whose registration is wrong where the owner makes a mistake."""
    key_url: str = ""
    """Where the attacker publishes its key (``jwk_set``)."""

    def make(self, token: Token) -> bytes:
        """Return the token of this kind."""
        if token in _MISTAKES:
            return sign_claims(self.mistaken(token), self.owner)
        return _MAKERS[token](self)

    def mistaken(self, token: Token) -> Claims:
        """Return the owner's payload with the mistake that ``token`` names in it, if it does."""
        spoilt: dict[str, Any] = deepcopy(dict(self.claims))
        if token in _MISTAKES:
            domain = next(d for d in spoilt["domains"] if d["domain"] == self.host)
            _MISTAKES[token](spoilt, domain)
        return spoilt

    def forged(self, signer: Signer, **header: object) -> bytes:
        """Return a token that vouches for the attacker's certificate, of a version that is new."""
        parameters = {"alg": "ES256", "kid": KEY_ID, "typ": "JWT", **header}
        return compact(parameters, _payload(self._newer), signer)

    @property
    def own(self) -> Signer:
        """The attacker's own signature."""
        return es256(self.attacker)

    @property
    def not_yet(self) -> Claims:
        """What vouches for the attacker's certificate from tomorrow on."""
        begin = self.claims["nbf"] + TOMORROW
        return {**self._newer, "iat": self.claims["iat"], "nbf": begin}

    @property
    def older(self) -> Claims:
        """What was published before."""
        issued = self.claims["iat"] - AGE_OF_OLDER
        version = self.claims["version"] - 1
        return {**self.former, "iat": issued, "nbf": issued, "version": version}

    @property
    def _newer(self) -> Claims:
        return {**self.former, "version": self.claims["version"] + 1}


def jwk_of(key: object) -> dict[str, str]:
    """Return a P-256 key as JWK (RFC 7518 section 6.2). Raises TypeError for another one."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("not an elliptic curve key")
    numbers = key.public_numbers()
    x, y = (base64url(number.to_bytes(32)).decode() for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": KEY_ID}


def jwk_set(key: object) -> bytes:
    """Return a document with this key alone, as ``jku`` leads to (RFC 7517 section 5). Raises
    TypeError as ``jwk_of``."""
    return json.dumps({"keys": [jwk_of(key)]}).encode()


def _payload(claims: Claims) -> bytes:
    return json.dumps(claims, separators=(",", ":"), sort_keys=True).encode()


def _public_der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _certificate_text(certificate: x509.Certificate) -> str:
    """``x5c`` has standard base64, not base64url (RFC 7515 section 4.1.6)."""
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def _der_signed(shop: Workshop) -> bytes:
    header = {"alg": "ES256", "kid": KEY_ID, "typ": "JWT"}
    return compact(header, _payload(shop.claims), es256_der(shop.owner))


_MAKERS: Mapping[Token, Callable[[Workshop], bytes]] = {
    Token.RIGHT: lambda shop: shop.right,
    Token.OLDER: lambda shop: sign_claims(shop.older, shop.owner),
    Token.NOT_YET: lambda shop: sign_claims(shop.not_yet, shop.owner),
    Token.FORGED: lambda shop: shop.forged(shop.own),
    Token.TAMPERED: lambda shop: with_payload(shop.right, _payload(shop._newer)),
    Token.ALG_NONE: lambda shop: shop.forged(unsigned, alg="none"),
    Token.HS256: lambda shop: shop.forged(hs256(_public_der(shop.owner)), alg="HS256"),
    Token.ZERO_SIGNATURE: lambda shop: shop.forged(lambda _: bytes(64)),
    Token.JWK_HEADER: lambda shop: shop.forged(shop.own, jwk=jwk_of(shop.attacker.public_key())),
    Token.X5C_HEADER: lambda shop: shop.forged(shop.own, x5c=[_certificate_text(shop.certificate)]),
    Token.JKU_HEADER: lambda shop: shop.forged(shop.own, jku=shop.key_url),
    Token.OTHER_PROJECT: lambda shop: shop.forged(shop.own, kid=OTHER_KEY_ID),
    Token.DER_SIGNATURE: _der_signed,
    Token.EMPTY: lambda _: b"",
}

Mistake = Callable[[dict[str, Any], dict[str, Any]], None]
"""Called as mistake(claims, domain): spoils a copy of the claims, and in it one registration."""


def _with_pin(**pin: str) -> Mistake:
    def spoil(_: dict[str, Any], domain: dict[str, Any]) -> None:
        domain["pins"] = [pin]

    return spoil


def _with_digest(change: Callable[[str], str]) -> Mistake:
    def spoil(_: dict[str, Any], domain: dict[str, Any]) -> None:
        domain["pins"] = [{"spki_sha256": change(domain["pins"][0]["spki_sha256"])}]

    return spoil


def _shorter(digest: str) -> str:
    return base64.b64encode(base64.b64decode(digest)[:-1]).decode()


def _without_pins(_: dict[str, Any], domain: dict[str, Any]) -> None:
    domain["pins"] = []


def _twice(claims: dict[str, Any], domain: dict[str, Any]) -> None:
    claims["domains"].append({**domain, "pins": domain["pins"][-1:]})


def _conflicting(_: dict[str, Any], domain: dict[str, Any]) -> None:
    first = domain["pins"][0]
    domain["pins"] = [{**first, "sha256": base64.b64encode(bytes(32)).decode()}]


def _of_another_spec(claims: dict[str, Any], _: dict[str, Any]) -> None:
    claims["spec"] = "v9.0.0"


_MISTAKES: Mapping[Token, Mistake] = {
    Token.EMPTY_PINS: _without_pins,
    Token.DUPLICATE_DOMAIN: _twice,
    Token.UNKNOWN_PIN_TYPE: _with_pin(spki_sha3_256=base64.b64encode(bytes(32)).decode()),
    Token.BAD_BASE64: _with_digest(lambda digest: "!" + digest[1:]),
    Token.WRONG_LENGTH: _with_digest(_shorter),
    Token.CONFLICTING_DIGESTS: _conflicting,
    Token.UNKNOWN_SPEC: _of_another_spec,
}
