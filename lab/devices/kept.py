"""A server that the lab starts for a run: kept by a keeper, its words in a file."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.devices import keeper
from lab.devices.keeper import FAREWELL_CAP, PATIENCE, SEPARATOR

END_CAP = PATIENCE + FAREWELL_CAP + 1.0
"""Seconds after which a server is no longer waited for."""
GONE_CAP = 0.5
"""Seconds in which a server that let its connections drop turns out to have ended."""
MAX_WORDS = 2000
"""Bytes of the last words."""

_CONTROL = re.compile(r"\x1b\[[0-9;]*m|[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class CannotStart(Exception):
    """The server could not be started; the message says why, and how to mend it."""


class KeptServer:
    """A server in a session of its own. It ends when the lab does, however the lab ends."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        log: Path,
        farewell: Sequence[str] = (),
    ) -> None:
        """Start ``command`` in ``folder``; all that it writes is added to the file ``log``.

        ``farewell`` is a command that tells it to end. Raises CannotStart.
        """
        self._name = name
        self._log = log
        try:
            with log.open("ab") as words:
                self._process = subprocess.Popen(
                    [*_KEEPER, *farewell, SEPARATOR, *command],
                    env=dict(environment),
                    cwd=folder,
                    stdin=subprocess.PIPE,
                    stdout=words,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise CannotStart(f"{name} could not be started: {error}") from None
        self._done = False

    @property
    def pid(self) -> int:
        """Process id of the keeper, and id of the session."""
        return self._process.pid

    def obituary(self, patience: float = GONE_CAP) -> str | None:
        """Say how the server ended, with its last words; None where it still runs after
        ``patience`` seconds."""
        if self._done:
            return f"{self._name} has been ended by the lab"
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return None
        how = f"exit code {code}" if 0 <= code <= 128 else f"signal {abs(code) % 128}"
        words = self._last_words()
        return f"{self._name} ended ({how})" + (f": {words}" if words else "")

    def end(self) -> None:
        """End the server, and everything that it started. May be repeated."""
        self._done = True
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_CAP)
        # Also where it ended by itself: what it started may not have.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _last_words(self) -> str:
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, self._log.stat().st_size - MAX_WORDS))
                words = file.read(MAX_WORDS).decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [_CONTROL.sub("", line).strip() for line in words.splitlines()]
        return " / ".join([line for line in lines if line][-3:])


# By its file, with nothing but Python's own library: it starts in no time, wherever that is.
_KEEPER = (sys.executable, "-I", "-S", keeper.__file__)


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
