"""From a result to the evidence record: a pure function, so that anybody can make it again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from pydantic import TypeAdapter

from lab.evidence.context import Context
from lab.evidence.evaluating import evaluate
from lab.evidence.fields import (
    Artefact,
    AttackerFields,
    ConnectionFields,
    EnvironmentFields,
    EvidenceRecord,
    Integrity,
    Observation,
    Prerequisites,
    Review,
    SubjectFields,
    Times,
)
from lab.evidence.layout import ATTESTATION, MANIFEST
from lab.evidence.mapping import MasMapping, by_slug, mapping_for
from lab.evidence.record import ScenarioResult, validated
from lab.judge.reading import everywhere
from lab.model.attack import Adversary
from lab.model.device import DeviceFacts
from lab.model.trial import Phase
from lab.model.wire import ConnectionRecord

DECLARED_BY = "the lab: its own backend stands for the app's"
PLATFORMS = {"android": "android", "virtual": "android", "ios": "ios", "virtual-ios": "ios"}
"""Which platform's tests (``mas.toml``) a device's kind can carry out, beside the network's."""

UNKNOWN = {
    "subject.signing_certificate_sha256": "The lab does not read the package's signature.",
    "subject.source": "The lab is given a build and is not told where it came from.",
    "environment.locale": "The lab does not ask for it; no case depends on it.",
    "environment.lockfile_sha256": "The lab is installed from ranges of versions; 'tools' has "
    "those that were there.",
    "environment.container_digest": "The lab does not know whether it runs in a container.",
    "observation.connections.process": "Told by the device's address, not by its processes.",
    "observation.connections.cipher": "Not recorded.",
    "times.ntp_offset": "The lab's clock is taken as it is; a timestamp of the bundle says more.",
    "review": "For the assessor.",
}


def make_record(
    result: ScenarioResult,
    context: Context,
    facts: DeviceFacts | None,
    integrity: Integrity,
    artefacts: Iterable[Artefact] = (),
) -> EvidenceRecord:
    """Return the evidence record of ``result``."""
    trial = result.trial
    mapping = for_platform(mapping_for(result.slug), facts)
    unknown = dict(UNKNOWN)
    if mapping is None:
        unknown["mapping"] = "mas.toml says nothing of the case."
    wifi = result.adversary == Adversary.ROGUE_WIFI
    return EvidenceRecord(
        evidence_id=f"{context.run_id}/{integrity.number}",
        scenario_id=result.node,
        run_id=context.run_id,
        attempt=result.attempts,
        subject=_subject(result, context, facts, unknown),
        environment=EnvironmentFields(
            model=None if facts is None else facts.model,
            os=None if facts is None else facts.os,
            details={} if facts is None else facts.details,
            clock_offset=None if trial is None else trial.clock_offset,
            locale=None,
            lab=context.lab,
            lab_commit=context.lab_commit,
            tools=context.tools,
            lab_platform=context.platform,
            lockfile_sha256=None,
            container_digest=None,
            route="rogue Wi-Fi" if wifi else "explicit proxy",
        ),
        attacker=AttackerFields(
            adversary=result.adversary,
            position="rogue_ap" if wifi else "proxy",
            ca_trusted=_trusted(result.slug),
            chain=() if trial is None else trial.served_chain,
            mas_attack=() if mapping is None else mapping.attacks,
            served=result.served,
        ),
        mapping=mapping,
        prerequisites=Prerequisites(
            first_party_domains=_domains(result), declared_by=DECLARED_BY, out_of_scope=()
        ),
        observation=Observation(
            connections=_connections(result),
            app_said="" if trial is None else trial.attack.outcome.message,
            reports=0 if trial is None else len(trial.reports),
            artefacts=tuple(artefacts),
        ),
        evaluation=evaluate(result, mapping),
        times=Times(
            started_at=None if trial is None else iso(trial.started_at),
            ended_at=None if trial is None else iso(trial.ended_at),
            ntp_offset=None,
            executed_by=context.executed_by,
        ),
        integrity=integrity,
        review=Review(),
        unknown=unknown,
        facts=facts,
        context=context,
        result=result,
    )


