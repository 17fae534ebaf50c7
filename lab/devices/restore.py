"""Puts a device back to what it was before a run that died: lease, link, undo journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.devices.android.link import CommandRefused
from lab.devices.item import Value
from lab.devices.journal import Journal, MakeItem, Pending, Stuck, Undo
from lab.devices.journal_entry import Header, shown
from lab.devices.lease import DeviceBusy, Holder, Lease
from lab.devices.state_folder import StateError
from lab.model.device import DeviceLost


class OpenDevice(Protocol):
    """Reaches a device again by the address that its journal's header holds."""

    def __call__(
        self, address: Mapping[str, Value], /
    ) -> AbstractContextManager[tuple[str, MakeItem]]:
        """Return the serial number of the device that was reached, and what makes its items.

        Raises DeviceLost and CommandRefused, and ValueError for an address that is none.
        """


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """What became of one device's journal."""

    device: str
    """The device's name in devices.yaml, or the journal's folder where that is not known."""
    key: str
    """Its serial number; empty where it is not known."""
    undone: tuple[str, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    problem: str = ""
    """Why nothing, or nothing more, could be put back; empty where everything was tried."""

    @property
    def complete(self) -> bool:
        """Tell whether the device is again what it was."""
        return not self.stuck and not self.problem


def restore(
    found: Pending,
    open_device: OpenDevice,
    holder: Holder,
    *,
    wait: float = 0.0,
    leases: Path | None = None,
    waiting: Callable[[str], None] | None = None,
) -> RestoreReport:
    """Undo everything in a journal, as its device's owner.

    ``wait``, ``leases`` and ``waiting`` are those of ``Lease.take``. Never raises for what the
    device, the journal or another run does: it is all in the report.
    """
    if found.header is None:
        return RestoreReport(str(found.path), "", problem=found.problem)
    device, key = found.header.device, found.header.key
    try:
        with Lease.take(key, holder, wait=wait, folder=leases, waiting=waiting):
            # Read only now: until it had the lease, another process may have been at it.
            undo = _undo(Journal(found.path.parent, key), found.header, open_device)
    except (DeviceBusy, StateError) as error:
        return RestoreReport(device, key, problem=str(error))
    return RestoreReport(device, key, undo.undone, undo.stuck, undo.lost)


def _undo(journal: Journal, header: Header, open_device: OpenDevice) -> Undo:
    """Undo what can be; ``lost`` says why there may be more. Raises JournalError."""
    stays = f"what is to be put back stays in {journal.path}"
    undo = None
    try:
        with open_device(header.address) as (serial, make_item):
            if serial != header.key:
                told = f"another device, {shown(serial)}, is now where it was; {stays}"
                return Undo(lost=told)
            undo = journal.undo(make_item)
    except (DeviceLost, CommandRefused, ValueError, OSError) as error:
        # Whatever goes wrong while the device is let go of, what is undone is undone.
        if undo is None:
            return Undo(lost=f"cannot be reached: {_words(error)}; {stays}")
    if undo.lost:
        return Undo(undo.undone, undo.stuck, f"was lost: {undo.lost}; {stays}")
    return undo


def _words(error: Exception) -> str:
    return shown(str(error)) or type(error).__name__
