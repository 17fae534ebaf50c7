from __future__ import annotations

import base64
import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.errors import JoseError

from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.pinning import forgery
from lab.pinning.jws import (
    KEY_ID,
    MAX_SIZE,
    BadPublicKey,
    ConfigurationRefused,
    claims_of,
    new_signing_key,
    public_key_text,
    read_public_key,
    sign_claims,
    sign_configuration,
    verify_configuration,
)
from lab.pki.keys import KeyType, key_pem, new_key
from tests.pinning import openssl
from tests.pinning.cases import named
from tests.pinning.signing import (
    ANY_UUID,
    CONFIGURATIONS,
    KEY,
    LEAF,
    NOW,
    PUBLIC,
    SAMPLE_LENGTH,
    SAMPLE_PAYLOAD,
    SPKI,
    TOKEN,
    WANTED,
    claims,
    parts,
    read,
    refusal,
    signed,
)


class TestFormat:
    """Contract sections 1.1 and 1.2, byte by byte."""

    def test_the_sample_is_written_as_it_was_published(self) -> None:
        kid = f"tprn::project::{ANY_UUID}::{ANY_UUID}-key"
        token = sign_claims(json.loads(SAMPLE_PAYLOAD), KEY, kid=kid)
        header, payload, signature = parts(token)
        assert header == b'{"alg":"ES256","kid":"%s","typ":"JWT"}' % kid.encode()
        assert payload == SAMPLE_PAYLOAD.encode()
        assert len(signature) == 64
        assert len(token) == SAMPLE_LENGTH
        assert token.isascii()
        assert b"=" not in token

    def test_the_sample_is_read_as_it_is_meant(self) -> None:
        spki256, spki512, leaf256 = (
            json.loads(SAMPLE_PAYLOAD)["domains"][0]["pins"][index][name]
            for index, name in ((0, "spki_sha256"), (0, "spki_sha512"), (1, "sha256"))
        )
        assert read(signed(SAMPLE_PAYLOAD.encode())) == PinConfiguration(
            (
                PinnedDomain(
                    "google.com",
                    (
                        Pin(PinKind.SPKI_SHA256, spki256, 1776069422),
                        Pin(PinKind.SPKI_SHA512, spki512, 1776069422),
                        Pin(PinKind.LEAF_SHA256, leaf256),
                    ),
                ),
            ),
            3,
        )

    def test_claims_have_the_names_and_types_of_the_sample(self) -> None:
        assert claims_of(WANTED, issued_at=NOW, last_updated=NOW - 5) == {
            "domains": [
                {
                    "domain": "api.acme.test",
                    "last_updated": NOW - 5,
                    "pins": [
                        {"expires_at": NOW + 99, "spki_sha256": SPKI.digest},
                        {"sha512": LEAF.digest},
                    ],
                },
                {
                    "domain": "www.acme.test",
                    "last_updated": NOW - 5,
                    "pins": [{"sha512": LEAF.digest}],
                },
            ],
            "iat": NOW,
            "nbf": NOW,
            "spec": "v1.0.0",
            "version": 7,
        }

    def test_the_update_is_as_old_as_the_signature_unless_told(self) -> None:
        domain, _ = claims_of(WANTED, issued_at=NOW)["domains"]
        assert domain["last_updated"] == NOW
        domain, _ = claims_of(WANTED, issued_at=NOW, last_updated=0)["domains"]
        assert domain["last_updated"] == 0

    def test_a_configuration_is_signed_in_the_form_of_the_sample(self) -> None:
        header, payload, _ = parts(TOKEN)
        assert header == b'{"alg":"ES256","kid":"%s","typ":"JWT"}' % KEY_ID.encode()
        claims = claims_of(WANTED, issued_at=NOW)
        assert payload == json.dumps(claims, separators=(",", ":"), sort_keys=True).encode()

    def test_keys_are_sorted_however_they_are_given(self) -> None:
        token = sign_claims({"b": {"d": 1, "c": [2]}, "a": None}, KEY)
        assert parts(token)[1] == b'{"a":null,"b":{"c":[2],"d":1}}'

    def test_it_is_issued_now_unless_told(self) -> None:
        before = int(time.time())
        claims = json.loads(parts(sign_configuration(WANTED, KEY))[1])
        assert before <= claims["iat"] == claims["nbf"] <= time.time()
        assert isinstance(claims["iat"], int)
        claims = json.loads(parts(sign_configuration(WANTED, KEY, issued_at=0))[1])
        assert claims["iat"] == 0

    def test_the_key_id_and_the_header_can_be_changed(self) -> None:
        token = sign_claims({}, KEY, kid="mine", header={"cty": "x", "a": [1], "typ": "JOSE"})
        written = b'{"a":[1],"alg":"ES256","cty":"x","kid":"mine","typ":"JOSE"}'
        assert parts(token)[0] == written
        token = sign_configuration(WANTED, KEY, kid="mine")
        assert json.loads(parts(token)[0])["kid"] == "mine"

    @pytest.mark.parametrize("header", [{"alg": "HS256"}, {"alg": "none"}, {"crit": ["exp"]}])
    def test_an_honest_signer_writes_no_other_algorithm(self, header: dict[str, Any]) -> None:
        with pytest.raises(JoseError):
            sign_claims({}, KEY, header=header)


