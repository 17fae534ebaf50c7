"""One project's key, what its owner has signed with it, and what a client makes of that."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import strategies as st

from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.pinning import forgery
from lab.pinning.jws import (
    ConfigurationRefused,
    new_signing_key,
    public_key_text,
    sign_configuration,
    verify_configuration,
)

NOW = 1_770_800_000
KEY = new_signing_key()
PUBLIC = public_key_text(KEY)
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


def claims(**changes: Any) -> bytes:
    """Return the sample's payload with ``changes``; the value ``...`` removes a claim."""
    usual = json.loads(SAMPLE_PAYLOAD)
    return json.dumps({k: v for k, v in {**usual, **changes}.items() if v is not ...}).encode()


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)

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
