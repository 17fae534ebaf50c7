"""The processes of an iPhone's apps, as developer tools start and end them.

The automation server is an app like others to iOS: where nobody has started it, nobody listens on
its port.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from lab.phone.files import FileError
from lab.phone.ios.app_process import Pids
from lab.phone.ios.app_shelf import RUNNER
from lab.phone.ios.remote.process_control import CannotLaunch
from lab.phone.ios.screen import IPhoneScreen
from lab.phone.node import one_line

RUNNER_PORT = 8100
"""The port of the phone on which WebDriverAgent listens unless it is told another one."""


class Agent(Protocol):
    """A running WebDriverAgent."""

    def close(self) -> None:
        """End it, with every connection."""


StartAgent = Callable[[int], Agent]
"""Lets a new WebDriverAgent listen on a port of the phone. Raises OSError."""


class AppProcesses:
    """Implements ``process_control.Processes``. May be used from any thread.

    ``start_agent`` starts the automation server; None where it runs for as long as the phone does.
    """

    def __init__(
        self,
        screen: IPhoneScreen,
        pids: Pids,
        installed: Callable[[], frozenset[str]],
        start_agent: StartAgent | None,
    ) -> None:
        self._screen = screen
        self._pids = pids
        self._installed = installed
        self._start_agent = start_agent
        self._lock = threading.RLock()
        self._agent: Agent | None = None
        self._agent_pid = pids.take(RUNNER) if start_agent is None else 0
        self._waiting: dict[int, Callable[[], None]] = {}

    def pid(self, bundle_id: str) -> int:
        with self._lock:
            if bundle_id == RUNNER:
                return self._agent_pid
            return self._pids.last(bundle_id) if self._screen.running(bundle_id) else 0

    def launch(self, bundle_id: str, environment: Mapping[str, str], *, suspended: bool) -> int:
        with self._lock:
            if bundle_id not in self._installed():
                raise CannotLaunch(f"{one_line(bundle_id, 100)} is not installed")
            if bundle_id == RUNNER:
                return self._launch_agent(environment, suspended=suspended)
            if suspended:
                raise CannotLaunch("no app of this phone can be started suspended")
            try:
                self._screen.launch(bundle_id)
            except (ValueError, FileError) as error:
                raise CannotLaunch(str(error)) from None
            return self._pids.last(bundle_id)

    def resume(self, pid: int) -> None:
        with self._lock:
            go_on = self._waiting.pop(pid, None)
            try:
                if go_on is not None:
                    go_on()
            except OSError:
                # It starts, and ends at once.
                self._agent_pid = 0

    def kill(self, pid: int) -> bool:
        with self._lock:
            if pid and pid == self._agent_pid:
                return self._kill_agent()
            for bundle_id, _ in self._screen.packages:
                if pid and self.pid(bundle_id) == pid:
                    self._screen.stop(bundle_id)
                    return True
            return False

    def close(self) -> None:
        """End the automation server, where it was started here. May be repeated."""
        with self._lock:
            self._kill_agent()

    def _launch_agent(self, environment: Mapping[str, str], *, suspended: bool) -> int:
        if self._agent_pid or self._start_agent is None:
            return self._agent_pid
        start, port = self._start_agent, _port(environment.get("USE_PORT", ""))
        self._agent_pid = self._pids.take(RUNNER)

        def go_on() -> None:
            self._agent = start(port)

        if suspended:
            self._waiting[self._agent_pid] = go_on
            return self._agent_pid
        try:
            go_on()
        except OSError as error:
            self._agent_pid = 0
            raise CannotLaunch(f"port {port}: {error.strerror}") from None
        return self._agent_pid

    def _kill_agent(self) -> bool:
        if self._start_agent is None:
            # It is not in anybody's hands here: who drives the phone talks to it directly.
            return False
        self._waiting.pop(self._agent_pid, None)
        agent, self._agent, self._agent_pid = self._agent, None, 0
        if agent is not None:
            agent.close()
        return True


def _port(text: str) -> int:
    """Return the port that a launch asks for. Raises CannotLaunch."""
    if not text:
        return RUNNER_PORT
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 16):
        raise CannotLaunch(f"USE_PORT {one_line(text, 20)!r} is no port")
    return int(text)
