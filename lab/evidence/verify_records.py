"""Whether the verdicts of a bundle follow from its raw records: they are judged again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lab
from lab.evidence import derived
from lab.evidence.canonical import digest_of
from lab.evidence.context import Context, commit
from lab.evidence.evidence_record import evidence_from_json, file_name, made_again
from lab.evidence.fields import EvidenceRecord
from lab.evidence.finding import Finding
from lab.evidence.layout import RECORDS
from lab.evidence.mapping import by_slug
from lab.evidence.record import RecordInvalid, ScenarioResult, to_json
from lab.evidence.verify_captures import captures_of, compare_captures
from lab.judge import judge, verdict_of
from lab.model.device import DeviceFacts
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


@dataclass(frozen=True, slots=True)
class Told:
    """What the statement tells of a scenario."""

    node: str
    device: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Share:
    """What came of looking at some of the records, one after the other. It is small: it goes from
    one process to another."""

    findings: tuple[Finding, ...]
    judged: int
    """How many were judged again."""
    captures: int
    """How many captures were compared with them."""
    results: tuple[bytes, ...]
    """A digest of each result as JSON."""
    told: tuple[Told, ...]
    """What is stated of each."""
    chains: tuple[tuple[str, frozenset[str]], ...]
    """The name of each record, and the certificates that were served in its scenario."""
    facts: Mapping[str, DeviceFacts]
    contexts: tuple[Context, ...]
    """Each once: of one run there is one."""
    derived: derived.Share


def judge_again(folder: Path, names: Sequence[str], first: int, previous: str | None) -> Share:
    """Judge the records called ``names`` again, of which the first is number ``first`` and follows
    one with the SHA-256 ``previous``, and compare them with their captures. Raises OSError."""
    findings: list[Finding] = []
    records: dict[str, EvidenceRecord] = {}
    results: list[bytes] = []
    parts: list[derived.Share] = []
    for number, name in enumerate(names, first):
        content = (folder / name).read_bytes()
        try:
            data = json.loads(content)
            record = evidence_from_json(data)
        except (RecordInvalid, ValueError, RecursionError) as error:
            findings.append(Finding(name, f"not an evidence record: {error}"))
            previous = digest_of(content).sha256
            continue
        if (record.integrity.number, record.integrity.previous_sha256) != (number, previous):
            findings.append(Finding(name, "it does not follow from the record before it"))
        if name != f"{RECORDS}/{file_name(number, record.result)}":
            findings.append(Finding(name, "its name is not that of the scenario in it"))
        previous = digest_of(content).sha256
        results.append(digest_of_json(data["result"]))
        try:
            findings += [Finding(name, text) for text in _contradictions(record, data)]
            parts.append(derived.share((record.result,)))
        except (ValueError, OverflowError) as error:
            # A number that no record can be made of, such as a time beyond all calendars.
            findings.append(Finding(name, f"nothing follows from it: {error}"))
            continue
        records[name] = record
    captures = 0
    if not findings:
        # What the records say must be theirs before it is compared with anything.
        captures = sum(map(len, map(captures_of, records.values())))
        findings += compare_captures(folder, records)
    return Share(
        findings=tuple(findings),
        judged=sum(record.result.trial is not None for record in records.values()),
        captures=captures,
        results=tuple(results),
        told=tuple(
            Told(record.result.node, record.result.device, record.result.verdict)
            for record in records.values()
        ),
        chains=tuple(
            (name, frozenset(d for c in record.observation.connections for d in c.chain_sha256))
            for name, record in records.items()
        ),
        facts={r.result.device: r.facts for r in records.values() if r.facts is not None},
        contexts=tuple(unique(record.context for record in records.values())),
        derived=derived.merged(parts),
    )


def unique(contexts: Iterable[Context]) -> list[Context]:
    """Return every context once."""
    found: list[Context] = []
    for context in contexts:
        if context not in found:
            found.append(context)
    return found


def digest_of_json(value: object) -> bytes:
    """Return what equal JSON values have in common."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


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
