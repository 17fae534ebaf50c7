"""Commands that work on apps: am, and cmd, which leads to the services."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from lab.phone.android import wireguard_app
from lab.phone.android.automation import SERVER, TESTS
from lab.phone.android.shell.arguments import command_of, first, only_package
from lab.phone.android.shell.battery import battery
from lab.phone.android.shell.instrument import instrument
from lab.phone.android.shell.intents import Intent, read_intent
from lab.phone.android.shell.packages import package
from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process
from lab.phone.android.shell.services import lock_settings, notification, statusbar
from lab.phone.android.shell.wifi import wifi

Rest = Sequence[str]


def stop(process: Process, package: str) -> None:
    """End every process of a package."""
    # The instrumentation of a package runs in the process of the one that it works on.
    names = (TESTS, SERVER) if package == TESTS else (package,)
    for name in names:
        for pid in process.system.processes.pids(name):
            process.system.processes.kill(pid)


def _am(process: Process) -> int:
    name, rest = first(process.arguments)
    return command_of(_AM, name, "this phone's 'am'")(process, rest)


def _force_stop(process: Process, rest: Rest) -> int:
    stop(process, only_package(rest))
    return 0


def _kill(process: Process, rest: Rest) -> int:
    """End an app that is in the background."""
    wanted = only_package(rest)
    front = process.screen.foreground
    if front is None or front.package != wanted:
        stop(process, wanted)
    return 0


def _kill_all(process: Process, _: Rest) -> int:
    for app in process.screen.apps:
        _kill(process, [app.package])
    return 0


def _crash(process: Process, rest: Rest) -> int:
    process.system.faults.crash(only_package(rest))
    return 0


def _current_user(process: Process, _: Rest) -> int:
    process.out.line("0")
    return 0


def _broadcast(process: Process, rest: Rest) -> int:
    """Whether anybody receives a broadcast, its sender is not told."""
    intent = read_intent(rest)
    process.out.line(f"Broadcasting: {intent}")
    if intent.package == wireguard_app.PACKAGE and process.system.packages.get(intent.package):
        process.system.wireguard.receive(intent.action, intent.extras.get("tunnel", ""))
    process.out.line("Broadcast completed: result=0")
    return 0


def _start_service(process: Process, rest: Rest) -> int:
    intent = read_intent(rest)
    process.out.line(f"Starting service: {intent}")
    if not process.system.background.start(intent.package):
        process.err.line("Error: Not found; no service started.")
        return EXIT_USAGE
    return 0


def _stop_service(process: Process, rest: Rest) -> int:
    intent = read_intent(rest)
    process.out.line(f"Stopping service: {intent}")
    if not process.system.background.running(intent.package):
        process.err.line("Service not stopped: was not running.")
        return EXIT_USAGE
    stop(process, intent.package)
    process.out.line("Service stopped")
    return 0


def _start(process: Process, rest: Rest) -> int:
    intent = read_intent(rest)
    process.out.line(f"Starting: {intent}")
    if "-S" in intent:
        stop(process, intent.package)
    complaint = _without_screen(process, intent)
    if complaint is None:
        return _start_on_screen(process, intent)
    if complaint:
        process.err.line(complaint)
    return 1 if complaint else 0


def _without_screen(process: Process, intent: Intent) -> str | None:
    """Start an app that has no screen here. Returns what there is to complain about, empty for
    nothing, and None where the app is another."""
    installed = process.system.packages.get(intent.package)
    if installed is None or intent.package in dict(process.screen.packages):
        return None
    activity = intent.component.partition("/")[2]
    full = intent.package + activity if activity.startswith(".") else activity
    if full and full not in installed.manifest.activities:
        return f"Error type 3\nError: Activity class {{{intent.component}}} does not exist."
    if process.system.background.start(intent.package):
        return ""
    return "Error: Activity not started, this phone cannot run DEX code"


def _start_on_screen(process: Process, intent: Intent) -> int:
    screen = process.screen
    before = screen.foreground
    launched = "HOT" if screen.running(intent.package) else "COLD"
    began = time.monotonic()
    try:
        screen.launch(intent.component, data=intent.data, action=intent.action)
    except ValueError:
        if intent.component:
            process.err.line("Error type 3")
            process.err.line(f"Error: Activity class {{{intent.component}}} does not exist.")
        else:
            process.err.line(f"Error: Activity not started, unable to resolve {intent}")
        return 1
    front = screen.foreground
    if front is not None and front is before:
        process.err.line(
            "Warning: Activity not started, intent has been delivered to currently running "
            "top-most instance."
        )
    if "-W" in intent and front is not None:
        took = round(1000 * (time.monotonic() - began))
        process.print_lines(
            [
                "Status: ok",
                f"LaunchState: {launched}",
                f"Activity: {front.package}/{front.name}",
                f"TotalTime: {took}",
                f"WaitTime: {took}",
                "Complete",
            ]
        )
    return 0


_AM: dict[str, Callable[[Process, Rest], int]] = {
    "broadcast": _broadcast,
    "crash": _crash,
    "force-stop": _force_stop,
    "get-current-user": _current_user,
    "instrument": instrument,
    "kill": _kill,
    "kill-all": _kill_all,
    "start": _start,
    "start-activity": _start,
    "start-foreground-service": _start_service,
    "start-service": _start_service,
    "startservice": _start_service,
    "stop-app": _force_stop,
    "stop-service": _stop_service,
    "stopservice": _stop_service,
}


def _pm(process: Process) -> int:
    return package(process, process.arguments)


def _activity(process: Process, rest: Rest) -> int:
    process.arguments = rest
    return _am(process)


_CMD: dict[str, Callable[[Process, Rest], int]] = {
    "activity": _activity,
    "battery": battery,
    "lock_settings": lock_settings,
    "notification": notification,
    "package": package,
    "statusbar": statusbar,
    "wifi": lambda process, rest: wifi(process, list(rest)),
}


def _cmd(process: Process) -> int:
    name, rest = first(process.arguments)
    if name == "-l":
        process.print_lines(["Currently running services:", *(f"  {each}" for each in _CMD)])
        return 0
    service = _CMD.get(name)
    if service is None:
        raise CommandFailed(f"cmd: Can't find service: {name}", 20)
    return service(process, rest)


def _locksettings(process: Process) -> int:
    return lock_settings(process, process.arguments)


COMMANDS = {"am": _am, "cmd": _cmd, "locksettings": _locksettings, "pm": _pm}
