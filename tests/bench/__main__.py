"""``python -m tests.bench [--phones N] [--rounds N]``."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.console import Console

from lab.trial.bench import Bench
from tests.bench import adversary, network, phones, pins, suite, verifying
from tests.bench.figures import machine, show


def main() -> None:
    """Measure and print everything; budgets are compared, never enforced."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--phones", type=int, default=100, help="how many at once (default: 100)")
    parser.add_argument("--rounds", type=int, default=3, help="whole runs (default: 3)")
    wanted = parser.parse_args()
    console = Console()
    console.print(f"Measured on {machine()}")
    show(console, "Reference client", pins.measure())
    with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
        show(console, "Adversary", adversary.measure(bench))
    show(console, "Rogue Wi-Fi in the kernel", network.measure())
    show(console, "Whole run", suite.measure(wanted.rounds))
    show(console, "Evidence", verifying.measure())
    if wanted.phones:
        with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
            show(console, "Many phones", phones.measure(bench, wanted.phones))


if __name__ == "__main__":
    main()
