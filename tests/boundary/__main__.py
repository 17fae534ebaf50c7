"""Runs ``pytest -m mitm`` on one virtual phone driven directly, and on one driven by a real Appium
server (an Android phone over a real adb server, too), and compares every verdict. Exits with 1
where one differs.

    python -m tests.boundary [android|iphone|preinstalled] [PYTEST ARGUMENTS]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEVICES = Path(__file__).with_name("devices.yaml")
WAYS = {
    "android": ("direct", "appium"),
    "iphone": ("iphone", "iphone-appium"),
    # The same again, but for who starts what drives the screen.
    "preinstalled": ("iphone", "iphone-preinstalled"),
}
"""The devices that must have the same verdicts, by what they are."""

Verdicts = dict[str, str]
"""By scenario, whatever the device is called."""


def run(way: str, reports: Path, more: Sequence[str]) -> tuple[Verdicts, float]:
    """Attack the device called ``way``. Raises CalledProcessError where the run did not end well:
    every case is expected to pass."""
    started = time.monotonic()
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-m", "mitm", f"--devices-file={DEVICES}"),
            *(f"--device={way}", f"--reports={reports / way}", *more),
        ],
        cwd=ROOT,
        check=True,
    )
    (results,) = (reports / way).glob("*/results.json")
    told = json.loads(results.read_text(encoding="utf-8"))["results"]
    seconds = time.monotonic() - started
    return {r["node"].replace(f"[{way}-", "["): r["verdict"] for r in told}, seconds


def main(arguments: Sequence[str]) -> int:
    if arguments and arguments[0] in WAYS:
        return compared(WAYS[arguments[0]], arguments[1:])
    return max(compared(ways, arguments) for ways in WAYS.values())


def compared(ways: Sequence[str], more: Sequence[str]) -> int:
    """Return 0 where the verdicts of all ``ways`` are the same."""
    # Side by side: they have nothing in common but the machine.
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(ways)) as both:
        running = {way: both.submit(run, way, Path(folder), more) for way in ways}
        ran = {way: each.result() for way, each in running.items()}
    (direct, _), (other, _) = (ran[way] for way in ways)
    differing = sorted(
        case for case in direct.keys() | other.keys() if direct.get(case) != other.get(case)
    )
    for case in differing:
        sys.stdout.write(f"{case}: {direct.get(case)} direct, {other.get(case)} by Appium\n")
    times = ", ".join(f"{way} {seconds:.1f} s" for way, (_, seconds) in ran.items())
    sys.stdout.write(f"{len(direct)} verdicts compared, {len(differing)} differ ({times})\n")
    return 1 if differing or not direct else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
