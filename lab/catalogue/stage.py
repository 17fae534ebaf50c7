"""Stages: what comes before the decisive attempt, where an attack is a story."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.catalogue.ground import Attack, Expecting
from lab.model.attack import Expectation
from lab.model.publication import RIGHT, Publication


class Launch(StrEnum):
    """What becomes of the app before it is asked."""

    RUNS_ON = "runs_on"
    AGAIN = "again"
    """It is ended and launched again, with what it has stored."""
    AFRESH = "afresh"
    """It is launched with nothing stored, as after its installation."""


@dataclass(frozen=True)
class Stage:
    """One attempt before the decisive one, on the same device, route and trust.

    Where it does not come to what is expected, it is the decisive one, and the story ends.
    """

    title: str
    """What is told of it: ``old and new pins published, old certificate``."""
    serve: Attack
    expect: Expectation | Expecting
    publishes: str | None = None
    """Name of the configuration that the app's owner publishes at its beginning; None where the
    owner publishes nothing new."""
    hands_out: Publication = RIGHT
    """What the app is handed when it asks."""
    clock_offset: float = 0.0
    """Seconds by which the device's clock is moved, ahead of true time."""
    launch: Launch = Launch.RUNS_ON
    asks_configuration: bool | None = None
    """As an entry's."""
