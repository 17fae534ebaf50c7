"""``com.apple.instruments.server.services.processcontrol``: apps are started and ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from lab.phone.ios.remote.archive import Value
from lab.phone.ios.remote.hub import Refused, Tell

NAME = "com.apple.instruments.server.services.processcontrol"
SIGKILL, SIGTERM, SIGCONT = 9, 15, 19
"""As they are numbered on iOS."""


class CannotLaunch(Exception):
    """An app cannot be started; ``str()`` says why."""


class Processes(Protocol):
    """The processes of the phone's apps. May be used from any thread."""

    def pid(self, bundle_id: str) -> int:
        """Return the process of an app, 0 where it does not run."""

    def launch(self, bundle_id: str, environment: Mapping[str, str], *, suspended: bool) -> int:
        """Start an app, where it does not run already, and return its process. One that is
        ``suspended`` does nothing until ``resume``. Raises CannotLaunch."""

    def resume(self, pid: int) -> None:
        """Let a process go on that was started suspended; any other is no matter."""

    def kill(self, pid: int) -> bool:
        """End the process of an app; False where there is no such process."""


class ProcessControl:
    """The service on one channel."""

    def __init__(self, processes: Processes, _: Tell) -> None:
        self._processes = processes

    def call(self, selector: str, arguments: tuple[Value, ...]) -> Value:
        match selector, arguments:
            case "processIdentifierForBundleIdentifier:", (str(bundle_id),):
                return self._processes.pid(bundle_id)
            case (
                "launchSuspendedProcessWithDevicePath:bundleIdentifier:environment:"
                "arguments:options:",
                (str() | None, str(bundle_id), environment, _, options),
            ):
                return self._launch(bundle_id, environment, options)
            case "killPid:", (int(pid),):
                self._kill(pid)
                return None
            case "resumePid:", (int(pid),):
                self._processes.resume(pid)
                return None
            case "sendSignal:toPid:", (int(signal), int(pid)):
                self._signal(signal, pid)
                return None
            case "startObservingPid:" | "stopObservingPid:", (int(),):
                # There is nothing that an app of this phone writes to its standard output.
                return None
            case _:
                raise Refused(f"{selector[:200]} is not known, or not with such arguments")

    def close(self) -> None:
        """Processes outlive who started them."""

    def _launch(self, bundle_id: str, environment: Value, options: Value) -> int:
        wanted = options if isinstance(options, Mapping) else {}
        given = environment if isinstance(environment, Mapping) else {}
        texts = {name: text for name, text in given.items() if isinstance(text, str)}
        pid = self._processes.pid(bundle_id)
        if pid and wanted.get("KillExisting") is not False:
            self._processes.kill(pid)
        suspended = wanted.get("StartSuspendedKey") is True
        try:
            return self._processes.launch(bundle_id, texts, suspended=suspended)
        except CannotLaunch as error:
            raise Refused(str(error)) from None

    def _signal(self, signal: int, pid: int) -> None:
        if signal in (SIGKILL, SIGTERM):
            self._kill(pid)
        elif signal == SIGCONT:
            self._processes.resume(pid)
        else:
            raise Refused(f"signal {signal} is not known")

    def _kill(self, pid: int) -> None:
        if not self._processes.kill(pid):
            raise Refused(f"there is no process {pid}")
