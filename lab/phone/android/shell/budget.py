"""What one command line may use up, with all the scripts that it calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lab.phone.android.shell.flow import Exhausted, HungUp
from lab.phone.android.shell.scope import SHELL
from lab.phone.android.shell.streams import CommandFailed

MAX_STEPS = 200_000
"""Commands that one command line may run."""
MAX_EXPANDED = 128 * 1024 * 1024
"""Characters that the words of one command line may come to."""
MAX_NESTED = 40
"""How deep compound commands, substitutions and scripts may be nested while they run."""


class Budget:
    """Counts what a command line does, and ends it where that is too much."""

    def __init__(self, hung_up: threading.Event) -> None:
        """``hung_up`` is set when nobody waits for the command line any more."""
        self._hung_up = hung_up
        self._steps = 0
        self._expanded = 0
        self._depth = 0

    def step(self) -> None:
        """Count a command. Raises HungUp and Exhausted."""
        self._steps += 1
        if self._hung_up.is_set():
            raise HungUp
        if self._steps > MAX_STEPS:
            raise Exhausted(f"more than {MAX_STEPS} commands")

    def spend(self, count: int) -> None:
        """Count characters that were expanded. Raises Exhausted."""
        self._expanded += count
        if self._expanded > MAX_EXPANDED:
            raise Exhausted(f"more than {MAX_EXPANDED} characters")

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Go one level deeper for a while. Raises CommandFailed where that is too deep."""
        if self._depth >= MAX_NESTED:
            raise CommandFailed(f"{SHELL}: nested too deep")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
