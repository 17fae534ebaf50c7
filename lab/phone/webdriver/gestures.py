"""What fingers do: the pointer part of W3C actions (WebDriver section 15)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lab.phone.node import HEIGHT, WIDTH
from lab.phone.webdriver.elements import W3C_KEY
from lab.phone.webdriver.protocol import Code, Failed, Parameters, wrong

MAX_ACTIONS = 1000
SLOP = 24
"""Pixels that a finger may move while down for the touch still to be a tap."""

Point = tuple[float, float]
Centre = Callable[[str], Point]
"""From an element's id to its middle. Raises Failed."""


def taps(
    actions: Parameters, centre: Centre, size: tuple[float, float] = (WIDTH, HEIGHT)
) -> list[Point]:
    """Return where the actions tap, finger after finger, on a screen of this ``size``.

    Nothing on this phone follows a finger or tells a long touch from a short one, so moves beyond
    the slop do nothing and pauses are not waited for. Raises Failed for what are no pointer
    actions.
    """
    found: list[Point] = []
    for source in actions.sequence("actions"):
        sequence = Parameters(_mapping(source))
        steps = sequence.sequence("actions", [])
        if len(steps) > MAX_ACTIONS:
            raise Failed(Code.INVALID_ARGUMENT, f"more than {MAX_ACTIONS} actions")
        known = [Parameters(_mapping(step)) for step in steps]
        kind = sequence.text("type")
        if kind == "pointer":
            found.extend(_finger(known, centre, size))
        elif any(step.text("type") != "pause" for step in known):
            # Clients fill up the other devices' sequences with pauses.
            raise Failed(Code.UNSUPPORTED, f"no {kind!r} actions: this phone has only a screen")
    return found


def _finger(steps: list[Parameters], centre: Centre, size: tuple[float, float]) -> Iterator[Point]:
    at: Point = (0.0, 0.0)
    down: Point | None = None
    still = True
    for step in steps:
        kind = step.text("type")
        if kind == "pointerMove":
            at = _moved(step, at, centre, size)
            still = still and (down is None or _near(at, down))
        elif kind == "pointerDown":
            down, still = at, True
        elif kind == "pointerUp":
            if down is not None and still:
                yield down
            down = None
        elif kind not in ("pause", "pointerCancel"):
            raise Failed(Code.INVALID_ARGUMENT, f"no pointer action {kind!r}")
        elif kind == "pointerCancel":
            down = None


def _moved(step: Parameters, at: Point, centre: Centre, size: tuple[float, float]) -> Point:
    x, y = step.number("x", 0.0), step.number("y", 0.0)
    origin = step.values.get("origin", "viewport")
    if origin == "pointer":
        x, y = at[0] + x, at[1] + y
    elif isinstance(origin, dict):
        middle = centre(Parameters(origin).text(W3C_KEY))
        x, y = middle[0] + x, middle[1] + y
    elif origin != "viewport":
        raise wrong("origin", "'viewport', 'pointer' or an element")
    if not (0 <= x < size[0] and 0 <= y < size[1]):
        raise Failed(Code.MOVE_OUT_OF_BOUNDS, f"({x:g}, {y:g}) is off the screen")
    return x, y


def _near(one: Point, other: Point) -> bool:
    return abs(one[0] - other[0]) <= SLOP and abs(one[1] - other[1]) <= SLOP


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong("actions", "a list of objects")
    return value
