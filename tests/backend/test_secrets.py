from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.backend.secrets import Secret

MARK = Secret("the token", "canary0123456789abcdef")


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_it_is_found_in_base64_wherever_it_begins(before: bytes, after: bytes) -> None:
    plain = before + MARK.text.encode() + after
    assert MARK.is_in(b'{"context": "' + base64.b64encode(plain) + b'"}')
    assert MARK.is_in(base64.urlsafe_b64encode(plain).rstrip(b"="))


@pytest.mark.parametrize(
    "form",
    [
        MARK.text,
        MARK.text.upper(),
        "https://api.acme.test/?token=" + MARK.text,
        "".join(f"%{ord(c):02x}" for c in MARK.text),
        MARK.text.encode().hex(),
    ],
)
def test_it_is_found_in_other_forms(form: str) -> None:
    assert MARK.is_in(b"\x00\xff" + form.encode() + b"\xff")


@given(st.binary(max_size=200))
def test_it_is_not_found_where_it_is_not(content: bytes) -> None:
    assert not MARK.is_in(content)
    assert not MARK.is_in(base64.b64encode(content))
    assert not MARK.is_in(content + MARK.text[:-1].encode())
