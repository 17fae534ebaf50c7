"""Bundles as a gate, a difference and a merged report look at them: verified first, then read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.devices.document import read_document
from lab.devices.problems import SettingsError
from lab.evidence.evidence_record import evidence_from_json
from lab.evidence.fields import EvidenceRecord
from lab.evidence.finding import Finding
from lab.evidence.layout import DEVICES, MANIFEST, RECORDS, RESULTS, SELFTEST, UNFINISHED
from lab.evidence.manifest import read_manifest
from lab.evidence.record import RecordInvalid
from lab.evidence.run import RunInfo, RunReport, report_from_json
from lab.evidence.verify import Verification, verify
from lab.gate.selectors import DeviceTraits
from lab.gate.source import Source


@dataclass(frozen=True, slots=True)
class Checked:
    """A bundle with what came of checking it."""

    folder: Path
    verification: Verification

    @property
    def broken(self) -> tuple[Finding, ...]:
        """What breaks it; nothing where it verifies."""
        return tuple(finding for finding in self.verification.findings if finding.breaks)


def check(folders: Iterable[Path]) -> tuple[Checked, ...]:
    """Check every bundle as ``trustpin-lab verify`` does, by its own key, each folder once. Raises
    NotChecked where there is none or it could not be looked at, and OSError."""
    once = {folder.resolve(): folder for folder in folders}
    return tuple(Checked(folder, verify(folder)) for folder in once.values())


def read_source(checked: Checked) -> Source:
    """Return what a bundle says that verifies: what is not signed counts for nothing.

    Raises RecordInvalid and OSError: somebody changes it at this very moment.
    """
    folder, told = checked.folder, checked.verification
    assert told.good, "what is forged is not to be read"
    unsigned = {finding.path for finding in told.findings}
    records = tuple(_records(folder, unsigned))
    context = records[0].context if records else None
    selftest = folder / SELFTEST
    return Source(
        name=str(folder),
        run_id=context.run_id if context is not None else told.run_id,
        results=tuple(record.result for record in records),
        devices=_devices(records, {} if DEVICES in unsigned else _listed(folder / DEVICES)),
        lab="" if context is None else context.lab,
        started_at=None if context is None else context.started_at,
        complete=told.complete,
        incomplete_because="" if told.complete else _why_incomplete(folder),
        key_id=told.key_id,
        selftest=selftest.read_bytes() if selftest.is_file() and SELFTEST not in unsigned else None,
    )


def read_report(checked: Checked) -> RunReport:
    """Return the run in a bundle's ``results.json``, whether it verifies or not; of a run that was
    killed before it wrote that, or before that was signed, what the records say.

    Raises RecordInvalid and OSError.
    """
    folder = checked.folder
    unsigned = {finding.path for finding in checked.verification.findings}
    if checked.broken or ((folder / RESULTS).exists() and RESULTS not in unsigned):
        return report_from_json(_json(folder / RESULTS))
    records = tuple(_records(folder, unsigned))
    if not records:
        raise RecordInvalid(f"{folder}: it has no record")
    context = records[0].context
    info = RunInfo(
        run_id=context.run_id,
        started_at=context.started_at,
        ended_at=None,
        lab=context.lab,
        python=context.tools.get("python", ""),
        mitmproxy=context.tools.get("mitmproxy", ""),
        openssl=context.tools.get("openssl", ""),
        platform=context.platform,
        devices=tuple({r.facts.id: r.facts for r in records if r.facts is not None}.values()),
        command=context.command,
        complete=False,
        incomplete_because=UNFINISHED,
    )
    return RunReport(info, tuple(record.result for record in records))


def _records(folder: Path, unsigned: set[str]) -> Iterator[EvidenceRecord]:
    place = folder / RECORDS
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        if f"{RECORDS}/{path.name}" not in unsigned:
            yield evidence_from_json(_json(path))


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise RecordInvalid(f"{path.name}: not JSON: {error}") from None


def _devices(
    records: Sequence[EvidenceRecord], listed: Mapping[str, tuple[str, str]]
) -> dict[str, DeviceTraits]:
    found: dict[str, DeviceTraits] = {}
    for device in dict.fromkeys(record.result.device for record in records):
        own = [record for record in records if record.result.device == device]
        # Where a device never came up, nothing but devices.yaml says which build was meant.
        own = [record for record in own if record.facts is not None] or own
        facts = own[0].facts
        platform, pool = listed.get(device, ("", ""))
        found[device] = DeviceTraits(
            id=device,
            platform=platform or ("" if facts is None else facts.platform.lower()),
            pool=pool,
            systems=frozenset(record.facts.os for record in own if record.facts is not None),
            builds=frozenset(filter(None, (record.subject.build_sha256 for record in own))),
        )
    return found


def _listed(file: Path) -> dict[str, tuple[str, str]]:
    """Return platform and pool of each device in the devices.yaml of a bundle, by its id."""
    try:
        content = read_document(file).content
    except SettingsError:
        return {}
    devices = content.get("devices") if isinstance(content, dict) else None
    return {
        each["id"]: (str(each.get("platform") or ""), str(each.get("pool") or ""))
        for each in (devices if isinstance(devices, list) else ())
        if isinstance(each, dict) and isinstance(each.get("id"), str)
    }


def _why_incomplete(folder: Path) -> str:
    try:
        return read_manifest((folder / MANIFEST).read_bytes()).incomplete_because or UNFINISHED
    except (OSError, ValueError, RecordInvalid):
        return UNFINISHED