def made_again(record: EvidenceRecord) -> EvidenceRecord:
    """Return the record that its own raw parts come to."""
    again = make_record(
        record.result,
        record.context,
        record.facts,
        record.integrity,
        record.observation.artefacts,
    )
    return replace(again, review=record.review)


def empty_integrity(number: int, previous: str | None) -> Integrity:
    """Return the integrity of a record out of which nothing was taken yet."""
    return Integrity(number, previous, {}, MANIFEST, ATTESTATION)


def file_name(number: int, result: ScenarioResult) -> str:
    """Return what a record's file is called: digits, letters, points and dashes only."""
    case, device = (re.sub(r"[^A-Za-z0-9.]+", "-", part) for part in (result.case, result.device))
    return f"{number:04}-{case}-{device}.json"


def iso(at: float) -> str:
    """Return a moment as UTC, ISO 8601, in whole milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def evidence_from_json(data: object) -> EvidenceRecord:
    """Return the record that ``to_json`` made ``data`` of. Raises RecordInvalid."""
    return validated(_records(), data)


@cache
def _records() -> TypeAdapter[EvidenceRecord]:
    return TypeAdapter(EvidenceRecord)


def _subject(
    result: ScenarioResult, context: Context, facts: DeviceFacts | None, unknown: dict[str, str]
) -> SubjectFields:
    build = context.builds.get(result.device)
    installed = None if facts is None else facts.details.get("app_sha256")
    digest = installed or (None if build is None else build.sha256)
    if digest is None:
        unknown["subject.build_sha256"] = "No build was given, and the device did not tell."
    if facts is None:
        unknown["subject.app_id"] = unknown["environment.model"] = "The device never came up."
    return SubjectFields(
        device=result.device,
        client=result.subject.value,
        app_id=None if facts is None else facts.app,
        version=None if facts is None else facts.app_version,
        build_sha256=digest,
        build_is="app package" if installed else None if build is None else build.what,
        sdk=None if facts is None else facts.sdk,
        known_pins=() if result.trial is None else result.trial.known_pins,
        signing_certificate_sha256=None,
        source=None,
    )


def platforms_of(facts: DeviceFacts) -> frozenset[str]:
    """Return the platforms whose tests may be carried out on a device, as ``mas.toml`` calls
    them."""
    own = PLATFORMS.get(facts.platform)
    return frozenset({"network"} if own is None else {"network", own})


def for_platform(mapping: MasMapping | None, facts: DeviceFacts | None) -> MasMapping | None:
    """Return ``mapping`` without the tests of other platforms than that of the device."""
    if mapping is None or facts is None:
        return mapping
    platforms = platforms_of(facts)
    return replace(mapping, mastg=tuple(t for t in mapping.mastg if t.platform in platforms))


def _trusted(slug: str) -> str | None:
    entry = by_slug().get(slug)
    return None if entry is None else entry.trust.value


def _domains(result: ScenarioResult) -> tuple[str, ...]:
    trial = result.trial
    if trial is None:
        return ()
    return (trial.host, *sorted(trial.private_hosts - {trial.host}))


def _connections(result: ScenarioResult) -> tuple[ConnectionFields, ...]:
    if result.trial is None:
        return ()
    return tuple(_connection(phase, c) for phase, c in everywhere(result.trial))


def _process(phase: Phase, seen: ConnectionRecord) -> str | None:
    """Return whose connection it was, as the phone's own network monitor tells."""
    told = phase.outcome.monitored or ()
    return next((f"the app's, pid {c.pid}" for c in told if c.local == seen.peer), None)


def _connection(phase: Phase, seen: ConnectionRecord) -> ConnectionFields:
    answers = [look_up.answer for look_up in phase.lookups if look_up.name == seen.host]
    return ConnectionFields(
        id=seen.id,
        phase=phase.name.value,
        at=iso(seen.opened_at),
        process=_process(phase, seen),
        source=seen.peer,
        looked_up=tuple(dict.fromkeys(answers)),
        sni=seen.sni,
        host=seen.host,
        port=seen.port,
        tls_version=seen.tls_version,
        cipher=None,
        alpn=seen.alpn,
        alert=seen.alert,
        chain_sha256=seen.served_chain,
        application_bytes=seen.client_bytes,
        wire_class=seen.wire_class.value,
        foreign=seen.foreign,
    )
