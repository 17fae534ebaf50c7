"""A program: runs a server for the lab, and ends it when the lab ends.

The lab holds the keeper's standard input; that ends with the lab, however the lab ends. The keeper
leads a session of its own, so that the server can be ended with everything that it started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

PATIENCE = 2.0
"""Seconds that the server has to end by itself."""
FAREWELL_CAP = 3.0
"""Seconds that the farewell may take."""
SEPARATOR = "--"


def keep(command: Sequence[str], farewell: Sequence[str] = ()) -> int:
    """Run ``command`` until it ends or the standard input does; return its exit code.

    ``farewell`` is a command that is run first in the second case, after which nothing of this
    session is left, the keeper included.
    """
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    ended = threading.Event()

    def end_with_input() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                continue
        ended.set()
        _tell(farewell)
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(PATIENCE)
        server.kill()

    threading.Thread(target=end_with_input, daemon=True).start()
    code = server.wait()
    if ended.is_set():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    return code


def _tell(farewell: Sequence[str]) -> None:
    if not farewell:
        return
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            farewell,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=FAREWELL_CAP,
            check=False,
        )


def main(arguments: Sequence[str]) -> int:
    """Keep what ``[FAREWELL...] -- COMMAND...`` names. An exit code above 128 tells the signal."""
    at = list(arguments).index(SEPARATOR)
    code = keep(arguments[at + 1 :], arguments[:at])
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
