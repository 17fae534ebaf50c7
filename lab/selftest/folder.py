"""The folder of one self-test: ``reports/selftest-<run>/``."""

from __future__ import annotations

import json
from pathlib import Path

from lab.evidence.record import to_json
from lab.evidence.writer import ReportsUnwritable
from lab.selftest.page import render
from lab.selftest.report import SelftestReport

RESULTS = "selftest.json"
PAGE = "index.html"
PREFIX = "selftest-"
"""Before the run's name, so that nobody takes the folder for a run's."""


def made_folder(root: Path, run_id: str) -> Path:
    """Make the folder of the self-test called ``run_id`` and return it.

    Raises ReportsUnwritable: better before the self-test than after it.
    """
    path = root / f"{PREFIX}{run_id}"
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def write(path: Path, report: SelftestReport) -> Path:
    """Write ``selftest.json`` and ``index.html`` into the folder ``path`` and return the path of
    the page. Raises ReportsUnwritable."""
    text = json.dumps(to_json(report), indent=1, ensure_ascii=False, allow_nan=False)
    page = path / PAGE
    try:
        (path / RESULTS).write_text(text + "\n", encoding="utf-8")
        page.write_text(render(report), encoding="utf-8", errors="replace")
    except OSError as error:
        raise _unwritable(path, error) from error
    return page


def _unwritable(path: Path, error: OSError) -> ReportsUnwritable:
    return ReportsUnwritable(f"reports cannot be written to {path}: {error.strerror or error}")