class TestIndependentVerifiers:
    """What is signed here is ES256 for others, and what others sign is for us."""

    def test_by_cryptography_directly(self) -> None:
        signing_input, _, _ = TOKEN.rpartition(b".")
        raw = parts(TOKEN)[2]
        r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
        verify, algorithm = KEY.public_key().verify, ec.ECDSA(hashes.SHA256())
        verify(encode_dss_signature(r, s), signing_input, algorithm)
        with pytest.raises(InvalidSignature):
            verify(encode_dss_signature(r, s), signing_input + b"x", algorithm)

    def test_by_the_openssl_program(self, tmp_path: Path) -> None:
        signing_input, _, _ = TOKEN.rpartition(b".")
        raw = parts(TOKEN)[2]
        signature, public = tmp_path / "signature", tmp_path / "public.der"
        r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
        signature.write_bytes(encode_dss_signature(r, s))
        public.write_bytes(base64.b64decode(PUBLIC))
        command = ("dgst", "-sha256", "-verify", public, "-keyform", "DER", "-signature", signature)
        assert openssl.run(*command, content=signing_input) == b"Verified OK\n"

    def test_signed_by_the_openssl_program(self, tmp_path: Path) -> None:
        key = tmp_path / "signing.key"
        openssl.run("genpkey", *openssl.KEYS["p256"], "-out", key)
        public = openssl.run("pkey", "-in", key, "-pubout", "-outform", "DER")

        def sign(signing_input: bytes) -> bytes:
            made = openssl.run("dgst", "-sha256", "-sign", key, content=signing_input)
            return b"".join(number.to_bytes(32) for number in decode_dss_signature(made))

        token = forgery.compact({"alg": "ES256"}, SAMPLE_PAYLOAD.encode(), sign)
        given = base64.b64encode(public).decode()
        assert verify_configuration(token, given, now=NOW).version == 3

    def test_a_short_number_is_padded(self) -> None:
        """One r or s in 256 is shorter than 32 bytes (RFC 7518 section 3.4)."""
        for version in range(10_000):
            token = sign_configuration(PinConfiguration((), version), KEY, issued_at=NOW)
            signature = parts(token)[2]
            assert len(signature) == 64
            if 0 in (signature[0], signature[32]):
                break
        assert 0 in (signature[0], signature[32])
        assert read(token).version == version


