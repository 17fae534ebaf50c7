from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.errors import SecurityWarning

from lab.pinning import forgery
from lab.pinning.jws import KEY_ID, new_signing_key, public_key_text, sign_configuration
from tests.pinning import openssl
from tests.pinning.cases import named
from tests.pinning.signing import KEY, PUBLIC, TOKEN, WANTED, parts, read, refusal

PUBLIC_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PUBLIC_DER = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PAYLOAD = parts(TOKEN)[1]
ES256 = forgery.es256(KEY)


def header(alg: object = "ES256") -> dict[str, object]:
    return {"alg": alg, "kid": KEY_ID, "typ": "JWT"}


def test_what_is_put_together_by_hand_is_a_jws_when_it_is_signed_rightly() -> None:
    token = forgery.compact(header(), PAYLOAD, ES256)
    assert read(token) == WANTED
    assert parts(token)[:2] == [
        b'{"alg":"ES256","kid":"tprn::project::lab::lab-key","typ":"JWT"}',
        PAYLOAD,
    ]
    assert b"=" not in token


def test_a_short_number_is_padded() -> None:
    """One r or s in 256 is shorter than 32 bytes (RFC 7518 section 3.4)."""
    for number in range(10_000):
        token = forgery.compact(header(), b'{"domains":[],"version":%d}' % number, ES256)
        signature = parts(token)[2]
        assert len(signature) == 64
        if 0 in (signature[0], signature[32]):
            break
    assert 0 in (signature[0], signature[32])
    assert read(token).version == number


class TestUnsigned:
    """Algorithm "none" (RFC 8725 section 2.1)."""

    @pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None])
    @pytest.mark.parametrize("sign", [forgery.unsigned, lambda _: b"x" * 64, ES256])
    def test_it_is_refused(self, alg: str | None, sign: forgery.Signer) -> None:
        assert refusal(forgery.compact(header(alg), PAYLOAD, sign))

    def test_a_right_signature_taken_away(self) -> None:
        assert "three parts" in refusal(TOKEN[: TOKEN.rindex(b".") + 1])

    def test_it_would_deceive_who_takes_it(self) -> None:
        token = forgery.compact(header("none"), PAYLOAD, forgery.unsigned)
        assert token.endswith(b".")
        with pytest.warns(SecurityWarning):
            taken = jws.deserialize_compact(token, None, algorithms=["none"])
        assert taken.payload == PAYLOAD


class TestKeyConfusion:
    """HMAC with what everybody knows as its secret (RFC 8725 section 2.1)."""

    SECRETS = named("secret", {"PEM": PUBLIC_PEM, "DER": PUBLIC_DER, "base64": PUBLIC.encode()})

    @SECRETS
    @pytest.mark.parametrize("alg", ["HS256", "ES256", "none"])
    def test_it_is_refused(self, secret: bytes, alg: str) -> None:
        assert refusal(forgery.compact(header(alg), PAYLOAD, forgery.hs256(secret)))

    def test_the_algorithm_is_the_reason(self) -> None:
        token = forgery.compact(header("HS256"), PAYLOAD, forgery.hs256(PUBLIC_PEM))
        assert refusal(token) == "not signed with ES256"

    @SECRETS
    def test_it_would_deceive_who_takes_it(self, secret: bytes) -> None:
        token = forgery.compact(header("HS256"), PAYLOAD, forgery.hs256(secret))
        signing_input, _, _ = token.rpartition(b".")
        hexadecimal = f"hexkey:{secret.hex()}"
        mac = openssl.run(
            *("dgst", "-sha256", "-mac", "HMAC", "-macopt", hexadecimal, "-binary"),
            content=signing_input,
        )
        assert parts(token)[2] == mac


class TestDerSignature:
    """A right signature in the wrong form."""

    def test_it_is_refused(self) -> None:
        token = forgery.compact(header(), PAYLOAD, forgery.es256_der(KEY))
        assert refusal(token) == "the signature is not the owner's"

    def test_it_is_right_but_for_its_form(self, tmp_path: Path) -> None:
        token = forgery.compact(header(), PAYLOAD, forgery.es256_der(KEY))
        signing_input, _, _ = token.rpartition(b".")
        signature, public = tmp_path / "signature", tmp_path / "public.pem"
        signature.write_bytes(parts(token)[2])
        public.write_bytes(PUBLIC_PEM)
        told = openssl.run(
            "dgst", "-sha256", "-verify", public, "-signature", signature, content=signing_input
        )
        assert told == b"Verified OK\n"


def test_another_payload_under_a_right_signature_is_refused() -> None:
    evil = PAYLOAD.replace(b"api.acme.test", b"evil.acme.test")
    token = forgery.with_payload(TOKEN, evil)
    assert refusal(token) == "the signature is not the owner's"
    assert parts(token) == [parts(TOKEN)[0], evil, parts(TOKEN)[2]]
    assert read(forgery.with_payload(TOKEN, parts(TOKEN)[1])) == WANTED


def test_the_signature_of_somebody_else_is_refused() -> None:
    stranger = new_signing_key()
    for token in (
        forgery.compact(header(), PAYLOAD, forgery.es256(stranger)),
        sign_configuration(WANTED, stranger),
    ):
        assert refusal(token) == "the signature is not the owner's"


@pytest.mark.parametrize(
    "signature", [b"\0" * 64, b"\xff" * 64, b"\0" * 63 + b"\1", b"\0", b"x" * 65]
)
def test_signatures_that_are_none(signature: bytes) -> None:
    """Zeros among them: "psychic signatures" (CVE-2022-21449)."""
    assert refusal(forgery.compact(header(), PAYLOAD, lambda _: signature))


NUMBER_OF_THE_GROUP = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize(
    "change",
    [
        lambda r, s: (s, r),
        lambda r, s: (r + NUMBER_OF_THE_GROUP, s),
        lambda r, s: (r, s + NUMBER_OF_THE_GROUP),
        lambda r, s: (NUMBER_OF_THE_GROUP, s),
        lambda r, s: (r, NUMBER_OF_THE_GROUP),
    ],
)
def test_numbers_out_of_range(change: Callable[[int, int], tuple[int, int]]) -> None:
    *_, signature = parts(TOKEN)
    r, s = change(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    whole = (r % (1 << 256)).to_bytes(32) + (s % (1 << 256)).to_bytes(32)
    signing_input, _, _ = TOKEN.rpartition(b".")
    assert refusal(signing_input + b"." + forgery.base64url(whole))


class TestKeyFromTheToken:
    """A header that brings its own key is not believed (RFC 8725 section 3.10)."""

    @pytest.mark.parametrize("name", ["jwk", "x5c", "jku", "x5u"])
    def test_it_is_refused(self, name: str) -> None:
        stranger = new_signing_key()
        numbers = stranger.public_key().public_numbers()
        brought: dict[str, object] = {
            "jwk": {
                "kty": "EC",
                "crv": "P-256",
                "x": forgery.base64url(numbers.x.to_bytes(32)).decode(),
                "y": forgery.base64url(numbers.y.to_bytes(32)).decode(),
            },
            "x5c": [public_key_text(stranger)],
            "jku": "https://127.0.0.1:1/jwks.json",
            "x5u": "https://127.0.0.1:1/key.pem",
        }
        forged = {**header(), name: brought[name]}
        assert refusal(forgery.compact(forged, PAYLOAD, forgery.es256(stranger)))
