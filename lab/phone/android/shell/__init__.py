"""A small and honest Android shell: what it does not know it says it does not know.

Nothing runs on the machine that the phone lives on; commands work on the phone's own state.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

from lab.phone.android.shell import (
    apps,
    clock,
    copies,
    file_attributes,
    files,
    iptables,
    mounts,
    network,
    root,
    system,
    text,
)
from lab.phone.android.shell.builtins import BUILTINS, sh
from lab.phone.android.shell.evaluation import Evaluation
from lab.phone.android.shell.flow import Streams
from lab.phone.android.shell.lines import Foreground, LineShell
from lab.phone.android.shell.process import Command, Identity
from lab.phone.android.shell.scope import SHELL, Scope
from lab.phone.android.shell.streams import Deadline, Given, Input, Output
from lab.phone.android.system import AndroidSystem

__all__ = ["RUN_CAP", "SHELL", "Ran", "Shell"]

RUN_CAP = 20.0
"""Seconds after which a command without a client is hung up on."""


class Ran(NamedTuple):
    """What a command line came to."""

    stdout: bytes
    stderr: bytes
    code: int
    """Exit code of the last command that was run."""


class Shell:
    """Runs command lines. Has no state of its own; may be used from any thread."""

    def __init__(self, system: AndroidSystem) -> None:
        self._system = system

    def run(self, command: str, stdin: bytes = b"", *, cap: float = RUN_CAP) -> Ran:
        """Run a command line the way that ``adb shell`` would, and wait for its end; after
        ``cap`` seconds it is hung up on. Raises nothing."""
        out, err = Output(), Output()
        code = self.execute(command, Given(stdin), out, err, hung_up=Deadline(cap))
        return Ran(bytes(out.content), bytes(err.content), code)

    def execute(
        self, command: str, source: Input, out: Output, err: Output, *, hung_up: threading.Event
    ) -> int:
        """Run a command line on these streams and return its exit code; ``hung_up`` ends what
        would run on. Raises nothing."""
        streams = Streams(source, out, err)
        return self._begin(hung_up).run_whole(command, self._scope(), streams)

    def interact(
        self,
        source: Input,
        out: Output,
        err: Output,
        *,
        foreground: Foreground,
        prompts: bool,
    ) -> int:
        """Run the lines that come until they end, and return the last exit code.

        ``foreground`` surrounds each command, and gives the event that ends it. With ``prompts``
        there is a person at the other end. Raises nothing.
        """
        scope = self._scope()
        sign = "#" if scope.identity.root else "$"
        prompt = f"{scope.variables['HOSTNAME']}:/ {sign} " if prompts else None
        lines = LineShell(
            self._begin, scope, Streams(source, out, err), prompt=prompt, foreground=foreground
        )
        return lines.run()

    def _begin(self, hung_up: threading.Event) -> Evaluation:
        return Evaluation(self._system, _COMMANDS, BUILTINS, hung_up)

    def _scope(self) -> Scope:
        return Scope(Identity(self._system.access.adb_uid))


_COMMANDS: dict[str, Command] = {
    **text.COMMANDS,
    **files.COMMANDS,
    **system.COMMANDS,
    **apps.COMMANDS,
    **clock.COMMANDS,
    **copies.COMMANDS,
    **file_attributes.COMMANDS,
    **iptables.COMMANDS,
    **mounts.COMMANDS,
    **network.COMMANDS,
    **root.COMMANDS,
    "sh": sh,
}
