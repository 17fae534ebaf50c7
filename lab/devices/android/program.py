"""Runs the adb program, which is not trusted to end or to be brief."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.devices.state_folder import reason
from lab.model.device import DeviceLost

MOST_COMPLAINTS = 16 * 1024
"""Bytes of standard error that are kept; the rest is read and thrown away."""

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run of the program came to."""

    code: int | None
    """Its exit code; None where it was ended, at its cap or for its length."""
    output: bytes
    complaints: bytes
    too_long: bool
    """Whether it was ended because it wrote more than was allowed."""
    writing: bool
    """Whether it had written something within the last second when it was ended."""


def run(argv: Sequence[str], environ: Mapping[str, str], *, cap: float, most: int) -> Finished:
    """Run ``argv`` with nothing to read, for ``cap`` seconds and ``most`` bytes of output.

    Raises DeviceLost where it cannot be started. A server that it starts lives on.
    """
    try:
        process = subprocess.Popen(
            argv,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise DeviceLost(
            f"the adb program {argv[0]} could not be started: {why}; install Android's platform "
            "tools (Debian: apt install adb)"
        ) from None
    until = time.monotonic() + cap
    reading = _Reading(most)
    code: int | None = None
    with process:
        try:
            if reading.until_end(process, until):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = process.wait(max(0.0, until - time.monotonic()))
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                process.send_signal(signal.SIGKILL)
    return Finished(
        code,
        bytes(reading.output),
        bytes(reading.complaints),
        len(reading.output) > most,
        time.monotonic() - reading.latest < min(1.0, cap / 2),
    )


class _Reading:
    """What a program writes."""

    def __init__(self, most: int) -> None:
        self.output = bytearray()
        self.complaints = bytearray()
        self.latest = 0.0
        self._most = most

    def until_end(self, process: subprocess.Popen[bytes], until: float) -> bool:
        """Read until the program ends, False where the time or the output allowed is over."""
        assert process.stdout is not None
        assert process.stderr is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stderr, selectors.EVENT_READ)
            while selector.get_map():
                left = until - time.monotonic()
                if left <= 0:
                    return False
                for key, _ in selector.select(left):
                    chunk = os.read(key.fd, _CHUNK)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is process.stdout:
                        self.latest = time.monotonic()
                        self.output += chunk
                        if len(self.output) > self._most:
                            return False
                    else:
                        self.complaints += chunk[: MOST_COMPLAINTS - len(self.complaints)]
        return True
