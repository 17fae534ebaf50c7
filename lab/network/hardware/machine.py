"""The seam to this machine: its programs and its kernel's files."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

END_CAP = 3.0
"""Seconds that a program has to end after it was asked to."""


Said = Callable[[str | None], None]
Socket = socket.socket


@dataclass(frozen=True, slots=True)
class Done:
    """How a program ended."""

    code: int
    said: str
    """Its output, and its complaints after it."""


class Running(Protocol):
    """A program that runs."""

    @property
    def ended(self) -> bool:
        """Whether it has ended, by itself or not."""

    def end(self) -> None:
        """Ask it to end, and make it. May be repeated."""


class Machine(Protocol):
    """What an access point needs of a machine. Methods raise OSError."""

    def run(self, argv: Sequence[str], told: str = "") -> Done:
        """Run a program; ``told`` is its input. One that is not installed ends with 127."""

    def start(self, argv: Sequence[str], said: Said) -> Running:
        """Start a program. ``said`` is told its output line by line, in a thread, and None at its
        end."""

    def socket(self, family: int, type: int) -> Socket:
        """Return a socket on the machine's networks."""

    def using(self, program: str, file: Path) -> tuple[int, ...]:
        """Return the processes of ``program`` that were given ``file`` as an argument."""

    def kill(self, pid: int) -> None:
        """End a process."""


class ThisMachine:
    """The machine itself; with ``enter`` put before every argv and sockets that ``make`` makes, a
    namespace of it."""

    def __init__(
        self, enter: Sequence[str] = (), make: Callable[[int, int], Socket] = socket.socket
    ) -> None:
        self._enter = tuple(enter)
        self._make = make

    def run(self, argv: Sequence[str], told: str = "") -> Done:
        try:
            done = subprocess.run(
                [*self._enter, *argv],
                input=told,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                env=_environment(),
            )
        except FileNotFoundError:
            return Done(127, f"{argv[0]}: not installed")
        return Done(done.returncode, done.stdout + done.stderr)

    def start(self, argv: Sequence[str], said: Said) -> Running:
        process = subprocess.Popen(
            [*self._enter, *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_environment(),
            # Ctrl-C is the lab's to answer.
            start_new_session=True,
        )
        return _Started(process, said)

    def socket(self, family: int, type: int) -> Socket:
        return self._make(family, type)

    def using(self, program: str, file: Path) -> tuple[int, ...]:
        wanted = os.fsencode(file)
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                name = (folder / "comm").read_text(errors="replace").strip()
                arguments = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            given = {*arguments, *(argument.partition(b"=")[2] for argument in arguments)}
            if name == program and wanted in given:
                found.append(int(folder.name))
        return tuple(found)

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)


class _Started:
    def __init__(self, process: subprocess.Popen[str], said: Said) -> None:
        self._process = process
        self._reader = threading.Thread(target=self._read, args=(said,), daemon=True)
        self._reader.start()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> None:
        # The whole session: what is started in a namespace has a process before it.
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, sign)
                self._process.wait(END_CAP)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.wait()
        self._reader.join(END_CAP)

    def _read(self, said: Said) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                said(line.rstrip())
        said(None)


def _environment() -> dict[str, str]:
    """Return the environment, in which what mostly root uses is found, too, and speaks English."""
    path = os.environ.get("PATH", os.defpath)
    return {**os.environ, "PATH": f"{path}:/usr/sbin:/sbin", "LC_ALL": "C"}
