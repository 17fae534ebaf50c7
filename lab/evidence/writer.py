"""The folder of one run: verdicts as they come, then the whole report."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

from lab.evidence.assessed import Read
from lab.evidence.captures import scrubbed
from lab.evidence.certificates import pem
from lab.evidence.files import ReportsUnwritable, put, writing
from lab.evidence.layout import (
    CAPTURES,
    CERTIFICATES,
    MARKER,
    PAGE,
    PNG_MAGIC,
    RESULTS,
    SCREENSHOTS,
    UNFINISHED,
    VERDICTS,
)
from lab.evidence.record import RecordInvalid, ScenarioResult, compact, from_json, to_json
from lab.evidence.redaction import Concealer, redact_command
from lab.evidence.run import RunInfo, RunReport, new_run_id, report_from_json
from lab.evidence.tally import tally

__all__ = [
    "LARGEST_SCREENSHOT",
    "MARKER",
    "PAGE",
    "RESULTS",
    "VERDICTS",
    "ReportsUnwritable",
    "RunFolder",
    "read_results",
    "reader",
]

LARGEST_SCREENSHOT = 20_000_000
"""Bytes."""


class RunFolder:
    """``reports/<run-id>/``. Use as a context manager, or call ``close``.

    Without ``run_id`` a new folder is made. With one the folder is joined: that is how several
    processes of a run share it, each writing screenshots, one of them the verdicts. Raises
    ReportsUnwritable, as every method does.
    """

    def __init__(
        self, root: Path, run_id: str | None = None, concealer: Concealer | None = None
    ) -> None:
        self.run_id = run_id or new_run_id()
        self.path = root / self.run_id
        self._concealer = concealer or Concealer()
        self._verdicts: IO[str] | None = None
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=run_id is not None)
            (self.path / SCREENSHOTS).mkdir(exist_ok=True)
            if not (self.path / RESULTS).exists():
                (self.path / MARKER).write_text(UNFINISHED + "\n", encoding="utf-8")

    def append(self, result: ScenarioResult) -> None:
        """Add a result to ``verdicts.jsonl``; it survives the death of this process."""
        self.append_record(to_json(result))

    def append_record(self, record: object) -> None:
        """Add what ``to_json`` made of a result."""
        line = compact(self._concealer.json(record))
        path = self.path / VERDICTS
        with writing(path):
            if self._verdicts is None:
                self._verdicts = path.open("a", encoding="utf-8")
            self._verdicts.write(line + "\n")
            self._verdicts.flush()

    def screenshot(self, png: bytes) -> str | None:
        """Store a screenshot and return its name in this folder, the same for the same picture.

        None where ``png`` is no PNG, or larger than any screen's: it is not kept.
        """
        if not png.startswith(PNG_MAGIC) or len(png) > LARGEST_SCREENSHOT:
            return None
        name = f"{SCREENSHOTS}/{hashlib.sha256(png).hexdigest()[:32]}.png"
        path = self.path / name
        with writing(path):
            if not path.exists():
                put(path, png)
        return name

    def capture(self, content: bytes) -> str:
        """Store a capture and return its name in this folder: what happened, and of what was said
        only what takes no secrets to read."""
        content, _ = scrubbed(content)
        name = f"{CAPTURES}/{hashlib.sha256(content).hexdigest()[:32]}.pcapng"
        path = self.path / name
        with writing(path):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            put(path, content)
        return name

    def certificate(self, der: bytes) -> None:
        """Store a certificate that was served, under the digest of its DER."""
        name = hashlib.sha256(der).hexdigest()
        path = self.path / CERTIFICATES / f"{name}.pem"
        with writing(path):
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                put(path, pem(der), durable=False)

    def finish(self, info: RunInfo, seal: Callable[[RunReport], None] | None = None) -> RunReport:
        """Write ``results.json`` and all reports from all results appended so far.

        A run that claims to be complete but has fewer results than were selected, or a torn
        record, is marked incomplete; the mark of a complete one goes once ``seal`` has returned.
        Returns the report as written.
        """
        # Here, not above: of all processes of a run one makes reports, and Jinja takes time.
        from lab.evidence.renderers import rendered

        self.close()
        records, results, torn = _read(self.path / VERDICTS)
        counts = {verdict.value: n for verdict, n in tally(results).by_verdict.items()}
        info = replace(
            info, run_id=self.run_id, counts=counts, command=redact_command(info.command)
        )
        why = _missing(info, len(results), torn)
        if why and info.complete:
            info = replace(info, complete=False, incomplete_because=why)
        # Through JSON and back: the reports show what is on record, redacted alike.
        shell = self._concealer.json(to_json(RunReport(info, ())))
        data = {**shell, "results": records}
        report = report_from_json(data)
        text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
        files = {RESULTS: text.encode() + b"\n"} | rendered(report, reader(self.path))
        with writing(self.path):
            for name, content in files.items():
                put(self.path / name, content)
            marker = self.path / MARKER
            if not info.complete:
                put(marker, ((report.info.incomplete_because or UNFINISHED) + "\n").encode())
        if seal is not None:
            seal(report)
        if info.complete:
            with writing(self.path):
                marker.unlink(missing_ok=True)
        return report

    def discard(self) -> None:
        """Remove the folder of a run in which nothing was selected."""
        self.close()
        shutil.rmtree(self.path, ignore_errors=True)

    def close(self) -> None:
        """Close ``verdicts.jsonl``."""
        if self._verdicts is not None:
            verdicts, self._verdicts = self._verdicts, None
            with writing(self.path / VERDICTS):
                verdicts.close()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def reader(folder: Path) -> Read:
    """Return what gives the content of a file in ``folder`` by its name; None for one that is not
    there, is larger than any screenshot, or cannot be read."""
    inside = folder.resolve()

    def read(name: str) -> bytes | None:
        path = folder / name
        try:
            # A record may come from another process: its names must not lead out of the folder.
            if not path.resolve().is_relative_to(inside):
                return None
            return path.read_bytes() if path.stat().st_size <= LARGEST_SCREENSHOT else None
        except (OSError, ValueError):
            return None

    return read


def read_results(path: Path) -> tuple[tuple[ScenarioResult, ...], int]:
    """Return the results in a ``verdicts.jsonl``, and how many of its lines are no results.

    A run that was killed while it wrote leaves a torn last line.
    """
    return _read(path)[1:]


def _read(path: Path) -> tuple[list[object], tuple[ScenarioResult, ...], int]:
    """Return what ``read_results`` does, and before it the same results as JSON."""
    records: list[object] = []
    results: list[ScenarioResult] = []
    torn = 0
    if not path.exists():
        return [], (), 0
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                record = json.loads(line)
                results.append(from_json(record))
                records.append(record)
            except (RecordInvalid, ValueError, RecursionError):
                torn += 1
    return records, tuple(results), torn


def _missing(info: RunInfo, results: int, torn: int) -> str:
    if torn:
        return f"{torn} of the recorded verdicts cannot be read."
    if results < info.selected:
        return f"Only {results} of {info.selected} scenarios came to a verdict."
    return ""
