"""What the processes do that are killed: a run of the lab, a restore. Forked off one process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import lab.devices.android.phones
import lab.evidence.writer
import lab.trial.bench  # noqa: F401 - loaded before the fork, so that a run begins at once
from lab.cli import app

ROOT = Path(__file__).parents[2]


def attack(devices: str, reports: str, state: str, chosen: str) -> None:
    """Run the suite. Exits with pytest's code."""
    os.environ["TRUSTPIN_LAB_STATE"] = state
    os.chdir(ROOT)
    arguments = ["-m", "mitm", f"--devices-file={devices}", f"--reports={reports}", "-k", chosen]
    raise SystemExit(int(pytest.main([*arguments, "-q", "-p", "no:cacheprovider", "--retries=0"])))


def restore(devices: str, state: str) -> None:
    """Put back what is left changed."""
    os.environ["TRUSTPIN_LAB_STATE"] = state
    app(["restore", f"--devices-file={devices}"])
