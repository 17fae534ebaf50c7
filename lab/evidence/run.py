"""What is known about a run as a whole."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Literal

from pydantic import TypeAdapter

from lab.evidence.record import ScenarioResult, validated
from lab.model.device import DeviceFacts

FORMAT: Literal["trustpin-lab-results/1"] = "trustpin-lab-results/1"


@dataclass(frozen=True, slots=True)
class RunInfo:
    """When, where, with what and on what a run took place."""

    run_id: str
    started_at: float
    """Epoch seconds on the lab's clock."""
    ended_at: float | None
    """Epoch seconds on the lab's clock; None where the run did not get to its end."""
    lab: str
    """Version of the lab."""
    python: str
    mitmproxy: str
    openssl: str
    platform: str
    """Operating system and machine that the lab ran on."""
    devices: tuple[DeviceFacts, ...]
    command: tuple[str, ...]
    """The command line that started the run."""
    complete: bool
    """Every scenario that was selected came to a verdict."""
    incomplete_because: str = ""
    """Why not, in a sentence; empty for a complete run."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many scenarios came to each verdict. Filled in from the results as they are written."""
    selected: int = 0
    """How many scenarios were to be run; 0 where that was never known."""
    notes: tuple[str, ...] = ()
    """What a reader must know of a report that was not made by the run itself: from which bundles
    it is derived, and what in them does not agree. A sentence each."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run with all its results: the content of results.json."""

    info: RunInfo
    results: tuple[ScenarioResult, ...]
    format: Literal["trustpin-lab-results/1"] = FORMAT


def new_run_id(now: datetime | None = None) -> str:
    """Return a name for a run that sorts by time and is unique: ``20250131T094501Z-3fa2b1``."""
    at = (now or datetime.now(UTC)).astimezone(UTC)
    return f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def report_from_json(data: object) -> RunReport:
    """Return the report that ``to_json`` made ``data`` of. Raises RecordInvalid."""
    return validated(_reports(), data)


@cache
def _reports() -> TypeAdapter[RunReport]:
    return TypeAdapter(RunReport)
