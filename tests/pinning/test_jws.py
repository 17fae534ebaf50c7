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
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joserfc.errors import JoseError

from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.pinning import forgery
from lab.pinning.jws import (
    KEY_ID,
    MAX_HOST,
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

NOW = 1_770_800_000
KEY = new_signing_key()
PUBLIC = public_key_text(KEY)
LAST = base64.b64decode(PUBLIC)[-1]
SPKI = Pin(PinKind.SPKI_SHA256, "SZOpfz5NlDKsR1ZS1/Q8i5BEpnoEXY6Y5a8ALZJ3Vrk=", NOW + 99)
LEAF = Pin(PinKind.LEAF_SHA512, "QUJD" * 21 + "QQ==")
WANTED = PinConfiguration(
    (PinnedDomain("api.acme.test", (SPKI, LEAF)), PinnedDomain("www.acme.test", (LEAF,))), 7
)
TOKEN = sign_configuration(WANTED, KEY, issued_at=NOW)

# Contract section 1.2: the sample, as it was decoded from the documentation.
SAMPLE_PAYLOAD = (
    '{"domains":[{"domain":"google.com","last_updated":1770798565,'
    '"pins":[{"expires_at":1776069422,'
    '"spki_sha256":"oxVSdCLgthL3M5Vnnzepq8WWlkUfRPYkpjLpm+wn+1o=",'
    '"spki_sha512":"JruxdWe96b/Uuzusl3ZRTQf23b+vZWO8wKGa55dl1tXqHIzx6kCudkp1yJ9EgRxVhiyH/hx4l45Q87'
    'MCshRspA=="},'
    '{"sha256":"0JYoxbBWCyeElzeyeFwr+41Aky9YhuHwiYn0kl7qpb4="}]}],'
    '"iat":1770798684,"nbf":1770798684,"spec":"v1.0.0","version":3}'
)
SAMPLE_LENGTH = 772
ANY_UUID = "00000000-0000-4000-8000-000000000000"


def parts(token: bytes) -> list[bytes]:
    """Decode the three parts by the standard library alone."""
    return [base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)) for part in token.split(b".")]


def read(token: bytes, now: float = NOW, skew: float = 0.0) -> PinConfiguration:
    return verify_configuration(token, PUBLIC, now=now, skew=skew)


def refusal(token: bytes, now: float = NOW) -> str:
    with pytest.raises(ConfigurationRefused) as caught:
        read(token, now)
    return str(caught.value)


def signed(payload: bytes, **header: object) -> bytes:
    """Sign any bytes as the project's owner."""
    return forgery.compact({"alg": "ES256", **header}, payload, forgery.es256(KEY))


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
            "off the curve": base64.b64decode(PUBLIC)[:-1] + bytes([LAST ^ 1]),
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


DIGESTS = {
    kind: st.binary(min_size=size, max_size=size).map(lambda raw: base64.b64encode(raw).decode())
    for kind, size in (
        (PinKind.LEAF_SHA256, 32),
        (PinKind.LEAF_SHA512, 64),
        (PinKind.SPKI_SHA256, 32),
        (PinKind.SPKI_SHA512, 64),
    )
}
PINS = st.sampled_from(list(PinKind)).flatmap(
    lambda kind: st.builds(
        Pin, st.just(kind), DIGESTS[kind], st.none() | st.integers(-(1 << 70), 1 << 70)
    )
)
HOSTS = st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,20}){0,3}", fullmatch=True)
CONFIGURATIONS = st.builds(
    PinConfiguration,
    st.lists(
        st.builds(PinnedDomain, HOSTS, st.lists(PINS, min_size=1, max_size=4).map(tuple)),
        max_size=4,
        unique_by=lambda domain: domain.host,
    ).map(tuple),
    st.integers(),
)


@settings(deadline=None)
@given(CONFIGURATIONS, st.integers(-(1 << 40), 1 << 40))
def test_what_is_signed_is_read_again(configuration: PinConfiguration, at: int) -> None:
    token = sign_configuration(configuration, KEY, issued_at=at)
    assert read(token, at) == configuration
    with pytest.raises(ConfigurationRefused):
        verify_configuration(token, public_key_text(new_signing_key()), now=at)


