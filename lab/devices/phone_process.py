"""The process that a virtual phone is: started, watched and ended by the lab."""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lab.model.device import DeviceLost

START_CAP = 15.0
"""Seconds in which a phone must be ready."""
END_CAP = 3.0
"""Seconds that a phone has to end by itself."""
GONE_CAP = 0.5
"""Seconds in which a process that let its connections drop turns out to have ended."""
MAX_WORDS = 8 * 1024
"""Bytes of the standard error that are kept, the last ones."""
MAX_READY = 1024
"""Bytes of the line that says that the phone is ready."""

_OURS = re.compile(
    r".*_proxy|ssl_cert_file|ssl_cert_dir|sslkeylogfile|requests_ca_bundle|curl_ca_bundle",
    re.IGNORECASE,
)
"""Names of environment variables that would play into what the phone does on the network."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a phone gets of the lab's environment."""
    return {name: value for name, value in environment.items() if not _OURS.fullmatch(name)}


class PhoneProgram(NamedTuple):
    """What a phone is started as: a module, and what it calls its ports once it is ready."""

    module: str
    screen: str
    """The port of what drives its screen."""
    link: str
    """The port of the way to it."""


ANDROID_PHONE = PhoneProgram("lab.phone", "port", "adb")
IPHONE = PhoneProgram("lab.phone.ios", "wda", "usbmuxd")


class PhoneProcess:
    """A phone in a process and a session of its own. It ends when the lab does."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        start_cap: float = START_CAP,
        network: socket.socket | None = None,
        program: PhoneProgram = ANDROID_PHONE,
    ) -> None:
        """Start the ``program`` with these arguments and wait until it is ready.

        ``network`` is the line to the namespace that it lives in. Raises DeviceLost.
        """
        passed_on = () if network is None else (network.fileno(),)
        if network is not None:
            arguments = [*arguments, "--network", str(network.fileno())]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", program.module, *arguments],
                env=clean_environment(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=passed_on,
            )
        except OSError as error:
            raise DeviceLost(f"it could not be started: {error.strerror}") from None
        self._words = bytearray()
        self._listening = threading.Thread(target=self._listen, name="phone stderr", daemon=True)
        self._listening.start()
        try:
            self.ports = self._await_ready(start_cap, program)
            """Where the phone listens, by what it calls its ports."""
            self.port, self.link_port = self.ports[program.screen], self.ports[program.link]
        except BaseException:
            self.end(0.0)
            raise

    @property
    def adb_port(self) -> int:
        """Where an Android phone's adb daemon listens."""
        return self.link_port

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def obituary(self, patience: float = GONE_CAP) -> str | None:
        """Say how the process ended, with its last words; None where it still runs after
        ``patience`` seconds."""
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return None
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        self._listening.join(GONE_CAP)
        words = bytes(self._words).decode("utf-8", "replace").strip()
        return f"its process ended ({how})" + (f": {words}" if words else "")

    def end(self, patience: float = END_CAP) -> None:
        """End the process, and everything that it started. May be repeated."""
        streams = (self._process.stdin, self._process.stdout)
        for stream in streams:
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        # Also where it ended by itself: what it started may not have.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listening.join(GONE_CAP)
        if self._process.stderr is not None and not self._listening.is_alive():
            self._process.stderr.close()

    def _await_ready(self, cap: float, program: PhoneProgram) -> dict[str, int]:
        """Read the line that says where the phone listens. Raises DeviceLost."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + cap
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not line.endswith(b"\n") and len(line) < MAX_READY:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise DeviceLost(f"it was not ready within {cap:g} seconds")
                part = os.read(descriptor, MAX_READY)
                if not part:
                    reason = self.obituary() or "its output ended"
                    raise DeviceLost(f"it did not start: {reason}")
                line += part
        try:
            ready = {str(name): int(port) for name, port in json.loads(line).items()}
            if not {program.screen, program.link} <= ready.keys():
                raise ValueError
            return ready
        except (ValueError, AttributeError, TypeError):
            raise DeviceLost(f"it did not say where it listens, but {line[:80]!r}") from None

    def _listen(self) -> None:
        """Keep the end of what the phone writes to its standard error."""
        assert self._process.stderr is not None
        while part := os.read(self._process.stderr.fileno(), MAX_WORDS):
            self._words += part
            del self._words[:-MAX_WORDS]
