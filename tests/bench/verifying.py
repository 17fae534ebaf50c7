"""What checking a large bundle costs: a run's own bundle, written again as that of many devices."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from lab.evidence.bundle import Bundle
from lab.evidence.context import context_from_json
from lab.evidence.evidence_record import evidence_from_json
from lab.evidence.layout import (
    CAPTURES,
    CERTIFICATES,
    CONTEXT,
    DEVICES,
    RECORDS,
    RESULTS,
    SCREENSHOTS,
)
from lab.evidence.record import to_json
from lab.evidence.run import RunReport, report_from_json
from lab.evidence.signing import Seal
from lab.evidence.writer import RunFolder
from tests.bench.figures import Figure, spread, timed
from tests.killing import ROOT

DEVICES_MADE = 4
"""As many devices as one was attacked: that comes to some hundred megabytes."""


def measure() -> list[Figure]:
    """Run the whole core on the embedded phone, and check what would be many devices' bundle."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        command = [sys.executable, "-m", "pytest", "-q", "-m", "mitm", "-n", "2"]
        subprocess.run(
            [*command, "--device=phone", f"--reports={root / 'one'}", "-p", "no:cacheprovider"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        (one,) = (path for path in (root / "one").iterdir() if path.is_dir())
        many = multiplied(one, root / "many", DEVICES_MADE)
        files = [path for path in many.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        told = subprocess.run(
            ["trustpin-lab", "verify", str(many)], capture_output=True, text=True, check=True
        )
        scenarios = told.stdout.partition("signed; ")[2].partition(" ")[0]
        seconds = [timed(lambda: _run("trustpin-lab", "verify", str(many))) for _ in range(3)]
        hashed = [timed(lambda: _run("sha256sum", "--", *map(str, files))) for _ in range(3)]
    longest = max(seconds) * 100 / size
    return [
        Figure(
            f"trustpin-lab verify, {size:.0f} MB, {scenarios} scenarios",
            spread(seconds, "s", 1),
            "10 s for 100 MB",
            longest < 10,
        ),
        Figure("the same, against sha256sum of all its files", f"{_times(seconds, hashed)} times"),
    ]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _times(ours: list[float], theirs: list[float]) -> str:
    return f"{statistics.median(ours) / statistics.median(theirs):.0f}"


def multiplied(source: Path, root: Path, times: int) -> Path:
    """Return the folder of a bundle below ``root`` that is as if ``times`` as many devices had been
    attacked as in the complete run whose bundle is ``source``, in the same way."""
    context = context_from_json(json.loads((source / CONTEXT).read_bytes()))
    report = report_from_json(json.loads((source / RESULTS).read_bytes()))
    records = [
        evidence_from_json(json.loads(path.read_bytes()))
        for path in sorted((source / RECORDS).iterdir())
    ]
    devices = tuple(
        replace(facts, id=f"{facts.id}-{number}")
        for number in range(times)
        for facts in report.info.devices
    )
    builds = {f"{d}-{n}": b for d, b in context.builds.items() for n in range(times)}
    with RunFolder(root, "large") as folder:
        for name in (SCREENSHOTS, CAPTURES, CERTIFICATES):
            if (source / name).is_dir():
                shutil.copytree(source / name, folder.path / name, dirs_exist_ok=True)
        bundle = Bundle(folder.path, Seal.fresh())
        bundle.begin(replace(context, builds=builds), (source / DEVICES).read_text("utf-8"))
        for number in range(times):
            for record in records:
                told = record.result
                device = f"{told.device}-{number}"
                node = told.node.replace(f"[{told.device}-", f"[{device}-")
                result = to_json(replace(told, device=device, node=node))
                facts = None if record.facts is None else replace(record.facts, id=device)
                folder.append_record(result)
                bundle.add(result, facts)

        def close(written: RunReport) -> None:
            bundle.close(complete=written.info.complete)

        folder.finish(
            replace(report.info, devices=devices, selected=times * report.info.selected), close
        )
        return folder.path
