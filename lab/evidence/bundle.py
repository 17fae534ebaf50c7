"""Makes a run's folder a bundle: records as they come, journal, derived files, manifest,
attestation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from lab.evidence.canonical import Digest, canonical, digest_of, digest_of_file
from lab.evidence.context import Context, context_from_json
from lab.evidence.derived import derived
from lab.evidence.evidence_record import empty_integrity, file_name, make_record
from lab.evidence.fields import Artefact, EvidenceRecord
from lab.evidence.files import put, writing
from lab.evidence.journal import Journal
from lab.evidence.layout import (
    ATTESTATION,
    CAPTURES,
    CERTIFICATES,
    CONTEXT,
    DEVICES,
    JOURNAL,
    JUNIT,
    MANIFEST,
    MARKER,
    RECORDS,
    SCREENSHOTS,
    SELFTEST,
    SIGNER,
    TIMESTAMP,
)
from lab.evidence.manifest import Manifest, listed, manifest_bytes
from lab.evidence.record import ScenarioResult, compact, facts_from_json, from_json, to_json
from lab.evidence.redaction import Concealer, redactions
from lab.evidence.signing import Seal
from lab.evidence.statement import PAYLOAD_TYPE, statement
from lab.evidence.xml_redaction import without_secrets
from lab.model.device import DeviceFacts

MEDIA_TYPES = {
    SCREENSHOTS: "image/png",
    CAPTURES: "application/x-pcapng",
    CERTIFICATES: "application/pem-certificate-chain",
}
_STORED = re.compile(rf"\b{CAPTURES}/[0-9a-f]+\.pcapng")


class Clock(Protocol):
    """A timestamp authority (RFC 3161)."""

    def stamp(self, content: bytes) -> bytes:
        """Return a timestamp response for ``content``. Raises Unstamped."""


class Bundle:
    """The bundle of one run, in the folder at ``path``. All methods raise ReportsUnwritable.

    What is known to be secret is taken out of all that it writes.
    """

    def __init__(self, path: Path, seal: Seal, concealer: Concealer | None = None) -> None:
        self.path = path
        self.seal_key = seal
        self._concealer = concealer or Concealer()
        self._results: list[ScenarioResult] = []
        self._heard: dict[str, DeviceFacts] = {}
        """What was last said of each device, and below what may be written of it."""
        self._facts: dict[str, DeviceFacts] = {}
        self._previous: str | None = None
        self._vouched: set[str] = set()
        self._known: dict[str, Artefact] = {}
        self._redacted: Counter[str] = Counter()

    def begin(
        self, context: Context, devices: str | None = None, selftest: bytes | None = None
    ) -> None:
        """Write down what the run is started with: its context, devices.yaml as ``shown`` gives it
        and the self-test that vouches for the lab."""
        said = self._concealer.json(to_json(context))
        self._context, self._context_json = context_from_json(said), said
        with writing(self.path):
            (self.path / RECORDS).mkdir(exist_ok=True)
        self._journal = Journal(self.path / JOURNAL, context.run_id, self.seal_key)
        written = {
            SIGNER: self.seal_key.public_pem,
            CONTEXT: _line(said),
            DEVICES: None if devices is None else devices.encode(),
            SELFTEST: selftest,
        }
        self._redacted += redactions((devices or "") + compact(said))
        self._vouch(self._write({n: content for n, content in written.items() if content}))

    def add(
        self, data: Any, facts: DeviceFacts | None = None, result: ScenarioResult | None = None
    ) -> None:
        """Make an evidence record of what ``to_json`` made of a result. ``result`` is what it was
        made of, where it has been read already."""
        said = self._concealer.json(data)
        # The texts of a value that was read before it was gone through are not clean.
        if result is None or said is not data:
            result = from_json(said)
        if facts is not None and facts is not self._heard.get(result.device):
            self._heard[result.device] = facts
            told = self._concealer.json(to_json(facts))
            self._facts[result.device] = facts_from_json(told)
        artefacts = self._artefacts(result)
        number = len(self._results) + 1
        record = make_record(
            result,
            self._context,
            self._facts.get(result.device),
            empty_integrity(number, self._previous),
            artefacts,
        )
        content = self._content(record, said)
        self._results.append(result)
        self._previous = digest_of(content).sha256
        name = f"{RECORDS}/{file_name(number, result)}"
        seen = {a.path: Digest(a.sha256, a.size) for a in artefacts}
        new = {path: digest for path, digest in seen.items() if path not in self._vouched}
        self._vouch(new | self._write({name: content}))

    def close(self, *, complete: bool, because: str = "", clock: Clock | None = None) -> Manifest:
        """Derive what is derived, list every file, and sign. Nothing may be written into the
        folder afterwards. Raises Unstamped, too, where ``clock`` is given and gives no time."""
        self._write(derived(self._results, self._context.lab), durable=True)
        with writing(self.path):
            junit = self.path / JUNIT
            if junit.exists():
                put(junit, without_secrets(junit.read_bytes(), self._concealer))
            files = listed(self.path)
        if complete:
            # It goes once the attestation is there.
            files.pop(MARKER, None)
        manifest = Manifest(self._context.run_id, complete, because, self._redacted, files)
        content = manifest_bytes(manifest)
        stamped = {} if clock is None else {TIMESTAMP: clock.stamp(content)}
        rests_on = {MANIFEST: content, **stamped}
        said = statement(
            self._results,
            self._context,
            self._facts.values(),
            {name: digest_of(inner) for name, inner in rests_on.items()},
            complete=complete,
        )
        self._write(rests_on, durable=True)
        # Last: with it the bundle is whole.
        signed = self.seal_key.envelope(canonical(said), PAYLOAD_TYPE)
        self._write({ATTESTATION: signed}, durable=True)
        return manifest

    def _content(self, record: EvidenceRecord, data: Any) -> bytes:
        """Return the record's file. Result and context are JSON already."""
        shell = {
            name: to_json(getattr(record, name))
            for name in EvidenceRecord.__slots__
            if name not in ("result", "context")
        }
        shell = self._concealer.json(shell) | {"context": self._context_json, "result": data}
        content = _line(shell)
        removed = redactions(content.decode())
        if not removed:
            return content
        self._redacted += removed
        shell["integrity"]["redacted"] = dict(sorted(removed.items()))
        return _line(shell)

    def _artefacts(self, result: ScenarioResult) -> tuple[Artefact, ...]:
        """Return the files that belong to a result, as far as they are there."""
        trial = result.trial
        names = [name for _, name in result.screenshots]
        if trial is not None:
            names += [name for fact in trial.facts for name in _STORED.findall(fact.text)]
            names += [f"{CERTIFICATES}/{digest}.pem" for digest in trial.served_digests]
        return tuple(filter(None, map(self._artefact, dict.fromkeys(names))))

    def _artefact(self, name: str) -> Artefact | None:
        # They are named after what is in them: many records have the same.
        if name in self._known:
            return self._known[name]
        kind = MEDIA_TYPES.get(name.partition("/")[0])
        if kind is None or ".." in name:
            return None
        try:
            digest = digest_of_file(self.path / name)
        except OSError:
            return None
        blanked = name.startswith(CAPTURES)
        made = self._known[name] = Artefact(name, kind, digest.sha256, digest.size, blanked)
        return made

    def _write(self, contents: Mapping[str, bytes], *, durable: bool = False) -> dict[str, Digest]:
        with writing(self.path):
            for name, content in contents.items():
                put(self.path / name, content, durable=durable)
        return {name: digest_of(content) for name, content in contents.items()}

    def _vouch(self, files: Mapping[str, Digest]) -> None:
        self._vouched.update(files)
        with writing(self.path):
            self._journal.add(files)


def _line(data: Any) -> bytes:
    return compact(data).encode() + b"\n"
