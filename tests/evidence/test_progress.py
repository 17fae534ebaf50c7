from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lab.evidence.progress import progress_line
from lab.model.verdict import Verdict

COUNTS = {Verdict.PASS: 35, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 0}


def test_the_line_says_how_far_how_good_how_long_and_what_now() -> None:
    line = progress_line(36, 144, COUNTS, "B4 Device-trusted rogue CA", 12.0, 100)
    assert line == (
        " 36/144 [===         ]  1 FAIL, 35 PASS  12 s, 36 s left  B4 Device-trusted rogue CA"
    )


def test_a_narrow_terminal_loses_the_bar_and_the_end_never_the_fail() -> None:
    line = progress_line(36, 144, COUNTS, "B4 Device-trusted rogue CA", 12.0, 44)
    assert line == " 36/144  1 FAIL, 35 PASS  12 s, 36 s left…"


def test_no_forecast_at_the_start_and_at_the_end() -> None:
    assert "left" not in progress_line(0, 9, {}, "", 60.0, 80)
    assert "left" not in progress_line(1, 9, {}, "", 1.0, 80)
    assert "left" not in progress_line(9, 9, {}, "", 60.0, 80)
    assert "[============]" in progress_line(9, 9, {}, "", 60.0, 80)


def test_a_device_name_cannot_move_the_cursor() -> None:
    assert "\x1b" not in progress_line(1, 2, {}, "\x1b[2Kphone\r", 1.0, 80)


@given(
    st.integers(0, 500),
    st.integers(0, 500),
    st.dictionaries(st.sampled_from(Verdict), st.integers(0, 500)),
    st.text(),
    st.floats(0, 1e6),
    st.integers(0, 200),
)
def test_the_line_is_one_line_that_fits(
    done: int, total: int, counts: dict[Verdict, int], now: str, seconds: float, width: int
) -> None:
    line = progress_line(done, total, counts, now, seconds, width)
    assert cell_len(line) <= width
    assert len(line.splitlines()) <= 1
