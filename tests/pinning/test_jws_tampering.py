from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.model.pins import PinConfiguration, PinnedDomain
from lab.pinning.jws import (
    ConfigurationRefused,
    sign_configuration,
)
from tests.pinning.cases import named
from tests.pinning.signing import (
    KEY,
    LEAF,
    TOKEN,
    parts,
    read,
    refusal,
)


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
