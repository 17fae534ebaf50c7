"""Whether the verdicts of a bundle follow from its raw records: they are judged again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lab
from lab.evidence.canonical import digest_of
from lab.evidence.certificates import der_of
from lab.evidence.context import Context, commit
from lab.evidence.derived import derived
from lab.evidence.evidence_record import evidence_from_json, file_name, made_again
from lab.evidence.fields import EvidenceRecord
from lab.evidence.finding import Finding
from lab.evidence.layout import CERTIFICATES, DERIVED, RECORDS, RESULTS, VERDICTS
from lab.evidence.mapping import by_slug
from lab.evidence.record import RecordInvalid, ScenarioResult, to_json
from lab.judge import judge, verdict_of
from lab.model.profile import PROFILES as ALL_PROFILES
from lab.model.verdict import Verdict, Witness

PROFILES = {profile.name: profile for profile in ALL_PROFILES}
VERDICTS_WITHOUT_TRIAL = frozenset({Verdict.NOT_APPLICABLE, Verdict.INCONCLUSIVE})
DEPENDS_ON_LAB = {
    "mapping": frozenset[str](),
    "unknown": frozenset[str](),
    "evaluation": frozenset({"rule_ref", "rule_text", "limitations", "controls"}),
    "attacker": frozenset({"ca_trusted", "mas_attack"}),
}
"""Parts of a record that another version of the lab may word differently: these of their fields,
or all."""


def of_this_lab(context: Context) -> bool:
    """Tell whether a run was made by the very lab that checks it."""
    return (context.lab, context.lab_commit) == (lab.__version__, commit())


@dataclass(slots=True)
class Judged:
    """What came of looking at all records."""

    records: list[EvidenceRecord] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    """Their results as JSON."""
    judged: int = 0
    """How many were judged again."""

    @property
    def of_this_lab(self) -> bool:
        """Whether all were made by the lab of this very version."""
        return all(of_this_lab(record.context) for record in self.records)


def judge_again(folder: Path, names: Iterable[str], into: Judged) -> Iterator[Finding]:
    """Read the records called ``names``, put them ``into`` one list, and yield what does not follow
    from their raw parts. Raises OSError."""
    previous: str | None = None
    for number, name in enumerate(sorted(names), 1):
        content = (folder / name).read_bytes()
        try:
            data = json.loads(content)
            record = evidence_from_json(data)
        except (RecordInvalid, ValueError, RecursionError) as error:
            yield Finding(name, f"not an evidence record: {error}")
            previous = digest_of(content).sha256
            continue
        if (record.integrity.number, record.integrity.previous_sha256) != (number, previous):
            yield Finding(name, "it does not follow from the record before it")
        if name != f"{RECORDS}/{file_name(number, record.result)}":
            yield Finding(name, "its name is not that of the scenario in it")
        previous = digest_of(content).sha256
        into.records.append(record)
        into.results.append(data["result"])
        into.judged += record.result.trial is not None
        yield from (Finding(name, text) for text in _contradictions(record, data))


def _contradictions(record: EvidenceRecord, data: Any) -> Iterator[str]:
    again = to_json(made_again(record))
    ours = of_this_lab(record.context)
    for part in again:
        keys = None if ours else DEPENDS_ON_LAB.get(part)
        if _but(again[part], keys) != _but(data.get(part), keys):
            yield f"'{part}' does not follow from the raw record"
    if data.keys() - again.keys():
        yield f"unknown fields: {', '.join(sorted(data.keys() - again.keys()))}"
    yield from _misjudged(record.result, data["result"])
    yield from _not_the_catalogues(record.result, ours=ours)


def _but(part: Any, keys: frozenset[str] | None) -> Any:
    """Return ``part`` without what is called ``keys``, nothing of it where these are none."""
    if keys is None or not isinstance(part, dict):
        return part
    return {key: value for key, value in part.items() if key not in keys} if keys else None


def _misjudged(result: ScenarioResult, data: Any) -> Iterator[str]:
    if result.trial is None:
        lab_alone = all(r.witness is Witness.LAB for r in result.reasons.reasons)
        if result.verdict not in VERDICTS_WITHOUT_TRIAL or not lab_alone:
            yield f"the verdict {result.verdict} has no trial that it could follow from"
        return
    judgement = judge(result.trial)
    if judgement.verdict is not result.reasons.verdict:
        yield (
            f"judged again it is {judgement.verdict}, not {result.reasons.verdict}: "
            f"{judgement.headline}"
        )
    elif to_json(judgement) != data["reasons"]:
        yield "judged again, the reasons are others"
    due = verdict_of(judgement, must_be_caught=result.must_be_caught)
    if due is not result.verdict:
        yield f"the scenario's verdict is {due}, not {result.verdict}"


def _not_the_catalogues(result: ScenarioResult, *, ours: bool) -> Iterator[str]:
    entry = by_slug().get(result.slug)
    if entry is None:
        if result.must_be_caught or (ours and result.slug):
            yield f"there is no case {result.slug!r} in the catalogue"
        return
    if (entry.id, entry.must_be_caught, entry.subject) != (
        result.case,
        result.must_be_caught,
        result.subject,
    ):
        yield "case, client or what is due of it are not those of the catalogue"
    trial = result.trial
    profile = None if trial is None else PROFILES.get(trial.profile)
    if ours and trial is not None and profile is not None:
        due = [stage.expectation(profile) for stage in entry.stages]
        if trial.expectation not in due:
            yield "what a correct client does is not what the catalogue says"


def compare_summaries(
    folder: Path, names: Iterable[str], judged: Judged, *, complete: bool
) -> Iterator[Finding]:
    """Yield what of the results and the derived files does not agree with the records. In a run
    that is not ``complete`` there may be results whose record could not be written any more."""
    there = frozenset(names)
    told = {RESULTS: _results(folder / RESULTS), VERDICTS: _lines(folder / VERDICTS)}
    for name in sorted(there & told.keys()):
        results = told[name]
        if results == judged.results:
            continue
        if not complete and isinstance(results, list) and _in_order(judged.results, results):
            yield Finding(name, "some of its results have no record", breaks=False)
        else:
            yield Finding(name, "its results are not those of the records")
    if judged.of_this_lab and there & set(DERIVED):
        results = [record.result for record in judged.records]
        made = derived(results, lab.__version__)
        for name in sorted(there & made.keys()):
            if (folder / name).read_bytes() != made[name]:
                yield Finding(name, "it does not follow from the records")


def _in_order(some: list[Any], among: list[Any]) -> bool:
    """Tell whether ``some`` are ``among`` others, in their order."""
    rest = iter(among)
    return all(any(item == other for other in rest) for item in some)


def _results(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())["results"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _lines(path: Path) -> object:
    try:
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    except (OSError, ValueError, RecursionError):
        return None


def compare_certificates(folder: Path, names: Iterable[str], judged: Judged) -> Iterator[Finding]:
    """Yield certificates that are not what their name says, and served ones that are missing."""
    kept = set()
    for name in names:
        if not name.startswith(f"{CERTIFICATES}/"):
            continue
        der = der_of((folder / name).read_bytes())
        digest = name.partition("/")[2].removesuffix(".pem")
        if der is None or digest_of(der).sha256 != digest:
            yield Finding(name, "it is not the certificate that its name stands for")
        kept.add(digest)
    for number, record in enumerate(judged.records, 1):
        lacking = {d for c in record.observation.connections for d in c.chain_sha256} - kept
        if lacking and kept:
            yield Finding(
                f"{RECORDS}/{file_name(number, record.result)}",
                f"the served certificate {min(lacking)[:16]}… is not in the bundle",
            )
