from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.pinning import forgery
from lab.pinning.jws import (
    ConfigurationRefused,
)
from tests.pinning.signing import (
    JSON,
    KEY,
    SAMPLE_PAYLOAD,
    read,
    refusal,
    signed,
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
