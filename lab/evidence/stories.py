"""Results as the page tells them: each with everything worked out that its readers need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from lab.evidence.fixes import Fix, causes
from lab.evidence.layout import SCREENSHOTS
from lab.evidence.mapping import MasMapping, mapping_for
from lab.evidence.matrix import natural, split_variant
from lab.evidence.pictures import Picture
from lab.evidence.record import ScenarioResult
from lab.evidence.tally import WORST_FIRST, Sort, sort_of
from lab.evidence.timeline import Timeline, make_timeline
from lab.evidence.words import documentation, why
from lab.judge.reporting import is_promised
from lab.model.trial import Fact
from lab.model.verdict import Verdict

MOST_IN_FULL = 250
"""Results up to which a PASS, too, is told with its log and all of its benign requests."""

TOLD_ALREADY = frozenset({"Served", "Correct client"})
SCREENSHOT = re.compile(rf"{SCREENSHOTS}/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Shot:
    """What the screen showed."""

    name: str
    """File name in the run's folder."""
    picture: Picture | None
    """None where it does not fit the page."""

    @property
    def is_file(self) -> bool:
        """Whether the name is one that the lab gives: a record may come from anywhere."""
        return SCREENSHOT.fullmatch(self.name) is not None


@dataclass(frozen=True, slots=True)
class Attack:
    """What is the same for every device that was attacked in this way."""

    anchor: str
    case: str
    title: str
    served: str
    correct: str
    background: tuple[tuple[str, str], ...]
    """Sections of its documentation that the verdicts do not repeat."""
    mapping: MasMapping | None


@dataclass(frozen=True, slots=True)
class Story:
    """One result."""

    anchor: str
    result: ScenarioResult
    attack: Attack
    why: str
    sort: Sort
    version: str
    rest: str
    """Of the variant, without the TLS version."""
    full: bool
    fixes: tuple[Fix, ...]
    timeline: Timeline | None
    report_due: bool
    facts: tuple[Fact, ...]
    """What was measured and is not among the reasons."""
    shots: Mapping[str, tuple[Shot, ...]]
    """By phase."""
    evidence: str
    """The evidence record by its name in the bundle; empty where there is none."""


def in_order(results: Iterable[ScenarioResult]) -> list[ScenarioResult]:
    """Return ``results`` as they are told: the worst first, then as the catalogue counts."""
    return sorted(
        results,
        key=lambda r: (WORST_FIRST.index(r.verdict), natural(r.case), r.adversary, r.device),
    )


def make_stories(
    results: Sequence[ScenarioResult],
    album: Mapping[str, Picture],
    evidence: Mapping[int, str] = MappingProxyType({}),
) -> list[Story]:
    """Return the stories of ``results``, which are in order. ``evidence`` names the evidence record
    of a result by its identity."""
    attacks: dict[tuple[str, ...], Attack] = {}
    return [
        _story(
            result,
            anchor=f"v{index}",
            attack=_attack(result, attacks),
            album=album,
            full=_is_full(result, len(results)),
            fixes=fixes,
            evidence=evidence.get(id(result), ""),
        )
        for index, (result, fixes) in enumerate(zip(results, causes(results), strict=True))
    ]


def shots_of(result: ScenarioResult) -> tuple[tuple[str, str], ...]:
    """Return phase and file name of every screenshot of ``result``, each once."""
    told = [
        (phase.name.value, phase.outcome.screenshot)
        for phase in (result.trial.phases if result.trial is not None else ())
        if phase.outcome.screenshot
    ]
    return tuple(dict.fromkeys([*result.screenshots, *told]))


def _is_full(result: ScenarioResult, of: int) -> bool:
    return of <= MOST_IN_FULL or result.verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE)


def _story(
    result: ScenarioResult,
    *,
    anchor: str,
    attack: Attack,
    album: Mapping[str, Picture],
    full: bool,
    fixes: tuple[Fix, ...],
    evidence: str,
) -> Story:
    version, rest = split_variant(result.variant)
    trial = result.trial
    told = {reason.text for reason in result.reasons.reasons}
    shots: dict[str, list[Shot]] = {}
    for phase, name in shots_of(result):
        shots.setdefault(phase, []).append(Shot(name, album.get(name)))
    return Story(
        anchor=anchor,
        result=result,
        attack=attack,
        why=why(result),
        sort=sort_of(result),
        version=version,
        rest=rest,
        full=full,
        fixes=fixes,
        timeline=make_timeline(trial, brief=not full) if trial is not None else None,
        report_due=trial is not None and is_promised(trial),
        facts=tuple(f for f in trial.facts if f.text not in told) if trial is not None else (),
        shots={phase: tuple(taken) for phase, taken in shots.items()},
        evidence=evidence,
    )


def _attack(result: ScenarioResult, attacks: dict[tuple[str, ...], Attack]) -> Attack:
    key = (result.case, result.slug, result.title, result.served, result.correct, result.explain)
    if key not in attacks:
        attacks[key] = Attack(
            anchor=f"a{len(attacks)}",
            case=result.case,
            title=result.title,
            served=result.served,
            correct=result.correct,
            background=tuple(
                part for part in documentation(result.explain) if part[0] not in TOLD_ALREADY
            ),
            mapping=mapping_for(result.slug),
        )
    return attacks[key]
