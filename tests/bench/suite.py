"""The whole run, as a user starts it, and what a scenario costs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, spread


def measure() -> list[Figure]:
    """Run ``pytest -m mitm`` on both shipped devices and on the phone alone."""
    whole, seconds = _run()
    phone = [r for r in whole if r["device"] == "phone" and r["trial"] is not None]
    curl = [r for r in whole if r["device"] == "curl" and r["trial"] is not None]
    commands = [_commands(r["trial"]) for r in phone]
    rate = len(phone) / sum(r["seconds"] for r in phone)
    return [
        Figure(
            "whole pytest -m mitm, phone and curl",
            f"{seconds:.1f} s, {len(whole)} cases, {len(phone)} of them tried on the phone and "
            f"{len(curl)} on curl",
            "<= 30 s, >= 150 cases",
            seconds <= 30 and len(phone) >= 150,
        ),
        Figure("verdicts on the phone", f"{rate:.1f} per second, whole sandwiches", "", None),
        Figure("a case on the phone", spread([r["seconds"] for r in phone])),
        Figure("a case on curl", spread([r["seconds"] for r in curl])),
        Figure(
            "Appium commands per case",
            spread(commands, "", 1),
            "<= 8",
            sorted(commands)[len(commands) // 2] <= 8,
        ),
    ]


def _commands(trial: dict[str, Any]) -> int:
    names = ("baseline", "attack", "control", "recovery")
    return sum(trial[n]["outcome"]["commands"] for n in names if trial[n] is not None)


def _run() -> tuple[list[dict[str, Any]], float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-m", "mitm", "-q", f"--reports={folder}"]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - started
        if done.returncode:
            sys.exit(f"pytest -m mitm ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        (results,) = Path(folder).glob("*/results.json")
        told = json.loads(results.read_text(encoding="utf-8"))
    return told["results"], seconds
