from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.evidence.text import (
    clipped,
    counted,
    duration,
    listed,
    moment,
    one_line,
    sentence,
    short_digest,
    visible,
)


def test_escape_sequences_and_direction_marks_are_written_out() -> None:
    assert visible("\x1b[31mred\u202e!") == "\\x1b[31mred\\u202e!"


def test_tab_and_newline_stay_in_visible_text_and_go_from_a_line() -> None:
    assert visible("a\n\tb") == "a\n\tb"
    assert one_line(" a\n\tb ") == "a b"


@given(st.text())
def test_a_line_is_one_line_for_every_reader(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


@given(st.text(), st.integers(0, 40))
def test_clipped_text_fits(text: str, limit: int) -> None:
    short = clipped(text, limit)
    assert len(short) <= max(1, limit)
    assert short == text or short.endswith("…")


def test_numbers_agree_with_their_nouns() -> None:
    assert counted(1, "attack") == "1 attack"
    assert counted(0, "attack") == "0 attacks"
    assert counted(2, "try", "tries") == "2 tries"


def test_lists_read_as_sentences() -> None:
    assert listed([]) == ""
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -math.inf])
def test_a_duration_that_is_none_is_said_to_be_unknown(seconds: float) -> None:
    assert duration(seconds) == "unknown"


def test_durations_have_one_unit_to_think_in() -> None:
    assert [duration(s) for s in (0.0, 0.0004, 0.04, 0.9996, 1.44, 9.96, 59.6, 125, 3840)] == [
        "0.0 s",
        "1 ms",
        "40 ms",
        "1.0 s",
        "1.4 s",
        "10 s",
        "1 min 00 s",
        "2 min 05 s",
        "1 h 04 min",
    ]


def test_a_negative_duration_of_a_clock_that_was_set_back_is_no_duration() -> None:
    assert duration(-3.0) == "0.0 s"


def test_moments_are_utc_and_absurd_ones_do_not_raise() -> None:
    assert moment(0.0) == "1970-01-01 00:00:00 UTC"
    assert moment(None) == "-"
    assert "no date" in moment(1e20)


def test_digests_are_cut_and_short_ones_are_not() -> None:
    assert short_digest("0123456789") == "01234567…"
    assert short_digest("01") == "01"


def test_a_sentence_begins_with_a_capital_and_keeps_the_rest() -> None:
    assert sentence("the TLS way") == "The TLS way"
    assert sentence("") == ""
