"""Runs a program that is not trusted to end, to be quiet or to clean up after itself."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CAP = 15.0
"""Seconds after which a program is ended, with all that it started."""

MOST_OUTPUT = 64 * 1024
"""Bytes of output that are kept; the rest is read and thrown away."""


class CannotStart(Exception):
    """The program could not be started; the message says why."""


class Stream(StrEnum):
    """Which of its outputs is kept."""

    OUT = "stdout"
    ERR = "stderr"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    code: int | None
    """Its exit code; negative for the signal that ended it, None where the cap was reached."""
    output: bytes
    seconds: float


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: Path,
    keep: Stream,
    cap: float = CAP,
    enter: Sequence[str] = (),
) -> Ended:
    """Run ``argv`` in ``folder`` with exactly the environment ``env`` and nothing to read.

    ``enter`` is what starts it inside a namespace, and leaves the folder for the root.

    Whatever it leaves running in its process group is killed. Raises CannotStart.
    """
    started = time.monotonic()
    if enter:
        if shutil.which(argv[0], path=env.get("PATH")) is None:
            raise CannotStart(f"{argv[0]} could not be started: No such file or directory")
        argv = (*enter, "sh", "-c", 'cd "$0" && exec "$@"', str(folder), *argv)
    try:
        process = subprocess.Popen(
            argv,
            env=dict(env),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if keep is Stream.OUT else subprocess.DEVNULL,
            stderr=subprocess.PIPE if keep is Stream.ERR else subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotStart(f"{argv[0]} could not be started: {reason}") from None
    deadline = started + cap
    code: int | None = None
    with process:
        try:
            output, ended = _read(process, deadline)
            if ended:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = process.wait(max(0.0, deadline - time.monotonic()))
        finally:
            # At the cap or on Ctrl-C this ends the program, else what it left behind.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    return Ended(code, output, time.monotonic() - started)


def _read(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bool]:
    """Return what was written until the end of the output or the deadline, and which it was."""
    pipe = process.stdout or process.stderr
    assert pipe is not None
    kept = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                continue
            chunk = os.read(pipe.fileno(), MOST_OUTPUT)
            if not chunk:
                return bytes(kept), True
            kept += chunk[: MOST_OUTPUT - len(kept)]
    return bytes(kept), False
