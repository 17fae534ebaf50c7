"""A phone that an adb server holds: the adb program asks the server, Appium shares it."""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from lab.devices.android import program
from lab.devices.android.link import COMMAND_CAP, CommandRefused, Ran
from lab.devices.android.marks import Marked, succeeded, text_of, told_of
from lab.devices.android.program import Finished
from lab.devices.android.shell_link import (
    INSTALL_CAP,
    MOST_OUTPUT,
    RETRY,
    TRANSFER_CAP,
    check_installed,
)
from lab.devices.journal_entry import shown
from lab.devices.state_folder import reason
from lab.model.device import DeviceLost, Endpoint

SERVER = Endpoint("127.0.0.1", 5037)
"""Where adb's server listens unless it is told otherwise."""
SERVER_CAP = 15.0
"""Seconds that the adb server may take, to start and to answer for itself."""

_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):\d{1,5}")
_CHATTER = re.compile(r"^\* daemon .*\n?", re.MULTILINE)
_REVERSED = re.compile(r"\btcp:(\d{1,5}) ")


class AdbProgramLink:
    """Implements ``AdbLink`` on the adb program. ``environ`` is its environment (its keys are
    under ``HOME``), this process's where nothing is said."""

    def __init__(
        self,
        serial: str,
        *,
        server: Endpoint = SERVER,
        adb: str = "adb",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._serial = serial
        self._server = server
        self._environ = dict(os.environ if environ is None else environ)
        self._program = [adb]
        if not _is_here(server.host):
            # Told a host, adb does not start a server that is not there.
            self._program += ["-H", server.host]
        self._program += ["-P", str(server.port)]

    @property
    def serial(self) -> str:
        return self._serial

    def run(self, command: str, *, cap: float = COMMAND_CAP) -> Ran:
        marked = Marked([command])
        # -x: plain "shell:", in which the phone itself puts both outputs in their order.
        finished = self._adb("shell", "-x", "-n", marked.line, cap=cap)
        doing = told_of(command)
        self._check(doing, finished, cap, MOST_OUTPUT)
        return self._read(doing, marked, finished)

    def shell(self, command: str, *, cap: float = COMMAND_CAP) -> str:
        return succeeded(command, self.run(command, cap=cap))

    def push(self, content: bytes, path: str, *, mode: int = 0o644) -> None:
        doing = f"writing {shown(path)}"
        with tempfile.TemporaryDirectory(prefix="trustpin-lab-") as folder:
            file = Path(folder) / "content"
            try:
                file.write_bytes(content)
                # adb gives the file on the phone the mode of the one here.
                file.chmod(mode | 0o400)
            except OSError as error:
                raise CommandRefused(f"{doing}: {file}: {reason(error)}") from None
            self._done(doing, "push", str(file), path, cap=TRANSFER_CAP)

    def pull(self, path: str, *, limit: int) -> bytes:
        doing = f"reading {shown(path)}"
        # Not "adb pull", which takes as much as the phone sends, on to this machine's disk.
        marked = Marked([f"cat {shlex.quote(path)}"])
        finished = self._adb("shell", "-x", "-n", marked.line, cap=TRANSFER_CAP, most=limit + 1024)
        self._check(doing, finished, TRANSFER_CAP, limit)
        _, code = self._read(doing, marked, finished)
        content = finished.output[: finished.output.rindex(marked.word.encode())]
        if code:
            raise CommandRefused(f"{doing}: the phone refuses: {shown(text_of(content).strip())}")
        if len(content) > limit:
            raise CommandRefused(f"{doing}: it is longer than {limit} bytes; it was cut off")
        return content

    def install(self, package: Path) -> None:
        if not package.is_file():
            raise CommandRefused(f"{package}: there is no such file")
        finished = self._adb("install", "-r", "-t", str(package), cap=INSTALL_CAP)
        doing = f"installing {package}"
        self._check(doing, finished, INSTALL_CAP, MOST_OUTPUT)
        told = text_of(finished.output + finished.complaints)
        if finished.code:
            self._check_there(doing)
        check_installed(package, Ran(told, finished.code or 0))

    def reverse(self, port: int, target: Endpoint) -> None:
        to = f"tcp:{target.port}"
        if target.host not in ("127.0.0.1", "localhost"):
            to = f"tcp:{target.host}:{target.port}"
        self._done(f"leading the phone's port {port} to {target}", "reverse", f"tcp:{port}", to)

    def reversed_ports(self) -> tuple[int, ...]:
        listed = self._done("listing the phone's ports that lead out", "reverse", "--list")
        return tuple(sorted({int(port) for port in _REVERSED.findall(listed)}))

    def remove_reverse(self, port: int) -> None:
        if port in self.reversed_ports():
            self._done(f"removing the phone's port {port}", "reverse", "--remove", f"tcp:{port}")

    def reconnect(self, cap: float) -> None:
        until = time.monotonic() + cap
        while True:
            left = max(until - time.monotonic(), RETRY)
            try:
                self._reconnect_once(left)
            except DeviceLost:
                if time.monotonic() + RETRY >= until:
                    raise
                time.sleep(RETRY)
            else:
                return

    def close(self) -> None:
        """Do nothing: the server holds the phone, and was there before."""

    def _reconnect_once(self, cap: float) -> None:
        if _is_here(self._server.host):
            started = self._adb("start-server", cap=min(cap, SERVER_CAP), on_server=True)
            if started.code != 0:
                raise DeviceLost(
                    f"the adb server at {self._server} does not start: "
                    f"{_said(started) or 'it does not answer'}"
                )
        if _HOST_PORT.fullmatch(self._serial) and self._state() != "device":
            # A connection that died is kept by the server, as "offline", and connecting to it
            # again is answered with "already connected".
            self._adb("disconnect", self._serial, cap=min(cap, SERVER_CAP), on_server=True)
            told = self._adb("connect", self._serial, cap=cap, on_server=True)
            said = text_of(told.output).strip()
            if told.code is None or said.startswith(("failed to connect", "cannot connect")):
                raise DeviceLost(f"{self._serial}: {shown(said) or 'it does not answer'}")
        waited = self._adb("wait-for-device", cap=cap)
        if waited.code != 0:
            state = self._state()
            raise DeviceLost(f"{self._serial}: {_advice(state) or _said(waited) or state}")

    def _adb(
        self,
        *arguments: str,
        cap: float,
        most: int = MOST_OUTPUT,
        on_server: bool = False,
    ) -> Finished:
        """Run adb; the server itself is asked where ``on_server`` says so, else about the phone.
        Raises DeviceLost where there is no such program."""
        chosen = [] if on_server else ["-s", self._serial]
        argv = [*self._program, *chosen, *arguments]
        return program.run(argv, self._environ, cap=cap, most=most)

    def _done(self, doing: str, *arguments: str, cap: float = COMMAND_CAP) -> str:
        """Have adb do something and return its words. Raises DeviceLost, CommandRefused."""
        finished = self._adb(*arguments, cap=cap)
        self._check(doing, finished, cap, MOST_OUTPUT)
        if finished.code:
            self._check_there(doing)
            raise CommandRefused(f"{doing}: {_said(finished) or 'adb does not say why not'}")
        return text_of(finished.output)

    def _check(self, doing: str, finished: Finished, cap: float, most: int) -> None:
        """Raise what keeps a run of adb from meaning anything."""
        if finished.too_long:
            raise CommandRefused(f"{doing}: its output is longer than {most} bytes; it was cut off")
        if finished.code is None and finished.writing:
            raise CommandRefused(
                f"{doing}: after {cap:g} seconds it was still writing; it was cut off"
            )
        if finished.code is None:
            raise DeviceLost(f"{self._serial}, {doing}: it did not answer within {cap:g} seconds")

    def _read(self, doing: str, marked: Marked, finished: Finished) -> Ran:
        """Return what a marked command came to. Raises DeviceLost, CommandRefused."""
        try:
            return marked.read(finished.output)[0]
        except CommandRefused as error:
            self._check_there(doing)
            said = shown(text_of(finished.complaints).strip())
            raise CommandRefused(f"{error}; adb says: {said}" if said else str(error)) from None

    def _check_there(self, doing: str) -> None:
        """Raise DeviceLost where the phone is gone."""
        state = self._state()
        if state != "device":
            raise DeviceLost(f"{self._serial}, {doing}: {_advice(state) or state}")

    def _state(self) -> str:
        """Return what the adb server thinks of the phone."""
        with suppress(DeviceLost):
            finished = self._adb("get-state", cap=SERVER_CAP)
            said = text_of(finished.output).strip() if finished.code == 0 else _said(finished)
            return shown(said) or "the adb server does not answer"
        return "there is no adb program"


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host) == ipaddress.ip_address("127.0.0.1")
    return False


def _said(finished: Finished) -> str:
    text = text_of(finished.complaints) + text_of(finished.output)
    return shown(" ".join(_CHATTER.sub("", text).split()))


def _advice(state: str) -> str:
    """Say what to do about a state that somebody can change; empty for any other."""
    if "unauthorized" in state:
        return (
            "the phone does not accept this computer's adb key: unlock it and allow USB "
            "debugging, always from this computer"
        )
    if "offline" in state:
        return "it is offline: the adb server knows it, but it does not answer any more"
    return ""
