from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model.pins import Pin, PinConfiguration, PinKind
from lab.pinning.jws import (
    MAX_HOST,
    ConfigurationRefused,
    sign_configuration,
)
from tests.pinning.signing import (
    DIGESTS,
    HOSTS,
    JSON,
    KEY,
    LEAF,
    NOW,
    SPKI,
    claims,
    read,
    refusal,
    signed,
)


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
