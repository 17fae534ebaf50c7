"""What a run did not exercise, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.catalogue.left_out import LEFT_OUT, LeftOut
from lab.evidence.mapping import by_slug
from lab.evidence.matrix import natural, tls_name
from lab.evidence.record import ScenarioResult
from lab.evidence.text import one_line
from lab.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Impossible:
    """What one device could not be tried with, for one reason."""

    why: str
    device: str
    results: tuple[ScenarioResult, ...]
    attacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Untried:
    """Everything that the verdicts say nothing about."""

    impossible: tuple[Impossible, ...]
    deselected: tuple[tuple[str, tuple[str, ...]], ...]
    """Catalogue ids and titles of attacks that no device was tried with: they were not selected, or
    the run did not get to them."""
    left_out: tuple[LeftOut, ...]
    """What the catalogue itself leaves out."""

    @property
    def deselected_count(self) -> int:
        """How many attacks of the catalogue were tried on no device."""
        return sum(len(titles) for _, titles in self.deselected)


def untried(results: Iterable[ScenarioResult]) -> Untried:
    """Return what ``results`` do not speak about."""
    told = tuple(results)
    reasons: dict[tuple[str, str], list[ScenarioResult]] = {}
    for result in told:
        if result.verdict is Verdict.NOT_APPLICABLE:
            why = one_line(" ".join(reason.text for reason in result.reasons.reasons))
            reasons.setdefault((result.device, why), []).append(result)
    seen = {result.slug for result in told}
    missing: dict[str, list[str]] = {}
    for slug, entry in by_slug().items():
        if slug not in seen:
            missing.setdefault(entry.id, []).append(entry.title)
    return Untried(
        impossible=tuple(
            Impossible(why, device, tuple(some), _attacks(some))
            for (device, why), some in sorted(reasons.items(), key=lambda item: item[0])
        ),
        deselected=tuple(
            (case, tuple(titles))
            for case, titles in sorted(missing.items(), key=lambda item: natural(item[0]))
        ),
        left_out=LEFT_OUT,
    )


def _attacks(results: list[ScenarioResult]) -> tuple[str, ...]:
    variants: dict[tuple[str, str], list[str]] = {}
    for result in results:
        told = ", ".join(tls_name(part) for part in result.variant.split(", ") if part)
        variants.setdefault((result.case, result.title), []).append(told)
    return tuple(
        f"{case} {title}{f' ({kinds})' if (kinds := '; '.join(filter(None, some))) else ''}"
        for (case, title), some in sorted(variants.items(), key=lambda item: natural(item[0][0]))
    )
