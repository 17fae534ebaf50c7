"""Figures that were taken: told in the report, outside of every verdict."""

from __future__ import annotations

from collections.abc import Iterable

from lab.evidence.record import ScenarioResult
from lab.model.trial import Measurement

OUTSIDE = "outside the budget"


def milliseconds(seconds: float | None) -> str:
    """Return seconds as milliseconds in three digits, a dash for none."""
    return "-" if seconds is None else f"{seconds * 1000:.3g} ms"


def spread(taken: Measurement) -> str:
    """Return the least and the most of a measurement."""
    if not taken.seconds:
        return "-"
    return f"{milliseconds(min(taken.seconds))} to {milliseconds(max(taken.seconds))}"


def standing(taken: Measurement) -> str:
    """Say how a measurement stands to its budget."""
    within = {True: "within the budget", False: OUTSIDE, None: "not measured"}
    return within[taken.is_within]


def findings(results: Iterable[ScenarioResult]) -> list[str]:
    """Return a sentence about each figure that is outside its budget or was not to be had."""
    return [
        f"{result.case} {result.device}: {taken.name}: {milliseconds(taken.median)} in the median, "
        f"{standing(taken)} of {milliseconds(taken.budget)}"
        if taken.seconds
        else f"{result.case} {result.device}: {taken.name}: not measured"
        for result in results
        if result.trial is not None
        for taken in result.trial.measurements
        if taken.is_within is not True
    ]
