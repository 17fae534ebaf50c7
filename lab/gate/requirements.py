"""What a policy asks of bundles as a whole: who signed, what was tested, when, by which lab."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lab.evidence.text import counted, listed, moment, one_line, short_digest
from lab.gate.decision import Gap, Kind
from lab.gate.policy import BUNDLE, EvidenceSection
from lab.gate.selectors import DeviceTraits, one_matches
from lab.gate.selftest_file import shortcomings
from lab.gate.source import Source

AHEAD = timedelta(hours=1)
"""How far two machines' clocks may be apart."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a decision depends on beside policy and bundles."""

    now: datetime
    """Aware."""
    apps: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 (lower-case hex) of each build that was given, by the name of its file."""
    selftest: bytes | None = None
    """Content of the file that the policy names as self-test; None where it names none."""


def requirements(
    asked: EvidenceSection,
    sources: Sequence[Source],
    tested: Sequence[DeviceTraits],
    inputs: Inputs,
) -> Iterator[Gap]:
    """Yield what of ``asked`` does not hold. ``tested`` are the devices that rules are about."""
    for source in sources:
        yield from _signer(asked, source)
        yield from _whole(asked, source)
        yield from _age(asked, source, inputs.now)
        yield from _selftest(asked, source, inputs)
    yield from _builds(asked, tested, inputs)


def _signer(asked: EvidenceSection, source: Source) -> Iterator[Gap]:
    if asked.signers and source.key_id not in asked.signers:
        text = f"{source.name} is signed with key {source.key_id}, not with one of the policy's."
        yield Gap(Kind.SIGNER, text, "Sign runs with your own key: pytest --evidence-key=PEM.")


def _whole(asked: EvidenceSection, source: Source) -> Iterator[Gap]:
    if asked.complete and not source.complete:
        because = one_line(source.incomplete_because)
        text = f"{source.name} is of a run that did not get to everything: {because}"
        yield Gap(Kind.INCOMPLETE, text, "Run it again.")


def _age(asked: EvidenceSection, source: Source, now: datetime) -> Iterator[Gap]:
    if asked.max_age_days is None:
        return
    limit = timedelta(days=asked.max_age_days)
    began, told = _moment(source.started_at), moment(source.started_at)
    mend = "Run it again."
    if began is None:
        yield Gap(Kind.AGE, f"{source.name} does not say when its run began.", mend)
    elif began > now + AHEAD:
        text = f"{source.name} says that its run began at {told}, which is still to come."
        yield Gap(Kind.AGE, text, "Set the clock of the machine that runs the lab, or of this one.")
    elif now - began > limit:
        text = f"{source.name} is of {told}, {counted((now - began).days, 'day')} ago; "
        yield Gap(Kind.AGE, f"{text}{counted(asked.max_age_days, 'day')} are allowed.", mend)


def _moment(at: float | None) -> datetime | None:
    try:
        return None if at is None else datetime.fromtimestamp(at, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _selftest(asked: EvidenceSection, source: Source, inputs: Inputs) -> Iterator[Gap]:
    if asked.selftest is None:
        return
    inside = asked.selftest == BUNDLE
    content = source.selftest if inside else inputs.selftest
    where = f"The self-test in {source.name}" if inside else f"The self-test {asked.selftest}"
    mend = "Run 'trustpin-lab selftest' with the lab that attacks" + (
        ", and hand its file over: pytest --selftest=FILE." if inside else "."
    )
    if content is None:
        yield Gap(Kind.SELFTEST, f"{where} is missing.", mend)
        return
    for text in shortcomings(content, source.lab):
        yield Gap(Kind.SELFTEST, f"{where} does not vouch for {source.name}: {text}.", mend)


def _builds(
    asked: EvidenceSection, tested: Sequence[DeviceTraits], inputs: Inputs
) -> Iterator[Gap]:
    for device in tested:
        if len(device.builds) > 1:
            builds = listed([short_digest(build) for build in sorted(device.builds)])
            text = f"{device.id} was tested with {len(device.builds)} builds: {builds}."
            yield Gap(Kind.BUILD, text, "Give bundles of one build only.")
    if asked.app is None and not inputs.apps:
        return
    if not inputs.apps:
        text = "There is no build to compare the tested one with."
        yield Gap(Kind.BUILD, text, "Give the file that is to be released: --app FILE.")
        return
    given = listed([f"{name} ({short_digest(digest)})" for name, digest in inputs.apps.items()])
    for device in tested:
        if asked.app is not None and not one_matches(asked.app, device):
            continue
        if not device.builds:
            text = f"Nobody knows which build was tested on {device.id}."
            yield Gap(Kind.BUILD, text, "Name it in devices.yaml (app: {build: FILE}).")
        elif not device.builds & set(inputs.apps.values()):
            built = listed([short_digest(build) for build in sorted(device.builds)])
            text = f"On {device.id} another build was tested ({built}) than {given}."
            yield Gap(Kind.BUILD, text, "Test the build that is to be released.")
