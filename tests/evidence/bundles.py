"""Small bundles to check, and to damage."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lab.evidence.bundle import Bundle, Clock
from lab.evidence.canonical import canonical, digest_of
from lab.evidence.context import Build, Context
from lab.evidence.layout import (
    ATTESTATION,
    CONTEXT,
    JUNIT,
    MANIFEST,
    RECORDS,
    RESULTS,
    VERDICTS,
)
from lab.evidence.manifest import Manifest, listed, manifest_bytes
from lab.evidence.record import ScenarioResult, to_json
from lab.evidence.redaction import Concealer
from lab.evidence.run import RunReport
from lab.evidence.signing import Seal
from lab.evidence.statement import PAYLOAD_TYPE
from lab.evidence.writer import RunFolder
from tests.evidence.builders import PHONE, failed, inconclusive, info, passed, png, skipped

DEVICES = "devices:\n- id: phone\n  platform: virtual\n"
JUNIT_TEXT = '<testsuites><testsuite name="pytest"><testcase name="b4"/></testsuite></testsuites>'


def context(**changes: Any) -> Context:
    known: dict[str, Any] = {
        "run_id": "20250101T000000Z-abcdef",
        "started_at": 1000.0,
        "lab": "another",
        "lab_commit": None,
        "tools": {"python": "3.11.9"},
        "platform": "Linux",
        "command": ("pytest", "-m", "mitm"),
        "executed_by": "somebody",
        "builds": {"phone": Build("ab" * 32, "source of the SDK", "client.py")},
    }
    return Context(**(known | changes))


def results() -> tuple[ScenarioResult, ...]:
    return passed(), failed(), inconclusive(), skipped()


def make(
    root: Path,
    seal: Seal | None = None,
    told: Iterable[ScenarioResult] | None = None,
    *,
    selected: int | None = None,
    clock: Clock | None = None,
    concealer: Concealer | None = None,
    begun: Context | None = None,
    junit: str = JUNIT_TEXT,
) -> Path:
    """Return the folder of a bundle that was made as a run makes it."""
    everything = tuple(results() if told is None else told)
    bundle: Bundle
    with RunFolder(root, "run", concealer) as folder:
        bundle = Bundle(folder.path, seal or Seal.fresh(), concealer)
        bundle.begin(begun or context(), DEVICES)
        folder.screenshot(png())
        for result in everything:
            folder.append(result)
            bundle.add(to_json(result), PHONE)
        (folder.path / JUNIT).write_text(junit, encoding="utf-8")

        def close(report: RunReport) -> None:
            because = report.info.incomplete_because
            bundle.close(complete=report.info.complete, because=because, clock=clock)

        folder.finish(info(selected=len(everything) if selected is None else selected), close)
    return folder.path


def forge(folder: Path, seal: Seal, change: Callable[[Any], None], number: int = 1) -> None:
    """Change a record, and whatever repeats it, and sign everything anew."""
    path = sorted((folder / RECORDS).iterdir())[number - 1]
    data = json.loads(path.read_bytes())
    change(data)
    path.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    previous: str | None = None
    lines = []
    for record in sorted((folder / RECORDS).iterdir()):
        told = json.loads(record.read_bytes())
        told["integrity"]["previous_sha256"] = previous
        text = json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n"
        record.write_text(text, encoding="utf-8")
        previous = digest_of(text.encode()).sha256
        lines.append(told["result"])
    (folder / VERDICTS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = json.loads((folder / RESULTS).read_bytes())
    (folder / RESULTS).write_text(json.dumps(report | {"results": lines}), encoding="utf-8")
    sign_again(folder, seal)


def sign_again(folder: Path, seal: Seal) -> None:
    """List the files of a bundle as they are now, and sign that."""
    (folder / "signer.pem").write_bytes(seal.public_pem)
    old = json.loads((folder / MANIFEST).read_bytes())
    manifest = Manifest(
        old["run_id"], old["complete"], old["incomplete_because"], {}, listed(folder)
    )
    content = manifest_bytes(manifest)
    (folder / MANIFEST).write_bytes(content)
    envelope = json.loads((folder / ATTESTATION).read_bytes())
    said = json.loads(base64.b64decode(envelope["payload"]))
    said["predicate"]["configuration"][0]["digest"]["sha256"] = digest_of(content).sha256
    (folder / ATTESTATION).write_bytes(seal.envelope(canonical(said), PAYLOAD_TYPE))
    assert (folder / CONTEXT).exists()
