"""Namespaces with programs in them, held for some seconds or until somebody kills this process.

``python -m tests.network.kernel.held FOLDER [SECONDS]``: the folder is for files, and stays.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from lab.loop import LabLoop
from lab.network.kernel.wifi import KernelWifi


def main() -> None:
    """Write the process ids of what holds the namespaces and of a program inside, then wait."""
    folder, *seconds = sys.argv[1:]
    with (
        LabLoop() as loop,
        KernelWifi(loop, Path(folder)) as wifi,
        wifi.admitted("phone") as place,
    ):
        inside = place.namespace.popen(["sleep", "600"])
        held = (wifi.rogue.namespace.pid, wifi.home.namespace.pid, place.namespace.pid)
        sys.stdout.write(f"{' '.join(map(str, (*held, inside.pid)))}\n")
        sys.stdout.flush()
        time.sleep(float(seconds[0]) if seconds else 600.0)


if __name__ == "__main__":
    main()
