from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.evidence.latency import LEFT, RIGHT, Plot, plots
from lab.model.trial import Measurement
from tests.evidence.builders import judged, passed, skipped
from tests.judge.builders import trial


def plot(*taken: Measurement) -> Plot:
    (made,) = plots(judged(trial(measurements=(m,)), device=f"d{n}") for n, m in enumerate(taken))
    return made


def measured(*seconds: float, budget: float = 0.1) -> Measurement:
    return Measurement("Setting up", seconds, budget, "the phone's log")


def test_figures_stand_to_scale_beside_their_budget() -> None:
    made = plot(measured(0.0, 0.05, 0.1))
    (strip,) = made.strips
    zero, half, full = strip.dots
    assert (zero, full) == (LEFT, made.budget)
    assert half == pytest.approx((zero + full) / 2, abs=0.1)
    assert strip.median == half
    assert strip.spread == (zero, full)
    assert strip.words == "50 ms in the median of 3 figures, 0 ms to 100 ms, budget 100 ms"
    assert [text for _, text in made.ticks] == ["0 ms", "100 ms"]


def test_devices_share_an_axis() -> None:
    slow, quick = plot(measured(0.4), measured(0.02)).strips
    assert quick.dots[0] < slow.dots[0] <= RIGHT


def test_what_was_not_measured_has_no_dots_and_says_so() -> None:
    (strip,) = plot(measured()).strips
    assert (strip.dots, strip.median, strip.spread) == ((), None, None)
    assert strip.words == "not measured"


def test_each_thing_that_was_measured_has_its_plot() -> None:
    other = Measurement("Fetching", (0.1,), 0.2, "the wire")
    made = plots([judged(trial(measurements=(measured(0.1), other))), passed(), skipped()])
    assert [each.name for each in made] == ["Setting up", "Fetching"]


@given(
    st.lists(st.floats(-1e6, 1e6), max_size=6),
    st.floats(0, 1e6),
)
def test_drawings_stay_in_their_frame_and_keep_the_order(
    seconds: list[float], budget: float
) -> None:
    made = plot(measured(*sorted(seconds), budget=budget))
    dots = made.strips[0].dots
    assert all(LEFT <= x <= RIGHT for x in (*dots, made.budget, made.zero))
    assert all(a <= b for a, b in pairwise(dots))
