"""An adb server of the lab's own: another home, another port, nothing but the phones it is told.

The user's own adb server, its keys and its phones are left alone.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from lab.devices.android import program
from lab.devices.kept import CannotStart, KeptServer, free_port
from lab.devices.phone_process import clean_environment
from lab.model.device import DeviceLost, Endpoint

START_CAP = 10.0
"""Seconds in which the server must listen."""
COMMAND_CAP = 15.0
"""Seconds that an adb command may take."""
CONNECT_CAP = 10.0
"""Seconds in which a phone must be reached."""
MAX_OUTPUT = 64 * 1024
"""Bytes of a command's output that are read."""

_LOOK = 0.02
_REFUSALS = ("failed to connect", "cannot connect", "unable to connect", "bad port", "no host")


class AdbUnavailable(Exception):
    """There is no adb here; the message says how to get it."""


def find_adb(environment: Mapping[str, str] | None = None) -> Path:
    """Return the adb program. Raises AdbUnavailable."""
    seen = os.environ if environment is None else environment
    found = shutil.which("adb", path=seen.get("PATH"))
    for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        if found is None and seen.get(name):
            found = shutil.which("adb", path=str(Path(seen[name]) / "platform-tools"))
    if found is None:
        raise AdbUnavailable(
            "there is no adb: install Android's platform tools (Debian: apt-get install adb), "
            "or set ANDROID_HOME"
        )
    return Path(found).resolve()


class AdbServer:
    """An adb server from construction until ``close``. Raises AdbUnavailable.

    ``folder`` is a folder of its own: the home in which adb keeps its key.
    """

    def __init__(self, folder: Path, *, adb: Path | None = None) -> None:
        self.program = adb or find_adb()
        self.port = free_port()
        self.log = folder / "adb.log"
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._server = self._start()

    @property
    def endpoint(self) -> Endpoint:
        """Where the server listens."""
        return Endpoint("127.0.0.1", self.port)

    @property
    def environment(self) -> dict[str, str]:
        """What programs that use this server need in their environment."""
        return {
            **clean_environment(os.environ),
            "HOME": str(self._folder),
            "ANDROID_SDK_HOME": str(self._folder),
            "ANDROID_ADB_SERVER_PORT": str(self.port),
            # Not even emulators are looked for: the phones are those that are connected.
            "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
        }

    def run(self, *arguments: str, cap: float = COMMAND_CAP) -> tuple[int, str]:
        """Run an adb command; return its exit code and what it wrote. Raises DeviceLost where it
        takes longer than ``cap`` seconds, or cannot be started."""
        command = [str(self.program), "-P", str(self.port), *arguments]
        ran = program.run(command, self.environment, cap=cap, most=MAX_OUTPUT)
        if ran.code is None:
            said = " ".join(arguments)[:100]
            raise DeviceLost(f"'adb {said}' did not end within {cap:g} seconds")
        return ran.code, (ran.output + ran.complaints).decode("utf-8", "replace").strip()

    def connect(self, serial: str, cap: float = CONNECT_CAP) -> None:
        """Connect to the phone ``host:port`` and wait until it is there. Raises DeviceLost."""
        deadline = time.monotonic() + cap
        _, said = self.run("connect", serial, cap=cap)
        if said.startswith(_REFUSALS):
            raise DeviceLost(f"adb cannot reach {serial}: {said}")
        # A phone that asks for a key is there a moment later, whatever was said.
        left = max(0.1, deadline - time.monotonic())
        try:
            self.run("-s", serial, "wait-for-device", cap=left)
        except DeviceLost:
            _, state = self.run("-s", serial, "get-state", cap=COMMAND_CAP)
            raise DeviceLost(
                f"adb did not reach {serial} within {cap:g} seconds: {said}; {state}"
            ) from None

    def revive(self) -> None:
        """Start the server again if it has ended; it knows no phone then. Raises
        AdbUnavailable."""
        if self._server.obituary(0.0) is not None:
            self._server.end()
            self._server = self._start()

    def obituary(self, patience: float = 0.0) -> str | None:
        """Say how the server ended, None where it still runs after ``patience`` seconds."""
        return self._server.obituary(patience)

    def close(self) -> None:
        """End the server, also one that an adb command started in its place. May be repeated."""
        self._server.end()
        with suppress(DeviceLost):
            self.run("kill-server")

    def _start(self) -> KeptServer:
        adb = [str(self.program), "-P", str(self.port)]
        try:
            server = KeptServer(
                "the adb server",
                [*adb, "nodaemon", "server"],
                environment=self.environment,
                folder=self._folder,
                log=self.log,
                farewell=[*adb, "kill-server"],
            )
        except CannotStart as error:
            raise AdbUnavailable(str(error)) from None
        deadline = time.monotonic() + START_CAP
        while (ended := server.obituary(_LOOK)) is None and time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return server
        server.end()
        raise AdbUnavailable(ended or f"the adb server did not listen within {START_CAP:g} seconds")
