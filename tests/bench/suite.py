"""The whole run, as ``make mitm`` starts it, several times: how long it takes, how many verdicts it
comes to in a second, and whether they are the same ones each time."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, spread

SPREAD = ("-n", "3", "--dist", "worksteal")
"""As in tox.ini."""


@dataclass(frozen=True, slots=True)
class Round:
    """One run."""

    results: tuple[dict[str, Any], ...]
    seconds: float
    """From the command to its end."""

    @property
    def tried(self) -> tuple[dict[str, Any], ...]:
        """What came to a verdict by being tried: all but what is not applicable."""
        return tuple(r for r in self.results if r["trial"] is not None)

    @property
    def rate(self) -> float:
        """Verdicts per second, from when the first attack began to when the last had ended."""
        trials = [r["trial"] for r in self.tried]
        first, last = min(t["started_at"] for t in trials), max(t["ended_at"] for t in trials)
        return len(trials) / float(last - first)

    @property
    def table(self) -> dict[str, str]:
        """The verdict of each scenario."""
        return {r["node"]: r["verdict"] for r in self.results}


def measure(rounds: int) -> list[Figure]:
    """Run both shipped devices ``rounds`` times."""
    runs = [_run() for _ in range(rounds)]
    phone = [r for r in runs[0].tried if r["device"] == "phone"]
    curl = [r for r in runs[0].tried if r["device"] == "curl"]
    commands = [_commands(r["trial"]) for r in phone]
    seconds, rates = [run.seconds for run in runs], [run.rate for run in runs]
    others = sum(run.table != runs[0].table for run in runs)
    return [
        Figure(
            "whole make mitm, phone and curl",
            f"{spread(seconds, 's', 1)}; {len(runs[0].results)} cases, {len(phone)} of them tried "
            f"on the phone and {len(curl)} on curl",
            "<= 30 s, >= 150 cases",
            statistics.median(seconds) <= 30 and len(phone) >= 150,
        ),
        Figure(
            "verdicts while it attacks",
            f"{spread(rates, 'per second', 1)}, whole sandwiches",
            ">= 20 per second",
            statistics.median(rates) >= 20,
        ),
        Figure("runs with another table than the first", f"{others} of {rounds}", "0", not others),
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


def _run() -> Round:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-m", "mitm and core", *SPREAD]
        started = time.perf_counter()
        done = subprocess.run(
            [*command, "-q", f"--reports={folder}"], capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            sys.exit(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        (results,) = Path(folder).glob("*/results.json")
        told = json.loads(results.read_text(encoding="utf-8"))
    return Round(tuple(told["results"]), seconds)