class TestTampering:
    """No byte of a token can be changed without a difference."""

    def test_every_bit(self) -> None:
        """Of each token with one bit flipped: refused, or the bytes that matter are the same."""
        token = sign_configuration(PinConfiguration((PinnedDomain("a.test", (LEAF,)),)), KEY)
        now = time.time()
        whole = read(token, now)
        for bit in range(len(token) * 8):
            changed = bytearray(token)
            changed[bit // 8] ^= 1 << bit % 8
            try:
                assert read(bytes(changed), now) == whole
            except ConfigurationRefused:
                continue
            # The last character of base64 may have bits that stand for nothing.
            assert parts(bytes(changed)) == parts(token)
            assert bytes(changed).rpartition(b".")[0] == token.rpartition(b".")[0]

    @settings(deadline=None)
    @given(st.data())
    def test_cuts_and_insertions(self, data: st.DataObject) -> None:
        start = data.draw(st.integers(0, len(TOKEN)))
        stop = data.draw(st.integers(start, len(TOKEN)))
        put = data.draw(st.binary(max_size=8) | st.text("AZ-_.=", max_size=8).map(str.encode))
        changed = TOKEN[:start] + put + TOKEN[stop:]
        if changed != TOKEN:
            refusal(changed)

    @named(
        "token",
        {
            "nothing": b"",
            "text": b"<html>login</html>",
            "one part": TOKEN.split(b".")[0],
            "two parts": TOKEN.rpartition(b".")[0],
            "four parts": TOKEN + b".AAAA",
            "five parts": TOKEN + b".AAAA.AAAA",
            "no header": b"." + TOKEN.split(b".", 1)[1],
            "no payload": TOKEN.split(b".")[0] + b".." + TOKEN.split(b".")[2],
            "no signature": TOKEN.rpartition(b".")[0] + b".",
            "padded": TOKEN + b"==",
            "newline behind": TOKEN + b"\n",
            "space before": b" " + TOKEN,
            "NUL behind": TOKEN + b"\0",
            "byte order mark": b"\xef\xbb\xbf" + TOKEN,
            "UTF-16": TOKEN.decode().encode("utf-16"),
            "word characters that are no ASCII": "é.é.é".encode("latin-1"),
            "standard base64": TOKEN.replace(b"-", b"+").replace(b"_", b"/") + b"+",
            "JSON serialisation": b'{"payload":"e30","signatures":[]}',
        },
    )
    def test_what_is_no_compact_jws(self, token: bytes) -> None:
        assert refusal(token) == "not a compact JWS of three parts in base64url"

    @given(st.binary(max_size=300))
    def test_any_bytes(self, token: bytes) -> None:
        refusal(token)

    @given(st.lists(st.from_regex(rb"[A-Za-z0-9_-]{1,40}", fullmatch=True), min_size=3, max_size=3))
    def test_any_three_parts(self, three: list[bytes]) -> None:
        refusal(b".".join(three))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


class TestHeaders:
    """What the owner signed under a header that is wrong."""

    @pytest.mark.parametrize(
        "alg", ["es256", "ES384", "ES512", "RS256", "EdDSA", "ES256K", "x", ""]
    )
    def test_other_algorithms(self, alg: str) -> None:
        assert refusal(signed(SAMPLE_PAYLOAD.encode(), alg=alg)) == "not signed with ES256"

    @pytest.mark.parametrize("alg", [None, 256, ["ES256"], {"ES256": 1}, True])
    def test_algorithms_that_are_no_text(self, alg: object) -> None:
        assert refusal(signed(SAMPLE_PAYLOAD.encode(), alg=alg))

    def test_no_algorithm(self) -> None:
        token = forgery.compact({"typ": "JWT"}, SAMPLE_PAYLOAD.encode(), forgery.es256(KEY))
        assert refusal(token) == "not a JWS: MissingAlgorithmError"

    @pytest.mark.parametrize(
        "raw",
        [
            *(b"", b"{", b"null", b"1", b'"alg"', b'["alg"]', b"[]", b"{}", b"\xff", b"[" * 300),
            *(b'{"alg":"ES256",}', b"{'alg':'ES256'}", b'{"alg":' + b"9" * 400 + b"}"),
        ],
    )
    def test_any_header_that_is_none(self, raw: bytes) -> None:
        signing_input = forgery.base64url(raw) + b"." + forgery.base64url(SAMPLE_PAYLOAD.encode())
        token = signing_input + b"." + forgery.base64url(forgery.es256(KEY)(signing_input))
        assert refusal(token)

    @settings(deadline=None)
    @given(st.dictionaries(st.sampled_from(["alg", "crit", "b64", "kid", "typ", "x"]), JSON))
    @example({"crit": 1})
    @example({"crit": [[]]})
    @example({"crit": {"alg": 1}})
    @example({"b64": False, "crit": ["b64"]})
    def test_any_values(self, header: dict[str, Any]) -> None:
        token = signed(SAMPLE_PAYLOAD.encode(), **header)
        try:
            assert read(token).version == 3
        except ConfigurationRefused:
            return
        assert header.get("alg", "ES256") == "ES256"

    @pytest.mark.parametrize("header", [{"kid": "another"}, {"typ": "JOSE"}, {"x": {"y": [1]}}])
    def test_what_nobody_knows_is_ignored(self, header: dict[str, object]) -> None:
        assert read(signed(SAMPLE_PAYLOAD.encode(), **header)).version == 3

    @pytest.mark.parametrize("crit", [["x"], ["exp"], ["missing"], "x", 1, [1], [None]])
    def test_unless_it_is_critical(self, crit: object) -> None:
        """RFC 7515 section 4.1.11."""
        assert refusal(signed(SAMPLE_PAYLOAD.encode(), crit=crit, x=1))

    def test_a_payload_that_is_not_encoded(self) -> None:
        """RFC 7797, which a configuration has no use for."""
        header = b'{"alg":"ES256","b64":false,"crit":["b64"]}'
        for payload in (b"abcd", b"1234", SAMPLE_PAYLOAD.encode()):
            signing_input = forgery.base64url(header) + b"." + payload
            signature = forgery.base64url(forgery.es256(KEY)(signing_input))
            assert refusal(signing_input + b"." + signature)

    def test_a_header_that_is_too_long(self) -> None:
        assert refusal(signed(SAMPLE_PAYLOAD.encode(), kid="x" * 10_000)).startswith("not a JWS")


def claims(**changes: Any) -> bytes:
    usual = json.loads(SAMPLE_PAYLOAD)
    return json.dumps({k: v for k, v in {**usual, **changes}.items() if v is not ...}).encode()


def domain(**changes: Any) -> list[dict[str, Any]]:
    usual = {"domain": "a.test", "pins": [{"sha512": LEAF.digest}]}
    return [{k: v for k, v in {**usual, **changes}.items() if v is not ...}]


def pin(**changes: Any) -> list[dict[str, Any]]:
    return domain(pins=[{"sha512": LEAF.digest, **changes}])


class TestClaims:
    """What the owner signed, but is no configuration."""

    @pytest.mark.parametrize(
        "payload",
        [
            *(b" ", b"{", b"nonsense", b"\xff\xfe", b"{}x", b"\xef\xbb\xbf{}", b"[" * 100_000),
            *(b'{"a":' * 100_000, b"9" * 5000, b'{"a":1,"a":1}', b'{"domains":[{"x":1,"x":2}]}'),
            *(b'{"nbf":NaN}', b'{"nbf":Infinity}', b'{"nbf":-Infinity}', b'"\x01"'),
        ],
        ids=lambda payload: repr(payload[:20]),
    )
    def test_what_is_no_json(self, payload: bytes) -> None:
        assert refusal(signed(payload)).startswith("the payload is not JSON: ")

    @pytest.mark.parametrize(
        "payload", [b"null", b"true", b"0", b'"x"', b"[]", b'[{"domains":[]}]']
    )
    def test_what_is_no_object(self, payload: bytes) -> None:
        assert refusal(signed(payload)) == "the payload is not an object"

    @pytest.mark.parametrize(
        ("payload", "reason"),
        [
            (claims(nbf=NOW + 1), "not valid yet (nbf)"),
            (claims(nbf=float(NOW) + 0.5), "not valid yet (nbf)"),
            (claims(nbf=10**400), "not valid yet (nbf)"),
            (b'{"nbf":1e999,"domains":[]}', "not valid yet (nbf)"),
            (claims(nbf="1"), "nbf is not a number"),
            (claims(nbf=None), "nbf is not a number"),
            (claims(nbf=False), "nbf is not a number"),
            (claims(nbf=[]), "nbf is not a number"),
            (claims(version="3"), "version is not an integer"),
            (claims(version=3.0), "version is not an integer"),
            (claims(version=True), "version is not an integer"),
            (claims(version=None), "version is not an integer"),
            (claims(domains=...), "no list of domains"),
            (claims(domains=None), "no list of domains"),
            (claims(domains={}), "no list of domains"),
            (claims(domains="a.test"), "no list of domains"),
            (claims(domains=["a.test"]), "a domain is not an object"),
            (claims(domains=[None]), "a domain is not an object"),
            (claims(domains=domain(domain=...)), "a domain without a host name"),
            (claims(domains=domain(domain=1)), "a domain without a host name"),
            (claims(domains=domain(domain="")), "a domain without a host name"),
            (claims(domains=domain(domain="a b")), "a domain without a host name"),
            (claims(domains=domain(domain="a\n")), "a domain without a host name"),
            (claims(domains=domain(domain="\u00e4.test")), "a domain without a host name"),
            (claims(domains=domain(domain="\ud800")), "a domain without a host name"),
            (claims(domains=domain(domain="a" * (MAX_HOST + 1))), "a domain without a host name"),
            (claims(domains=domain() + domain()), "a domain is listed twice"),
            (claims(domains=domain() + domain(domain="A.TEST")), "a domain is listed twice"),
            (claims(domains=domain(pins=...)), "a.test: no list of pins"),
            (claims(domains=domain(pins=None)), "a.test: no list of pins"),
            (claims(domains=domain(pins={})), "a.test: no list of pins"),
            (claims(domains=domain(pins=[])), "a.test: registered without a pin"),
            (claims(domains=domain(pins=[{}])), "a.test: registered without a pin"),
            (claims(domains=domain(pins=[{"md5": "x"}])), "a.test: registered without a pin"),
            (claims(domains=domain(pins=[LEAF.digest])), "a.test: a pin is not an object"),
            (claims(domains=pin(expires_at=None)), "a.test: expires_at is not an integer"),
            (claims(domains=pin(expires_at="1")), "a.test: expires_at is not an integer"),
            (claims(domains=pin(expires_at=1.5)), "a.test: expires_at is not an integer"),
            (claims(domains=pin(expires_at=True)), "a.test: expires_at is not an integer"),
            (claims(domains=pin(sha256=1)), "a.test: sha256 is not a string"),
            (claims(domains=pin(sha256=None)), "a.test: sha256 is not a string"),
            (
                claims(domains=pin(sha256="x")),
                "a.test: sha256: not standard padded base64",
            ),
            (
                claims(domains=pin(spki_sha256=LEAF.digest)),
                "a.test: spki_sha256: 64 bytes, due are 32",
            ),
            (
                claims(domains=pin(sha256="A" * 42 + "B=")),
                "a.test: sha256: not the canonical base64 of its bytes",
            ),
        ],
    )
    def test_the_reason_is_told(self, payload: bytes, reason: str) -> None:
        assert refusal(signed(payload)) == reason

    def test_what_nobody_knows_is_ignored(self) -> None:
        known = domain(pins=[{"sha512": LEAF.digest, "note": 1}, {"md5": 3}], x=1)
        payload = claims(domains=known, exp="x", spec="v9", more={"y": []})
        assert read(signed(payload)).pins_for("a.test") == (LEAF,)

    def test_what_may_be_missing(self) -> None:
        assert read(signed(b'{"domains":[]}')) == PinConfiguration((), 0)

    def test_host_names_are_lower_case_from_here_on(self) -> None:
        assert read(signed(claims(domains=domain(domain="API.Test")))).domains[0].host == "api.test"

    def test_the_longest_host_name(self) -> None:
        longest = "a" * MAX_HOST
        assert read(signed(claims(domains=domain(domain=longest)))).domains[0].host == longest

    def test_each_digest_of_a_pin_object_is_an_alternative_with_its_expiry(self) -> None:
        digests = {"spki_sha256": SPKI.digest, "sha512": LEAF.digest}
        known = domain(pins=[{**digests, "expires_at": 5}])
        assert set(read(signed(claims(domains=known))).pins_for("a.test")) == {
            Pin(PinKind.SPKI_SHA256, SPKI.digest, 5),
            Pin(PinKind.LEAF_SHA512, LEAF.digest, 5),
        }

    @pytest.mark.parametrize(
        ("ahead", "skew", "accepted"),
        [(0, 0, True), (-1, 0, True), (1, 0, False), (60, 60, True), (61, 60, False)],
    )
    def test_not_before(self, ahead: int, skew: float, accepted: bool) -> None:
        token = signed(claims(nbf=NOW + ahead))
        if accepted:
            assert read(token, NOW, skew).version == 3
        else:
            with pytest.raises(ConfigurationRefused, match="nbf"):
                read(token, NOW, skew)

    @settings(deadline=None)
    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "domains": JSON
                | st.lists(
                    JSON
                    | st.fixed_dictionaries(
                        {"domain": JSON | HOSTS},
                        optional={
                            "pins": JSON
                            | st.lists(
                                JSON
                                | st.dictionaries(
                                    st.sampled_from([*PinKind, "expires_at", "x"]),
                                    JSON | DIGESTS[PinKind.SPKI_SHA256],
                                ),
                                max_size=3,
                            )
                        },
                    ),
                    max_size=3,
                ),
                "nbf": JSON,
                "version": JSON,
                "spec": JSON,
            },
        )
        | JSON
    )
    def test_any_claims(self, payload: Any) -> None:
        """Whatever is signed is a configuration or refused in one line."""
        try:
            configuration = read(signed(json.dumps(payload).encode()))
        except ConfigurationRefused as error:
            reason = str(error)
        else:
            reason = ""
            assert all(domain.pins for domain in configuration.domains)
            assert sign_configuration(configuration, KEY)
        assert "\n" not in reason


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
