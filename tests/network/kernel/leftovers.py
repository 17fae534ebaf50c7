"""What runs on the kernel's networks, and runs that are killed, leave on the machine: nothing.

``python -m tests.network.kernel.leftovers [TIMES]`` lets so many runs end and kills as many.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.killing import moments_of, run_and_kill
from tests.patience import eventually

COMMANDS = (("ip", "netns"), ("ip", "-oneline", "link"), ("nft", "list", "ruleset"))
TIMES = 20
LATEST = 0.6
"""Seconds after which a run that is to be killed has been, from its start."""


def run(folder: Path, *seconds: str) -> list[str]:
    """Return the command of a run with its files in this folder."""
    return [sys.executable, "-m", "tests.network.kernel.held", str(folder), *seconds]


def host_state() -> str:
    """Return what can be seen of networks on the machine itself."""
    path = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    told = (
        subprocess.run(argv, capture_output=True, text=True, check=False, env=path).stdout
        for argv in COMMANDS
    )
    return "".join(told)


def holders() -> set[int]:
    """Return the processes that hold a namespace of any run."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"kernel/broker.py" in (folder / "cmdline").read_bytes():
                found.add(int(folder.name))
        except OSError:
            continue
    return found


def kill_some(times: int, moments: random.Random, folder: Path) -> None:
    """Kill so many runs, each at a moment of its own. Their files stay in the folder."""
    others = holders()
    for _ in range(times):
        run_and_kill(run(folder), after=moments.uniform(0.0, LATEST))
        assert eventually(lambda: holders() <= others), f"still there: {holders() - others}"


def run_some(times: int, folder: Path) -> None:
    """Let so many runs come to their end."""
    for _ in range(times):
        subprocess.run(run(folder, "0"), check=True, capture_output=True)


def main(arguments: Sequence[str]) -> int:
    """Run, kill, compare."""
    times = int(arguments[0]) if arguments else TIMES
    before = host_state()
    with tempfile.TemporaryDirectory() as files:
        run_some(times, Path(files))
        kill_some(times, moments_of("leftovers"), Path(files))
    same = host_state() == before
    sys.stdout.write(f"{times} runs, {times} killed: {'nothing is left' if same else 'CHANGED'}\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
