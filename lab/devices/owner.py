"""Who uses a device, for the lease and for the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from lab.devices.lease import Holder


@dataclass(frozen=True, slots=True)
class Owner:
    """A run, as far as devices are concerned."""

    run_id: str = "by hand"
    lease_wait: float = 0.0
    """Seconds to wait for a device that somebody else has."""
    waiting: Callable[[str], None] | None = None
    """Told who has it meanwhile."""
    command: tuple[str, ...] = ()
    """The command line, without secrets: others on this machine can read it."""

    @property
    def holder(self) -> Holder:
        """What stands in a lease."""
        return Holder.of_this_process(self.run_id, self.command)

    @staticmethod
    def now() -> str:
        """Return the time as a journal's header has it."""
        return datetime.now(UTC).isoformat(sep=" ", timespec="seconds")


BY_HAND = Owner()
"""Nobody's run."""
