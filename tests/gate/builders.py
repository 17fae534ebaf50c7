"""Runs to decide about, and policies to decide by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lab.evidence.record import ScenarioResult
from lab.gate.policy import PolicyFile
from lab.gate.reading_policy import read_policy
from lab.gate.requirements import Inputs
from lab.gate.selectors import AttackSelector, DeviceTraits, Scenario, catalogued
from lab.gate.source import Source
from lab.model.verdict import Verdict
from tests.evidence.builders import failed, inconclusive, passed, skipped

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
BUILD = "ab" * 32
KEY = "cd" * 32


@cache
def _pattern(verdict: Verdict) -> ScenarioResult:
    return {
        Verdict.PASS: passed,
        Verdict.FAIL: failed,
        Verdict.INCONCLUSIVE: inconclusive,
        Verdict.NOT_APPLICABLE: skipped,
    }[verdict]()


def result(scenario: Scenario, verdict: Verdict = Verdict.PASS, **changes: Any) -> ScenarioResult:
    """What ``scenario`` came to."""
    return replace(
        _pattern(verdict),
        node=f"scenarios/test_{scenario.adversary}.py::test[{scenario.device}-{scenario.slug}]",
        case=scenario.case,
        slug=scenario.slug,
        adversary=scenario.adversary,
        variant=scenario.variant,
        device=scenario.device,
        **changes,
    )


def scenarios(word: str, device: str = "phone") -> tuple[Scenario, ...]:
    """Every scenario of the attacks that ``word`` means, on one device."""
    return tuple(catalogued((AttackSelector(word),), device))


def all_pass(word: str, device: str = "phone") -> tuple[ScenarioResult, ...]:
    return tuple(map(result, scenarios(word, device)))


def but(results: Iterable[ScenarioResult], *verdicts: Verdict) -> tuple[ScenarioResult, ...]:
    """``results``, the first ones with other verdicts."""
    told = list(results)
    for index, verdict in enumerate(verdicts):
        scenario = Scenario(
            told[index].device,
            told[index].slug,
            told[index].adversary,
            told[index].variant,
            told[index].case,
        )
        told[index] = result(scenario, verdict)
    return tuple(told)


def traits(device: str, **changes: Any) -> DeviceTraits:
    known: dict[str, Any] = {
        "platform": "android",
        "pool": "release",
        "systems": frozenset({"Android 15 (API level 35)"}),
        "builds": frozenset({BUILD}),
    }
    return DeviceTraits(device, **(known | changes))


def source(*results: ScenarioResult, **changes: Any) -> Source:
    """A bundle with these results, in order in every other respect."""
    devices = {told.device: traits(told.device) for told in results}
    known: dict[str, Any] = {
        "name": "reports/run",
        "run_id": "run",
        "devices": devices,
        "lab": "1.0",
        "started_at": NOW.timestamp() - 3600,
        "key_id": KEY,
    }
    return Source(results=results, **(known | changes))


def policy(folder: Path, text: str) -> PolicyFile:
    """The policy in ``text``."""
    file = folder / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    return read_policy(file)


def inputs(**changes: Any) -> Inputs:
    return Inputs(**({"now": NOW} | changes))
