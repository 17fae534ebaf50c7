"""Each token is what it is called, and an honest reader takes none but the owner's."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import ECKey

from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.model.publication import Token
from lab.pinning.jws import (
    ConfigurationRefused,
    claims_of,
    new_signing_key,
    public_key_text,
    sign_claims,
    verify_configuration,
)
from lab.pinning.tokens import AGE_OF_OLDER, TOMORROW, Workshop, jwk_of, jwk_set
from lab.pki.hierarchy import LabPki
from tests.pinning.signing import parts

HOST = "api.acme.test"
NOW = int(datetime.now(UTC).timestamp())
OWNER, ATTACKER = new_signing_key(), new_signing_key()
CERTIFICATE = LabPki().intermediate.issue("evil.acme.test", key=ATTACKER).certificate
RIGHT_PIN = Pin(PinKind.SPKI_SHA256, "SZOpfz5NlDKsR1ZS1/Q8i5BEpnoEXY6Y5a8ALZJ3Vrk=")
BACKUP_PIN = Pin(PinKind.SPKI_SHA256, "oxVSdCLgthL3M5Vnnzepq8WWlkUfRPYkpjLpm+wn+1o=")
EVIL_PIN = Pin(PinKind.SPKI_SHA256, "0JYoxbBWCyeElzeyeFwr+41Aky9YhuHwiYn0kl7qpb4=")
OTHER = PinnedDomain("other.acme.test", (BACKUP_PIN,))
CLAIMS = claims_of(
    PinConfiguration((PinnedDomain(HOST, (RIGHT_PIN, BACKUP_PIN)), OTHER), 7), issued_at=NOW
)
FORMER = claims_of(PinConfiguration((PinnedDomain(HOST, (RIGHT_PIN, EVIL_PIN)),)), issued_at=NOW)
SHOP = Workshop(
    right=sign_claims(CLAIMS, OWNER),
    claims=CLAIMS,
    former=FORMER,
    owner=OWNER,
    attacker=ATTACKER,
    certificate=CERTIFICATE,
    host=HOST,
    key_url="https://evil.acme.test/keys.json",
)

NOT_THE_OWNERS = (
    Token.FORGED,
    Token.TAMPERED,
    Token.ALG_NONE,
    Token.HS256,
    Token.ZERO_SIGNATURE,
    Token.JWK_HEADER,
    Token.X5C_HEADER,
    Token.JKU_HEADER,
    Token.OTHER_PROJECT,
)
MISTAKES = {
    Token.EMPTY_PINS: "registered without a pin",
    Token.DUPLICATE_DOMAIN: "a domain is listed twice",
    Token.UNKNOWN_PIN_TYPE: "registered without a pin",
    Token.BAD_BASE64: "not standard padded base64",
    Token.WRONG_LENGTH: "31 bytes, due are 32",
}


class Wide(jws.JWSRegistry):
    """Reads headers with a certificate in them, which are longer than usual."""

    max_header_length = 8192


def read(token: bytes, key: ec.EllipticCurvePrivateKey = OWNER) -> PinConfiguration:
    return verify_configuration(token, public_key_text(key), now=NOW)


def refusal(token: Token) -> str:
    with pytest.raises(ConfigurationRefused) as caught:
        read(SHOP.make(token))
    return str(caught.value)


def header(token: Token) -> dict[str, object]:
    found: dict[str, object] = json.loads(parts(SHOP.make(token))[0])
    return found


@pytest.mark.parametrize("token", Token)
def test_every_kind_can_be_made(token: Token) -> None:
    assert (SHOP.make(token) == b"") is (token is Token.EMPTY)


@pytest.mark.parametrize("token", NOT_THE_OWNERS)
def test_what_the_owner_did_not_sign_is_refused(token: Token) -> None:
    assert refusal(token)


@pytest.mark.parametrize("token", NOT_THE_OWNERS)
def test_it_would_vouch_for_the_attacker_and_for_nothing_less(token: Token) -> None:
    """Or a client that believes it would not be caught by what is served."""
    claims = json.loads(parts(SHOP.make(token))[1])
    believed = read(sign_claims(claims, OWNER))
    assert believed.pins_for(HOST) == (RIGHT_PIN, EVIL_PIN)
    assert believed.version > CLAIMS["version"]


def test_a_tampered_one_has_the_owners_header_and_signature() -> None:
    right, tampered = parts(SHOP.right), parts(SHOP.make(Token.TAMPERED))
    assert (right[0], right[2]) == (tampered[0], tampered[2])
    assert right[1] != tampered[1]


@pytest.mark.parametrize(
    "token", [Token.FORGED, Token.JWK_HEADER, Token.X5C_HEADER, Token.JKU_HEADER]
)
def test_what_is_signed_with_the_attackers_key_verifies_with_it(token: Token) -> None:
    key = ECKey.import_key(
        ATTACKER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    assert jws.deserialize_compact(SHOP.make(token), key, registry=Wide()).payload


def test_the_key_in_the_header_is_a_jwk_to_others_too() -> None:
    named = ECKey.import_key(dict(header(Token.JWK_HEADER)["jwk"]))  # type: ignore[call-overload]
    assert jws.deserialize_compact(SHOP.make(Token.JWK_HEADER), named).payload
    listed = json.loads(jwk_set(ATTACKER.public_key()))["keys"]
    assert listed == [jwk_of(ATTACKER.public_key())] == [header(Token.JWK_HEADER)["jwk"]]


def test_only_keys_on_p256_are_published() -> None:
    with pytest.raises(TypeError, match="elliptic"):
        jwk_of("no key")


def test_the_hmac_is_one_with_the_public_key() -> None:
    public = OWNER.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    # No library takes a public key for a secret any more, which is what the attack hopes for.
    head, payload, signature = SHOP.make(Token.HS256).split(b".")
    right = hmac.digest(public, head + b"." + payload, "sha256")
    assert base64.urlsafe_b64encode(right).rstrip(b"=") == signature
    assert header(Token.HS256)["alg"] == "HS256"


def test_nobody_signed_what_says_none() -> None:
    assert header(Token.ALG_NONE)["alg"] == "none"
    assert SHOP.make(Token.ALG_NONE).endswith(b".")


def test_the_zero_signature_is_as_long_as_one() -> None:
    assert parts(SHOP.make(Token.ZERO_SIGNATURE))[2] == bytes(64)


def test_the_other_project_is_named() -> None:
    assert header(Token.OTHER_PROJECT)["kid"] != header(Token.RIGHT)["kid"]


def test_an_older_one_is_the_owners_and_older() -> None:
    older = read(SHOP.make(Token.OLDER))
    assert older.version == CLAIMS["version"] - 1
    assert older.pins_for(HOST) == (RIGHT_PIN, EVIL_PIN)
    assert json.loads(parts(SHOP.make(Token.OLDER))[1])["iat"] == NOW - AGE_OF_OLDER


def test_one_that_is_not_valid_yet_will_be_tomorrow() -> None:
    token = SHOP.make(Token.NOT_YET)
    assert "not valid yet" in refusal(Token.NOT_YET)
    tomorrow = verify_configuration(token, public_key_text(OWNER), now=NOW + TOMORROW)
    assert tomorrow.pins_for(HOST) == (RIGHT_PIN, EVIL_PIN)


def test_a_der_signature_is_a_right_one_in_the_wrong_form() -> None:
    token = SHOP.make(Token.DER_SIGNATURE)
    assert refusal(Token.DER_SIGNATURE)
    signing_input, _, _ = token.rpartition(b".")
    OWNER.public_key().verify(parts(token)[2], signing_input, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(("token", "why"), MISTAKES.items())
def test_a_mistake_is_the_owners_own(token: Token, why: str) -> None:
    """The signature is right: what is wrong is found behind it."""
    assert why in refusal(token)


@pytest.mark.parametrize("token", [Token.CONFLICTING_DIGESTS, Token.UNKNOWN_SPEC])
def test_of_some_mistakes_nobody_says_what_they_mean(token: Token) -> None:
    kinds = {pin.kind for pin in read(SHOP.make(token)).pins_for(HOST)}
    assert (PinKind.LEAF_SHA256 in kinds) is (token is Token.CONFLICTING_DIGESTS)
    spec = json.loads(parts(SHOP.make(token))[1])["spec"]
    assert (spec != CLAIMS["spec"]) is (token is Token.UNKNOWN_SPEC)


@pytest.mark.parametrize("token", [*MISTAKES, Token.CONFLICTING_DIGESTS, Token.UNKNOWN_SPEC])
def test_a_mistake_is_about_one_host_and_spoils_nothing_else(token: Token) -> None:
    before = json.dumps(CLAIMS)
    others = [d for d in SHOP.mistaken(token)["domains"] if d["domain"] != HOST]
    assert others == CLAIMS["domains"][1:]
    assert json.dumps(CLAIMS) == before


def test_what_is_no_mistake_of_the_owners_leaves_the_payload_as_it_is() -> None:
    assert SHOP.mistaken(Token.FORGED) == SHOP.claims
