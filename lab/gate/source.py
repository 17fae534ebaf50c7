"""What of a bundle a policy looks at, and what several bundles say of one scenario together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lab.evidence.record import ScenarioResult
from lab.gate.policy import State
from lab.gate.selectors import DeviceTraits, Scenario, scenario_of
from lab.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Source:
    """One bundle that verifies."""

    name: str
    """As the user names it: the path of its folder."""
    run_id: str
    results: tuple[ScenarioResult, ...]
    devices: Mapping[str, DeviceTraits] = field(default_factory=dict)
    lab: str = ""
    """Version of the lab that made it; empty where that is not known."""
    started_at: float | None = None
    """Epoch seconds on that lab's clock; None where that is not known."""
    complete: bool = True
    incomplete_because: str = ""
    key_id: str = ""
    """Id of the key that signed it."""
    selftest: bytes | None = None
    """The ``selftest.json`` that it holds."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What all bundles together say of one scenario."""

    scenario: Scenario
    state: State
    result: ScenarioResult | None
    """The one that counts; None where the scenario is missing."""
    source: str
    """Name of the bundle that it is from; empty where the scenario is missing."""
    outvoted: tuple[tuple[str, Verdict], ...] = ()
    """What else was said of it: the bundle, and its verdict."""


_COUNTS_FIRST = (Verdict.FAIL, Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE)
"""A FAIL is not made good by another try; for anything else one that shows more counts."""


def settled(sources: Iterable[Source]) -> dict[Scenario, Settled]:
    """Return what became of each scenario that there is a verdict of."""
    said: dict[Scenario, list[tuple[str, ScenarioResult]]] = {}
    for source in sources:
        for result in source.results:
            said.setdefault(scenario_of(result), []).append((source.name, result))
    return {scenario: _settle(scenario, told) for scenario, told in said.items()}


def missing(scenario: Scenario) -> Settled:
    """Return what is to be said of a scenario that nobody ran."""
    return Settled(scenario, State.MISSING, None, "")


def _settle(scenario: Scenario, told: list[tuple[str, ScenarioResult]]) -> Settled:
    name, result = min(told, key=lambda one: _COUNTS_FIRST.index(one[1].verdict))
    others = tuple((n, r.verdict) for n, r in told if r.verdict is not result.verdict)
    return Settled(scenario, State(result.verdict.value), result, name, others)
