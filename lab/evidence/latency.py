"""Figures that were taken, drawn: each single one against its budget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.evidence.figures import milliseconds
from lab.evidence.record import ScenarioResult
from lab.evidence.text import counted
from lab.model.trial import Measurement

LEFT, RIGHT = 8.0, 392.0
"""Units of the drawing between which the axis runs."""
HEIGHT = 26.0


@dataclass(frozen=True, slots=True)
class Strip:
    """One measurement of one device on its axis."""

    result: ScenarioResult
    measurement: Measurement
    dots: tuple[float, ...]
    median: float | None
    """Where the median stands; None where nothing was measured."""
    spread: tuple[float, float] | None
    words: str
    """The same, told."""


@dataclass(frozen=True, slots=True)
class Plot:
    """What was measured under one name, all devices on the same axis."""

    name: str
    budget: float
    """Where the budget stands on the axis."""
    zero: float
    ticks: tuple[tuple[float, str], ...]
    strips: tuple[Strip, ...]


def plots(results: Iterable[ScenarioResult]) -> tuple[Plot, ...]:
    """Return a plot for each thing that was measured."""
    found: dict[str, list[tuple[ScenarioResult, Measurement]]] = {}
    for result in results:
        for taken in result.trial.measurements if result.trial is not None else ():
            found.setdefault(taken.name, []).append((result, taken))
    return tuple(_plot(name, taken) for name, taken in found.items())


def _plot(name: str, taken: list[tuple[ScenarioResult, Measurement]]) -> Plot:
    figures = [seconds for _, m in taken for seconds in m.seconds]
    budget = max(m.budget for _, m in taken)
    low, high = min([0.0, *figures]), max([budget, *figures]) * 1.05 or 1.0
    span = high - low or 1.0

    def place(seconds: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (seconds - low) / span, 1)

    strips = tuple(
        Strip(
            result,
            m,
            tuple(place(seconds) for seconds in m.seconds),
            None if m.median is None else place(m.median),
            (place(min(m.seconds)), place(max(m.seconds))) if m.seconds else None,
            _words(m),
        )
        for result, m in taken
    )
    ticks = tuple((place(at), milliseconds(at)) for at in dict.fromkeys((low, budget)))
    return Plot(name, place(budget), place(0.0), ticks, strips)


def _words(taken: Measurement) -> str:
    if taken.median is None:
        return "not measured"
    return (
        f"{milliseconds(taken.median)} in the median of {counted(len(taken.seconds), 'figure')}, "
        f"{milliseconds(min(taken.seconds))} to {milliseconds(max(taken.seconds))}, "
        f"budget {milliseconds(taken.budget)}"
    )