class TestPublicKeys:
    """Contract section 1.4: base64 of the DER, or of the PEM."""

    def test_both_encodings(self) -> None:
        der, pem = public_key_text(KEY), public_key_text(KEY, pem=True)
        assert der.startswith("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")
        assert len(der) == 124
        assert pem.startswith("LS0tLS1CRUdJTi")
        assert len(pem) == 240
        for text in (der, pem):
            assert read_public_key(text) == KEY.public_key()
            assert verify_configuration(TOKEN, text, now=NOW) == WANTED

    def test_white_space_does_not_matter(self) -> None:
        broken = "\n".join(PUBLIC[at : at + 40] for at in range(0, 124, 40))
        assert read_public_key(f"  {broken}\r\n") == KEY.public_key()

    @named(
        "raw",
        {
            "nothing": b"",
            "text": b"no key",
            "truncated": base64.b64decode(PUBLIC)[:-1],
            "more behind": base64.b64decode(PUBLIC) + b"\0",
            "off the curve": base64.b64decode(PUBLIC)[:-1]
            + bytes([base64.b64decode(PUBLIC)[-1] ^ 1]),
            "bare point": base64.b64decode(PUBLIC)[26:],
            "private key": key_pem(KEY),
            "half a PEM": base64.b64decode(public_key_text(KEY, pem=True))[:100],
        },
    )
    def test_what_is_no_public_key(self, raw: bytes) -> None:
        with pytest.raises(BadPublicKey, match="not base64 of a public key"):
            read_public_key(base64.b64encode(raw).decode())

    @pytest.mark.parametrize("kind", [KeyType.P384, KeyType.RSA2048, KeyType.ED25519])
    def test_other_types(self, kind: KeyType) -> None:
        spki = (
            new_key(kind).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        )
        with pytest.raises(BadPublicKey, match="not on P-256"):
            read_public_key(base64.b64encode(spki).decode())

    def test_a_type_that_nothing_here_can_use(self) -> None:
        unknown = bytes.fromhex("300c300506032a03040303000102")
        with pytest.raises(BadPublicKey):
            read_public_key(base64.b64encode(unknown).decode())

    @named(
        "text",
        {
            "no base64": "%%%",
            "no key": "MFkw",
            "no ASCII": "é",
            "a character short": PUBLIC[:-1],
            "another alphabet": PUBLIC.replace("M", "-", 1),
        },
    )
    def test_what_is_no_base64(self, text: str) -> None:
        with pytest.raises(BadPublicKey):
            read_public_key(text)

    @given(
        st.text(max_size=200) | st.binary(max_size=200).map(lambda b: base64.b64encode(b).decode())
    )
    def test_any_text(self, text: str) -> None:
        with pytest.raises(BadPublicKey) as caught:
            read_public_key(text)
        assert isinstance(caught.value, ValueError)

    def test_one_wrong_bit_anywhere(self) -> None:
        """It is no key or another, which vouches for nothing that this one has signed."""
        raw = base64.b64decode(PUBLIC)
        for bit in range(len(raw) * 8):
            changed = bytearray(raw)
            changed[bit // 8] ^= 1 << bit % 8
            text = base64.b64encode(changed).decode()
            with contextlib.suppress(BadPublicKey, ConfigurationRefused):
                assert verify_configuration(TOKEN, text, now=NOW) == WANTED
                # How many bits of the last byte count is said in the DER; it may be ignored.
                assert read_public_key(text) == KEY.public_key()

    def test_a_bad_key_is_told_before_the_token_is_looked_at(self) -> None:
        for token in (TOKEN, b"", b"no token"):
            with pytest.raises(BadPublicKey):
                verify_configuration(token, "no key", now=NOW)


@settings(deadline=None)
@given(CONFIGURATIONS, st.integers(-(1 << 40), 1 << 40))
def test_what_is_signed_is_read_again(configuration: PinConfiguration, at: int) -> None:
    token = sign_configuration(configuration, KEY, issued_at=at)
    assert read(token, at) == configuration
    with pytest.raises(ConfigurationRefused):
        verify_configuration(token, public_key_text(new_signing_key()), now=at)


class TestSize:
    """Contract section 10 leaves the limit open; there must be one."""

    @staticmethod
    def of_size(size: int) -> bytes:
        """Return a right token that is ``size`` bytes long, or up to three less."""
        empty = len(signed(claims(filling="")))
        return signed(claims(filling="x" * ((size - empty) * 3 // 4)))

    def test_up_to_the_limit(self) -> None:
        token = self.of_size(MAX_SIZE)
        assert MAX_SIZE - 3 <= len(token) <= MAX_SIZE
        assert read(token).version == 3

    def test_above_the_limit(self) -> None:
        assert refusal(self.of_size(MAX_SIZE + 4)) == f"longer than {MAX_SIZE} bytes"
        assert refusal(b"\xff" * (MAX_SIZE + 1)) == f"longer than {MAX_SIZE} bytes"

    def test_many_domains(self) -> None:
        many = tuple(PinnedDomain(f"host-{number}.test", (SPKI, LEAF)) for number in range(2000))
        wanted = PinConfiguration(many)
        assert read(sign_configuration(wanted, KEY, issued_at=NOW)) == wanted
