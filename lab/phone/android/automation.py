"""The automation server on the phone: installed by Appium, started by ``am instrument``.

It is a process like any other: the process list has it, device port 6790 leads to it, and when it
ends, every connection to it and everything that it knew are gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from lab.phone.android.ports import PortInUse

if TYPE_CHECKING:
    from lab.phone.android.system import AndroidSystem
    from lab.phone.android.webdriver.server import Server

SERVER = "io.appium.uiautomator2.server"
TESTS = f"{SERVER}.test"
RUNNER = f"{TESTS}/androidx.test.runner.AndroidJUnitRunner"
"""The instrumentation: what ``am instrument`` starts."""
PORT = 6790
"""Port of the phone on which the server listens."""


class End(StrEnum):
    """How the server ended."""

    DONE = "done"
    """Its session was ended by the client."""
    KILLED = "killed"
    """From outside."""


class Run:
    """One run of the server."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.end: End | None = None
        """None while it runs."""


class CannotStart(Exception):
    """The server ended before it had begun; the message says why."""


class Automation:
    """Whether the server runs. May be used from any thread."""

    def __init__(self, system: AndroidSystem) -> None:
        self._system = system
        self._lock = threading.Lock()
        self._current: tuple[Run, Server] | None = None

    @property
    def installed(self) -> bool:
        """Whether the phone has the server's packages."""
        target = self._system.packages.runner(RUNNER)
        return target is not None and self._system.packages.get(target) is not None

    @property
    def running(self) -> bool:
        """Whether the server has a process."""
        return self._current is not None

    def start(self) -> Run:
        """Start the server; one that runs already is killed, as Android does. Raises CannotStart
        where somebody else has its port."""
        # Here, not above: the server works on the system that has this.
        from lab.phone.android.webdriver.server import Server

        self.kill()
        run = Run()
        server = Server(self._system, lambda: self._leave(run))
        with self._lock:
            try:
                self._system.ports.serve(PORT, server.connect)
            except PortInUse as error:
                raise CannotStart(str(error)) from None
            self._current = run, server
            processes = self._system.processes
            processes.begin(SERVER, self._system.packages.uid(SERVER), self.kill)
        return run

    def kill(self, run: Run | None = None) -> None:
        """End the server at once, if it runs; with ``run``, if it still is in that run."""
        current = self._current
        if current is not None and run in (None, current[0]):
            self._let_go(current[0], End.KILLED)()

    def _leave(self, run: Run) -> Callable[[], None]:
        """Take the server's process away, and return what cuts its connections and tells whoever
        waits for it: the client is to hear the last answer first."""
        return self._let_go(run, End.DONE)

    def _let_go(self, run: Run, end: End) -> Callable[[], None]:
        with self._lock:
            if self._current is None or self._current[0] is not run:
                return run.ended.set
            server = self._current[1]
            self._current = None
            self._system.ports.release(PORT)
            self._system.processes.ended(SERVER)
            run.end = end

        def part() -> None:
            server.close()
            run.ended.set()

        return part
