"""Results with what they are evidence for: what all reports for machines are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lab.evidence.context import Context, context_from_json
from lab.evidence.evidence_record import file_name, for_platform
from lab.evidence.fixes import fixes_of
from lab.evidence.layout import CONTEXT, RECORDS
from lab.evidence.mapping import MasMapping, mapping_for
from lab.evidence.plain import plain_line
from lab.evidence.record import RecordInvalid, ScenarioResult
from lab.evidence.run import RunReport
from lab.evidence.words import what_to_look_at

Read = Callable[[str], bytes | None]
"""Gives the content of a file of the bundle by its name; None where there is none."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """One result with its mapping."""

    result: ScenarioResult
    mapping: MasMapping | None
    """Without the tests of other platforms; None where the case is in no catalogue."""
    evidence: str | None
    """The evidence record by its name in the bundle; None where there is no bundle."""


def assess(report: RunReport, read: Read) -> tuple[Assessed, ...]:
    """Return every result of ``report``, in its order, with what it is evidence for."""
    facts = {told.id: told for told in report.info.devices}
    bundled = read(CONTEXT) is not None
    return tuple(
        Assessed(
            result,
            for_platform(mapping_for(result.slug), facts.get(result.device)),
            f"{RECORDS}/{file_name(number, result)}" if bundled else None,
        )
        for number, result in enumerate(report.results, 1)
    )


def context_of(read: Read) -> Context | None:
    """Return what the run was started with; None where that is not known."""
    content = read(CONTEXT)
    try:
        return None if content is None else context_from_json(json.loads(content))
    except (RecordInvalid, ValueError, RecursionError):
        return None


def case_name(result: ScenarioResult) -> str:
    """Return the catalogue's id and name of a case as one word, as ``pytest -k`` knows it:
    ``B4-device_trusted_ca``."""
    # No slash: that would make it a rule below another in SARIF (section 3.49.3).
    return "-".join(plain_line(part) for part in (result.case, result.slug) if part)


def advice(result: ScenarioResult) -> str:
    """Return in a sentence what is to be done about a FAIL or an INCONCLUSIVE."""
    fixes = fixes_of(result)
    return fixes[0].title if fixes else what_to_look_at(result)


def properties(result: ScenarioResult, mapping: MasMapping | None) -> Iterator[tuple[str, str]]:
    """Yield names and values that tell a program what ``result`` is; a name with several values
    comes several times. Texts are as the scenario has them."""
    yield "scenario", case_name(result)
    yield "verdict", result.verdict.value
    yield "case", result.case
    yield "adversary", result.adversary
    yield "device", result.device
    yield "attempts", str(result.attempts)
    if mapping is not None:
        yield "relation", mapping.relation.value
        yield from (("masvs", control) for control in mapping.masvs)
        yield from (("mastg", test.id) for test in mapping.mastg)
        if (weakness := mapping.maswe) is not None:
            yield "maswe", f"{weakness.id} {weakness.alias} (until 2026: {weakness.beta_id})"
        yield from (("cwe", f"CWE-{number}") for number in mapping.cwe)
    for reason in result.reasons.reasons:
        yield "reason", f"{reason.verdict.value} {reason.witness.value}: {reason.text}"
