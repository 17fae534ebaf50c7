from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.evidence.timeline import LEFT, RIGHT, look_of, make_timeline
from lab.model.trial import Phase, PhaseName, Trial
from lab.model.wire import WireClass
from tests.judge import builders


def at(opened: float, closed: float | None, phase: Phase) -> Phase:
    (connection,) = phase.connections
    return replace(phase, connections=(replace(connection, opened_at=opened, closed_at=closed),))


def timed() -> Trial:
    return builders.trial(
        baseline=at(1000.0, 1000.2, builders.benign(PhaseName.BASELINE)),
        attack=at(1000.25, 1000.5, builders.attack_phase()),
        control=at(1000.5, 1000.75, builders.control_phase()),
        recovery=at(1000.75, None, builders.benign(PhaseName.RECOVERY)),
    )


def test_lanes_are_the_phases_in_order_and_the_reports() -> None:
    drawing = make_timeline(timed())
    assert drawing is not None
    assert [lane.name for lane in drawing.lanes] == [
        "baseline",
        "attack",
        "control",
        "recovery",
        "report",
    ]
    assert drawing.lanes[-1].points == (RIGHT,)
    assert drawing.lanes[-1].label == "PinsMismatch"


def test_bars_stand_where_their_time_is() -> None:
    drawing = make_timeline(timed())
    assert drawing is not None
    quarter = (RIGHT - LEFT) / 4
    bars = [lane.bars[0] for lane in drawing.lanes[:4]]
    assert [bar.x for bar in bars] == pytest.approx([LEFT + quarter * n for n in range(4)], abs=0.2)
    assert bars[3].x + bars[3].width == pytest.approx(RIGHT, abs=0.2)
    assert [bar.look for bar in bars] == ["read", "kept", "read", "read"]
    assert [text for _, text in drawing.ticks] == ["0.00 s", "0.25 s", "0.50 s", "0.75 s", "1.00 s"]


def test_a_lane_says_what_the_app_and_the_wire_say() -> None:
    drawing = make_timeline(timed())
    assert drawing is not None
    assert drawing.lanes[1].label.startswith("refused · handshake finished")
    silent = make_timeline(replace(timed(), attack=builders.attack_phase(connections=())))
    assert silent is not None
    assert silent.lanes[1].label == "refused · nothing seen"


def test_without_times_there_is_no_drawing() -> None:
    bare = builders.trial(started_at=0.0, ended_at=0.0, reports=())
    assert make_timeline(bare) is None
    assert make_timeline(replace(bare, started_at=5.0, ended_at=5.0)) is None


@pytest.mark.parametrize(
    ("wire_class", "look"),
    [
        (WireClass.CLEARTEXT, "read"),
        (WireClass.RELAYED, "relayed"),
        (WireClass.TCP_ONLY, "stub"),
        (WireClass.PREFACE_ONLY, "kept"),
    ],
)
def test_looks_tell_what_was_read(wire_class: WireClass, look: str) -> None:
    assert look_of(wire_class) == look


@given(st.floats(0, 2e9), st.none() | st.floats(0, 2e9), st.floats(0, 2e9), st.floats(0, 2e9))
def test_the_drawing_stays_in_its_frame_whatever_the_clocks_say(
    opened: float, closed: float | None, started: float, received: float
) -> None:
    trial = builders.trial(
        attack=at(opened, closed, builders.attack_phase()),
        started_at=started,
        reports=(builders.report(received_at=received),),
    )
    drawing = make_timeline(trial)
    if drawing is not None:
        for lane in drawing.lanes:
            assert all(0 <= bar.x <= bar.x + bar.width <= RIGHT + 0.2 for bar in lane.bars)
            assert all(LEFT <= point <= RIGHT for point in lane.points)
