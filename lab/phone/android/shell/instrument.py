"""``am instrument``: starts the automation server and stays until that ends."""

from __future__ import annotations

from collections.abc import Sequence

from lab.phone.android.automation import RUNNER, SERVER, TESTS, CannotStart, End, Run
from lab.phone.android.shell.process import EXIT_USAGE, CommandFailed, Process

LOOK = 0.2
"""Seconds after which a client that has gone is noticed."""

_WITH_VALUES = {"-e": 2, "-p": 1, "--user": 1, "--abi": 1}
"""Options and how many values they take."""
_ALONE = frozenset(
    {"-w", "-r", "-m", "--no-window-animation", "--no-hidden-api-checks", "--no-isolated-storage"}
)


def instrument(process: Process, arguments: Sequence[str]) -> int:
    """Run ``am instrument`` with ``arguments`` and return its exit code.

    With ``-w`` it ends when the server does, or with its client, which takes the server along.
    Raises CommandFailed.
    """
    waits, component = _read(arguments)
    automation = process.system.automation
    if component != RUNNER or not automation.installed:
        package, _, runner = component.partition("/")
        process.print_lines(
            [
                "INSTRUMENTATION_STATUS: id=ActivityManagerService",
                "INSTRUMENTATION_STATUS: Error=Unable to find instrumentation info for: "
                f"ComponentInfo{{{package}/{runner}}}",
                "INSTRUMENTATION_STATUS_CODE: -1",
            ]
        )
        raise CommandFailed(f"android.util.AndroidException: INSTRUMENTATION_FAILED: {component}")
    try:
        run = automation.start()
    except CannotStart as error:
        process.phone.log("AndroidRuntime", "ERROR", f"FATAL EXCEPTION: {SERVER}: {error}")
        _crashed(process)
        return 0
    process.phone.log("TestRunner", "INFO", f"run started: {TESTS}")
    if waits:
        _await(process, run)
    return 0


def _await(process: Process, run: Run) -> None:
    try:
        while not run.ended.wait(LOOK):
            if process.hung_up.is_set():
                return
    finally:
        process.system.automation.kill(run)
    if run.end is End.DONE:
        process.print_lines(["", "OK (1 test)", "", "", "INSTRUMENTATION_CODE: -1"])
    else:
        _crashed(process)


def _crashed(process: Process) -> None:
    process.print_lines(
        ["INSTRUMENTATION_RESULT: shortMsg=Process crashed.", "INSTRUMENTATION_CODE: 0"]
    )


def _read(arguments: Sequence[str]) -> tuple[bool, str]:
    """Return whether to wait, and the component. Raises CommandFailed."""
    waiting = list(arguments)
    waits = False
    while waiting and waiting[0].startswith("-"):
        option = waiting.pop(0)
        waits = waits or option == "-w"
        if option in _WITH_VALUES:
            count = _WITH_VALUES[option]
            if len(waiting) < count:
                raise CommandFailed(f'Error: Argument expected after "{option}"', EXIT_USAGE)
            del waiting[:count]
        elif option not in _ALONE:
            raise CommandFailed(f"Error: Unknown option: {option}", EXIT_USAGE)
    if len(waiting) != 1:
        raise CommandFailed("Error: No instrumentation component supplied", EXIT_USAGE)
    return waits, waiting[0]
