"""Kills runs on a standing phone at random moments, restores, and looks whether the phone is as it
was. Exits with 1 where it is not.

    python -m tests.boundary.kills [ROUNDS]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.boundary.standing import devices_file, differences, standing_phone
from tests.killing import Nursery, moments_of

ROUNDS = 50
CHOSEN = "(B4 or user_store_ca or clock_behind) and tls1.3"
"""Cases that between them change everything that a run can change."""


def main(arguments: list[str]) -> int:
    rounds = int(arguments[0]) if arguments else ROUNDS
    moments = moments_of("kills")
    wrong: list[str] = []
    killed = 0
    with tempfile.TemporaryDirectory() as name, Nursery("tests.boundary.attempts") as nursery:
        folder = Path(name)
        os.environ["TRUSTPIN_LAB_STATE"] = str(folder / "state")
        with standing_phone(folder) as phone:
            devices = devices_file(folder, phone.entry())
            told: dict[str, Any] = {
                "devices": str(devices),
                "reports": str(folder / "reports"),
                "state": str(folder / "state"),
            }
            before = phone.seen()
            whole = nursery.run("attack", **told, chosen=CHOSEN)
            if whole.code != 0:
                sys.stdout.write(f"the undisturbed run ended with exit code {whole.code}\n")
                return 1
            for number in range(rounds):
                after = moments.uniform(0.05, whole.seconds)
                end = nursery.run("attack", after=after, **told, chosen=CHOSEN)
                killed += end.killed
                changed = len(differences(before, phone.seen()))
                restored = nursery.run("restore", state=told["state"])
                left = differences(before, phone.seen())
                told_of = f"round {number}: killed after {after:.2f} s, {changed} things changed"
                sys.stdout.write(
                    f"{told_of}, {len(left)} after restore ({restored.seconds:.2f} s)\n"
                )
                sys.stdout.flush()
                wrong += [
                    f"{told_of}: {what}: {was!r} is now {now!r}"
                    for what, (was, now) in left.items()
                ]
                if restored.code != 0:
                    wrong.append(f"{told_of}: restore ended with exit code {restored.code}")
    sys.stdout.write("".join(f"{line}\n" for line in wrong))
    sys.stdout.write(f"{killed} of {rounds} runs killed; {len(wrong)} things wrong\n")
    return 1 if wrong or not killed else 0


if __name__ == "__main__":
    started = time.monotonic()
    code = main(sys.argv[1:])
    sys.stdout.write(f"{time.monotonic() - started:.0f} s\n")
    sys.exit(code)
