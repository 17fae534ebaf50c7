"""What wrong clients read is what is there: else they would be wrong in more than one way."""

from __future__ import annotations

import json

import pytest

from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.mutants.reading import believed, claims_of, header_of, is_owners, is_signed, key_of
from lab.phone.sdk.errors import ConfigurationValidationFailed
from lab.pinning import jws
from lab.pinning.forgery import compact, es256_der
from lab.pinning.tokens import jwk_of

KEY, OTHER = jws.new_signing_key(), jws.new_signing_key()
PIN = Pin(PinKind.SPKI_SHA256, "SZOpfz5NlDKsR1ZS1/Q8i5BEpnoEXY6Y5a8ALZJ3Vrk=")
WANTED = PinConfiguration((PinnedDomain("api.acme.test", (PIN,)),), 3)
TOKEN = jws.sign_configuration(WANTED, KEY)


def test_a_token_is_read_as_it_is() -> None:
    assert header_of(TOKEN)["alg"] == "ES256"
    assert believed(claims_of(TOKEN)) == WANTED


@pytest.mark.parametrize("token", [b"", b".", b"e30", b"e30.W10.", b"<html>", b"\xff.\xff.\xff"])
def test_what_is_no_token_is_refused(token: bytes) -> None:
    with pytest.raises(ConfigurationValidationFailed):
        claims_of(token)


def test_what_is_believed_must_be_well_formed_all_the_same() -> None:
    with pytest.raises(ConfigurationValidationFailed, match="without a pin"):
        believed({"domains": [{"domain": "api.acme.test", "pins": []}]})


def test_it_is_believed_whenever_it_is_valid() -> None:
    assert believed(claims_of(jws.sign_configuration(WANTED, KEY, issued_at=2**35))) == WANTED


def test_a_signature_is_its_keys_and_nobody_elses() -> None:
    assert is_signed(TOKEN, KEY.public_key())
    assert not is_signed(TOKEN, OTHER.public_key())
    assert not is_signed(TOKEN, "no key")
    assert not is_signed(TOKEN[:-4] + b"AAAA", KEY.public_key())
    assert not is_signed(TOKEN[:-1] + b"!!", KEY.public_key())
    assert is_owners(TOKEN, jws.public_key_text(KEY))
    assert not is_owners(TOKEN, jws.public_key_text(OTHER))


def test_a_der_signature_is_none() -> None:
    token = compact(header_of(TOKEN), json.dumps(claims_of(TOKEN)).encode(), es256_der(KEY))
    assert not is_signed(token, KEY.public_key())


def test_a_jwk_is_the_key_that_it_was_made_of() -> None:
    assert key_of(jwk_of(KEY.public_key())) == KEY.public_key()
    assert key_of({"kty": "oct"}) is None
    assert key_of(None) is None
