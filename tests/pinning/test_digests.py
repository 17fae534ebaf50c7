from __future__ import annotations

import base64
from random import Random

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lab.model.pins import PinKind
from lab.pinning.pins import (
    DIGEST_SIZE,
    parse_digest,
    parse_wire_digest,
)

EVERY_KIND = pytest.mark.parametrize("kind", PinKind)

RAW = st.binary(min_size=32, max_size=32) | st.binary(min_size=64, max_size=64)
GAP = st.sampled_from(["", " ", ":", ": ", "\n", "\t", "\u00a0"])


def refusal(text: str) -> str:
    """Return why ``text`` is no digest, or nothing where it is one."""
    try:
        parse_digest(text)
    except ValueError as error:
        return str(error)
    return ""


class TestDigestsThatPeopleType:
    """Hexadecimal in any dress, or base64."""

    @given(RAW, st.randoms(use_true_random=False), GAP)
    def test_hexadecimal(self, raw: bytes, chance: Random, gap: str) -> None:
        cased = [chance.choice([str.lower, str.upper])(f"{byte:02x}") for byte in raw]
        assert parse_digest(gap.join(cased)) == raw
        assert parse_digest(f" {gap.join(cased)}\n") == raw

    @given(RAW)
    def test_hexadecimal_as_openssl_and_keytool_write_it(self, raw: bytes) -> None:
        assert parse_digest(raw.hex(":").upper()) == raw
        # The founding document splits one in the middle.
        written = raw.hex()
        assert parse_digest(f"{written[:64]} {written[64:]}") == raw

    @given(RAW, st.integers(0, 44))
    def test_base64(self, raw: bytes, cut: int) -> None:
        text = base64.b64encode(raw).decode()
        assert parse_digest(text) == raw
        assert parse_digest(f"{text[:cut]}\n  {text[cut:]} ") == raw

    @given(st.binary(max_size=100))
    def test_other_lengths(self, raw: bytes) -> None:
        assume(len(raw) not in (32, 64))
        assert "long" in refusal(raw.hex()) or "neither" in refusal(raw.hex())
        text = base64.b64encode(raw).decode()
        # As long as hexadecimal digests are, it could be one: "AAAA" is both.
        assume(len(text) not in (64, 128))
        assert f"{len(raw)} bytes long" in refusal(text)

    @given(st.text(max_size=200) | st.text("0123456789abcdefABCDEF+/=: ", max_size=200))
    @example("é" * 44)
    @example("-_" * 22)
    @example("0" * 63)
    @example("0" * 65)
    def test_any_text(self, text: str) -> None:
        reason = refusal(text)
        assert reason or len(parse_digest(text)) in (32, 64)
        assert "\n" not in reason
        assert len(reason) < 2000

    def test_the_message_says_how_long_it_is(self) -> None:
        with pytest.raises(ValueError, match="'YWJj' is 3 bytes long"):
            parse_digest("YWJj")

    def test_a_long_text_is_not_shown_whole(self) -> None:
        with pytest.raises(ValueError, match="…") as caught:
            parse_digest("!" * 1_000_000)
        assert len(str(caught.value)) < 300


class TestDigestsOnTheWire:
    """Standard padded base64 and nothing else (contract section 1.2)."""

    @EVERY_KIND
    @given(st.data())
    def test_round_trip(self, kind: PinKind, data: st.DataObject) -> None:
        size = DIGEST_SIZE[kind]
        raw = data.draw(st.binary(min_size=size, max_size=size))
        text = base64.b64encode(raw).decode()
        assert len(text) == (44 if size == 32 else 88)
        assert parse_wire_digest(text, kind) == raw

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "0 bytes"),
            ("A" * 43, "not standard padded base64"),
            ("A" * 44, "33 bytes"),
            ("A" * 43 + "=\n", "not standard padded base64"),
            (" " + "A" * 43 + "=", "not standard padded base64"),
            ("A" * 21 + "\n" + "A" * 22 + "=", "not standard padded base64"),
            ("-" + "A" * 42 + "=", "not standard padded base64"),
            ("_" + "A" * 42 + "=", "not standard padded base64"),
            ("A" * 42 + "B=", "not the canonical base64"),
            ("A" * 43 + "==", "not standard padded base64"),
            ("é" + "A" * 42 + "=", "not standard padded base64"),
            ("\ud800" + "A" * 42 + "=", "not standard padded base64"),
            ("00" * 32, "48 bytes"),
            (":".join(["00"] * 32), "not standard padded base64"),
            ("A" * 86 + "==", "64 bytes"),
        ],
    )
    def test_anything_else_is_refused(self, text: str, reason: str) -> None:
        with pytest.raises(ValueError, match=f"^spki_sha256: .*{reason}"):
            parse_wire_digest(text, PinKind.SPKI_SHA256)

    @given(
        st.text("AB+/=_- \n", min_size=42, max_size=46).filter(lambda text: len(text) > 41)
        | st.text(max_size=90)
    )
    def test_what_is_accepted_is_the_one_way_to_write_it(self, text: str) -> None:
        try:
            raw = parse_wire_digest(text, PinKind.LEAF_SHA256)
        except ValueError:
            return
        assert base64.b64encode(raw).decode() == text
