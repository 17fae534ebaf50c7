"""What went wrong, told once where several scenarios came to it for one reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lab.evidence.matrix import adversary_name, split_variant, tls_name
from lab.evidence.record import ScenarioResult
from lab.evidence.tally import was_read
from lab.evidence.words import why
from lab.model.verdict import Verdict


def alike(results: Iterable[ScenarioResult]) -> list[list[ScenarioResult]]:
    """Return FAILs, then INCONCLUSIVEs; what one reason explains stands together."""
    results = tuple(results)
    found: dict[tuple[Verdict, str, str, str], list[ScenarioResult]] = {}
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        for result in results:
            if result.verdict is verdict:
                key = (verdict, result.case, result.title, why(result))
                found.setdefault(key, []).append(result)
    return list(found.values())


def by_cause(
    results: Iterable[ScenarioResult], cause: Callable[[ScenarioResult], str]
) -> list[tuple[str, list[ScenarioResult]]]:
    """Return ``results`` by what ``cause`` says of each: first where data was read, then where
    there are most."""
    found: dict[str, list[ScenarioResult]] = {}
    for result in results:
        found.setdefault(cause(result), []).append(result)
    return sorted(found.items(), key=lambda told: (not any(map(was_read, told[1])), -len(told[1])))


def place(result: ScenarioResult) -> str:
    """Return where a scenario took place: adversary, device, TLS version, variant."""
    version, rest = split_variant(result.variant)
    parts = (adversary_name(result.adversary), result.device, tls_name(version), rest)
    return ", ".join(part for part in parts if part)
