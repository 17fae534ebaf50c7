"""The fields of an evidence record, one document a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lab.evidence.context import Context
from lab.evidence.mapping import MasMapping
from lab.evidence.record import ScenarioResult
from lab.model.device import DeviceFacts
from lab.model.verdict import Verdict
from lab.model.wire import Alert

FORMAT: Literal["trustpin-lab-evidence/1"] = "trustpin-lab-evidence/1"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file of the bundle that belongs to this scenario."""

    path: str
    media_type: str
    sha256: str
    size: int
    """Bytes."""
    redacted: bool
    """Whether credentials, cookies and bodies were taken out of it."""


@dataclass(frozen=True, slots=True)
class SubjectFields:
    """What was tested."""

    device: str
    """The device's id."""
    client: str
    """Which client of the device was attacked."""
    app_id: str | None
    version: str | None
    build_sha256: str | None
    build_is: str | None
    """What the digest is of: ``app package``, ``program``, ``source of the SDK``."""
    sdk: str | None
    known_pins: tuple[str, ...]
    """The pins published for the host, as ``kind=base64``."""
    signing_certificate_sha256: str | None
    source: str | None
    """Where the build came from: a store, CI, sideloaded."""


@dataclass(frozen=True, slots=True)
class EnvironmentFields:
    """Where and with what it was tested."""

    model: str | None
    os: str | None
    details: Mapping[str, str]
    """What else the device says of itself: root, build, automation."""
    clock_offset: float | None
    """Seconds that the device's clock was ahead of the lab's."""
    locale: str | None
    lab: str
    lab_commit: str | None
    tools: Mapping[str, str]
    lab_platform: str
    lockfile_sha256: str | None
    container_digest: str | None
    route: str
    """How the device's traffic reached the adversary: ``explicit proxy`` or ``rogue Wi-Fi``."""


@dataclass(frozen=True, slots=True)
class AttackerFields:
    """Who attacked, from where, with what."""

    adversary: str
    position: str
    """``proxy`` or ``rogue_ap``."""
    ca_trusted: str | None
    """In which store of the device the adversary's root was: none, user, system."""
    chain: tuple[str, ...]
    """SHA-256 of the certificates that the attack serves, leaf first."""
    mas_attack: tuple[str, ...]
    served: str
    """What was put in front of the client, in a sentence."""


@dataclass(frozen=True, slots=True)
class Prerequisites:
    """What had to be declared beforehand."""

    first_party_domains: tuple[str, ...]
    declared_by: str
    out_of_scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectionFields:
    """One connection, as the adversary saw it."""

    id: int
    phase: str
    at: str
    """UTC, ISO 8601."""
    process: str | None
    source: str
    looked_up: tuple[str, ...]
    """What the name was answered with meanwhile, where the lab's resolver was asked."""
    sni: str | None
    host: str | None
    port: int | None
    tls_version: str | None
    cipher: str | None
    alpn: str | None
    alert: Alert | None
    chain_sha256: tuple[str, ...]
    application_bytes: int
    """From the client, after TLS was taken off."""
    wire_class: str
    foreign: bool
    """It did not come from the device, and counts in no verdict."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was observed, in MASTG's sense: the evidence itself."""

    connections: tuple[ConnectionFields, ...]
    app_said: str
    reports: int
    """Failure reports that the app's owner received."""
    artefacts: tuple[Artefact, ...]


@dataclass(frozen=True, slots=True)
class ControlFields:
    """One of the conditions without which a verdict could not be believed."""

    name: str
    holds: bool | None
    """None: nothing was said of it."""
    why: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What follows from the observation, in MASTG's sense."""

    rule_ref: str
    rule_text: str
    controls: tuple[ControlFields, ...]
    verdict: Verdict
    judged: Verdict
    """What the judge said; the opposite where the client is wrong on purpose."""
    rationale: tuple[str, ...]
    limitations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """When, and by whom."""

    started_at: str | None
    """UTC, ISO 8601."""
    ended_at: str | None
    ntp_offset: float | None
    executed_by: str | None


@dataclass(frozen=True, slots=True)
class Integrity:
    """How the record is protected."""

    number: int
    """The record's place in the run, from 1."""
    previous_sha256: str | None
    """SHA-256 of the record before it; None for the first."""
    redacted: Mapping[str, int]
    """How much was taken out of this record, by kind."""
    manifest: str
    attestation: str


@dataclass(frozen=True, slots=True)
class Review:
    """For the assessor: the lab leaves it empty."""

    reviewer: str | None = None
    date: str | None = None
    disposition: str | None = None
    """``accepted``, ``rejected`` or ``risk-accepted``."""


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One scenario as evidence. All but ``facts``, ``context`` and ``result`` follows from these
    three."""

    evidence_id: str
    """``<run>/<number>``."""
    scenario_id: str
    run_id: str
    attempt: int
    subject: SubjectFields
    environment: EnvironmentFields
    attacker: AttackerFields
    mapping: MasMapping | None
    """None where the case is in no catalogue."""
    prerequisites: Prerequisites
    observation: Observation
    evaluation: Evaluation
    times: Times
    integrity: Integrity
    review: Review
    unknown: Mapping[str, str]
    """Why fields are null, by their path."""
    facts: DeviceFacts | None
    """What the device says of itself; None where it never came up."""
    context: Context
    result: ScenarioResult
    """The verdict with the raw witness records, from which it can be judged again."""
    format: Literal["trustpin-lab-evidence/1"] = FORMAT
