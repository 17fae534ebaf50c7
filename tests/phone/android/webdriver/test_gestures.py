from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.phone.node import BUTTON, FRAME, TEXT, Node
from lab.phone.webdriver.elements import W3C_KEY, touched
from lab.phone.webdriver.gestures import MAX_ACTIONS, Point, taps
from lab.phone.webdriver.protocol import Code, Failed, Parameters


def middle(element: str) -> Point:
    if element != "e":
        raise Failed(Code.NO_SUCH_ELEMENT, element)
    return 500, 600


def found(*steps: dict[str, Any], kind: str = "pointer") -> list[Point]:
    source = {"type": kind, "id": "finger1", "actions": list(steps)}
    return taps(Parameters({"actions": [source]}), middle)


def move(x: float, y: float, **more: object) -> dict[str, Any]:
    return {"type": "pointerMove", "duration": 0, "x": x, "y": y, **more}


DOWN = {"type": "pointerDown", "button": 0}
UP = {"type": "pointerUp", "button": 0}
PAUSE = {"type": "pause", "duration": 100_000}


def test_down_and_up_is_a_tap() -> None:
    assert found(move(10, 20), DOWN, PAUSE, UP) == [(10, 20)]
    assert found(move(10, 20), DOWN, UP, move(30, 40), DOWN, UP) == [(10, 20), (30, 40)]


def test_a_finger_may_tremble_but_not_swipe() -> None:
    assert found(move(10, 20), DOWN, move(15, 25), UP) == [(10, 20)]
    assert found(move(10, 20), DOWN, move(15, 300), UP) == []
    assert found(move(10, 20), DOWN, move(15, 300), move(10, 20), UP) == []


def test_where_a_move_begins() -> None:
    assert found(move(10, 20), move(5, -5, origin="pointer"), DOWN, UP) == [(15, 15)]
    assert found(move(1, 2, origin={W3C_KEY: "e"}), DOWN, UP) == [(501, 602)]
    with pytest.raises(Failed) as caught:
        found(move(1, 2, origin={W3C_KEY: "other"}))
    assert caught.value.code is Code.NO_SUCH_ELEMENT


def test_nothing_is_tapped_by_half() -> None:
    assert found(UP) == []
    assert found(move(1, 1), DOWN) == []
    assert found(move(1, 1), DOWN, {"type": "pointerCancel"}, UP) == []
    assert found(PAUSE, kind="none") == found(PAUSE, kind="key") == []


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([move(-1, 0)], Code.MOVE_OUT_OF_BOUNDS),
        ([move(1080, 0)], Code.MOVE_OUT_OF_BOUNDS),
        ([move(0, 1e12)], Code.MOVE_OUT_OF_BOUNDS),
        ([move(0, 0, origin="elsewhere")], Code.INVALID_ARGUMENT),
        ([move(0, 0, origin={})], Code.INVALID_ARGUMENT),
        ([{"type": "pointerJump"}], Code.INVALID_ARGUMENT),
        ([{}], Code.INVALID_ARGUMENT),
        ([1], Code.INVALID_ARGUMENT),
        ([PAUSE] * (MAX_ACTIONS + 1), Code.INVALID_ARGUMENT),
    ],
)
def test_what_is_no_gesture_is_refused(steps: list[Any], code: Code) -> None:
    with pytest.raises(Failed) as caught:
        found(*steps)
    assert caught.value.code is code


def test_there_is_no_keyboard() -> None:
    with pytest.raises(Failed) as caught:
        found({"type": "keyDown", "value": "a"}, kind="key")
    assert caught.value.code is Code.UNSUPPORTED


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "actions", "x", "y", "origin"]), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_actions_are_understood_or_refused(actions: object) -> None:
    with suppress(Failed):
        taps(Parameters({"actions": actions}), middle)


def test_the_topmost_node_that_takes_touches_is_touched() -> None:
    root = Node("root", FRAME, (0, 0, 100, 100), "a", clickable=True)
    below = Node("below", BUTTON, (0, 0, 50, 50), "a", clickable=True)
    label = Node("label", TEXT, (10, 10, 20, 20), "a")
    root.children = [below, label]
    assert [getattr(touched(root, p), "key", None) for p in ((15, 15), (50, 49), (100, 0))] == [
        "below",
        "root",
        None,
    ]
