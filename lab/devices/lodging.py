"""Where a program under test runs: on this machine, or in a namespace on the rogue Wi-Fi."""

from __future__ import annotations

from lab.model.device import NotReady
from lab.network.kernel.dhcp import Lease
from lab.network.kernel.wifi import Place


class Lodging:
    """Joins the rogue Wi-Fi for a program that knows nothing of it, and leaves it again.

    ``place`` is where the program's networks are the kernel's.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._member = place.member()
        self._lease: Lease | None = None

    @property
    def address(self) -> str | None:
        """The address that the rogue Wi-Fi has handed out; None where it is not joined."""
        return None if self._lease is None else self._lease.address

    @property
    def enter(self) -> tuple[str, ...]:
        """What to put before an argv that is to run there; nothing while it is not joined."""
        return () if self._lease is None else self._place.namespace.enter

    def move(self, *, in_: bool) -> None:
        """Join the rogue Wi-Fi, or leave it. Raises NotReady where it does not let anybody in."""
        try:
            self._lease = None
            if in_:
                lease = self._member.join(self._place.rogue.interface)
                self._place.tell_programs(lease)
                self._lease = lease
            else:
                self._member.leave()
        except OSError as error:
            raise NotReady(f"the rogue Wi-Fi was not joined: {error}") from None

    def close(self) -> None:
        """Let go of the namespace."""
        self._member.close()
