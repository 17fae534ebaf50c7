"""What a running script works with, and how it is left early."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from lab.phone.android.shell.streams import CommandFailed, Input, Output

HUNG_UP = 129
"""128 + SIGHUP."""


class Ended(Exception):
    """The script ends here."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class HungUp(Ended):
    """Nobody waits for the command line any more; it ends here, at every level."""

    def __init__(self) -> None:
        super().__init__(HUNG_UP)


class Exhausted(Ended):
    """The command line has done more than any may; it ends here, at every level."""

    def __init__(self, reason: str) -> None:
        super().__init__(1)
        self.reason = reason


class LoopLeft(Exception):
    """``break`` and ``continue``."""

    def __init__(self, levels: int, *, again: bool) -> None:
        super().__init__(levels)
        self.levels = levels
        self.again = again


@dataclass(frozen=True, slots=True)
class Streams:
    """What a command reads from and writes to."""

    source: Input
    out: Output
    err: Output


def complain(streams: Streams, error: CommandFailed) -> int:
    """Say what went wrong, as far as that finds room, and return the exit code."""
    if str(error):
        with suppress(CommandFailed):
            streams.err.line(str(error))
    return error.code
