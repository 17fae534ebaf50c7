"""What the processes do that are killed: a run of the lab, a restore. Forked off one process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import lab.devices.android.phones
import lab.devices.ios.phones
import lab.evidence.writer
import lab.trial.bench  # noqa: F401 - loaded before the fork, so that a run begins at once
from lab.cli import app
from tests.boundary.standing_iphone import P12

ROOT = Path(__file__).parents[2]


def attack(devices: str, reports: str, state: str, chosen: str) -> None:
    """Run the suite. Exits with pytest's code."""
    _surround(devices, state)
    os.chdir(ROOT)
    arguments = ["-m", "mitm", f"--devices-file={devices}", f"--reports={reports}", "-k", chosen]
    raise SystemExit(int(pytest.main([*arguments, "-q", "-p", "no:cacheprovider", "--retries=0"])))


def restore(devices: str, state: str) -> None:
    """Put back what is left changed."""
    _surround(devices, state)
    app(["restore", f"--devices-file={devices}"])


def _surround(devices: str, state: str) -> None:
    """Set what the lab finds in its environment."""
    os.environ["TRUSTPIN_LAB_STATE"] = state
    os.environ[P12] = str(Path(devices).with_name("identity.p12"))
