from __future__ import annotations

import contextlib
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from lab.devices.android.link import CommandRefused
from lab.devices.item import Item, Value
from lab.devices.journal import Journal, MakeItem, pending
from lab.devices.lease import DeviceBusy, Holder, Lease
from lab.devices.restore import OpenDevice, RestoreReport, restore
from lab.model.device import DeviceLost
from tests.devices.folder_device import (
    SERIAL,
    furnish,
    header,
    item_of,
    maker,
    open_device,
    state_of,
)
from tests.patience import CAP

ME = Holder.of_this_process("restore")


class Died:
    """A folder that is a device, and what a run left that died."""

    def __init__(self, root: Path) -> None:
        self.device, self.journals, self.leases = (
            root / name for name in ("device", "journals", "leases")
        )
        furnish(self.device, random.Random(1))
        self.before = state_of(self.device)
        self.journals.mkdir()
        self.leases.mkdir()
        self.journal = Journal(self.journals, SERIAL)
        self.journal.begin(header(self.device))
        for name in ("item1", "item2"):
            item = item_of(self.device, "file", name)
            with self.journal.changing(item):
                item.put_back("changed")
        assert state_of(self.device) != self.before

    def restore(
        self,
        opener: OpenDevice = open_device,
        *,
        wait: float = 0.0,
        waiting: Callable[[str], None] | None = None,
    ) -> RestoreReport:
        (found,) = pending(self.journals)
        return restore(found, opener, ME, wait=wait, leases=self.leases, waiting=waiting)

    @property
    def stays(self) -> str:
        return f"what is to be put back stays in {self.journal.path}"


@pytest.fixture
def died(tmp_path: Path) -> Died:
    return Died(tmp_path)


def test_the_device_is_what_it_was(died: Died) -> None:
    report = died.restore()
    assert report == RestoreReport("folder", SERIAL, ("file (name item2)", "file (name item1)"))
    assert report.complete
    assert state_of(died.device) == died.before
    assert pending(died.journals) == ()
    assert list(died.journals.iterdir()) == []
    # Nor does anything keep the device from being used.
    Lease.take(SERIAL, ME, folder=died.leases).release()


def test_the_device_is_ours_meanwhile(died: Died) -> None:
    held = []

    @contextlib.contextmanager
    def looking(address: Mapping[str, Value], /) -> Iterator[tuple[str, MakeItem]]:
        with pytest.raises(DeviceBusy, match="is in use by"):
            Lease.take(SERIAL, ME, folder=died.leases)
        held.append(address)
        yield SERIAL, maker(died.device)

    assert died.restore(looking).complete
    assert held == [{"folder": str(died.device)}]


def test_a_device_in_use_is_left_alone(died: Died) -> None:
    with Lease.take(SERIAL, Holder.of_this_process("run-7"), folder=died.leases):
        report = died.restore()
    assert report.problem.startswith(f"device '{SERIAL}' is in use by process {os.getpid()} of ")
    assert ", run run-7: " in report.problem
    assert (report.undone, report.complete) == ((), False)
    assert died.restore().complete


def test_a_device_in_use_is_waited_for(died: Died) -> None:
    """And who had it may have put it back already."""
    lease = Lease.take(SERIAL, ME, folder=died.leases)
    asked = threading.Event()

    def other() -> None:
        asked.wait(CAP)
        died.journal.undo(maker(died.device))
        lease.release()

    thread = threading.Thread(target=other)
    thread.start()
    report = died.restore(wait=CAP, waiting=lambda words: asked.set())
    thread.join()
    assert report == RestoreReport("folder", SERIAL)
    assert state_of(died.device) == died.before


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (DeviceLost("no route to host"), "no route to host"),
        (CommandRefused("not rooted"), "not rooted"),
        (ValueError("no address"), "no address"),
        (OSError("no such device"), "no such device"),
        (DeviceLost(""), "DeviceLost"),
        (DeviceLost("\x1b[31m\n"), "�[31m�"),
    ],
)
def test_an_unreachable_device_keeps_its_journal(error: Exception, words: str, died: Died) -> None:
    changed = state_of(died.device)

    def unreachable(
        address: Mapping[str, Value], /
    ) -> contextlib.nullcontext[tuple[str, MakeItem]]:
        raise error

    report = died.restore(unreachable)
    assert report.problem == f"cannot be reached: {words}; {died.stays}"
    assert not report.complete
    assert state_of(died.device) == changed
    assert died.restore().complete


def test_another_device_at_the_same_address_is_left_alone(died: Died) -> None:
    changed = state_of(died.device)

    def other(address: Mapping[str, Value], /) -> contextlib.nullcontext[tuple[str, MakeItem]]:
        return contextlib.nullcontext(("OTHER", maker(died.device)))

    report = died.restore(other)
    assert report.problem == f"another device, OTHER, is now where it was; {died.stays}"
    assert state_of(died.device) == changed


def test_a_device_that_is_lost_half_way(died: Died) -> None:
    def lost(kind: str, arguments: Mapping[str, str], kept: Path, /) -> Item:
        if arguments["name"] == "item1":
            raise DeviceLost("unplugged")
        return item_of(died.device, kind, arguments["name"])

    def opener(address: Mapping[str, Value], /) -> contextlib.nullcontext[tuple[str, MakeItem]]:
        return contextlib.nullcontext((SERIAL, lost))

    report = died.restore(opener)
    assert report.undone == ("file (name item2)",)
    assert report.problem == f"was lost: unplugged; {died.stays}"
    assert died.restore().undone == ("file (name item1)",)
    assert state_of(died.device) == died.before


def test_what_goes_wrong_afterwards_does_not_count(died: Died) -> None:
    @contextlib.contextmanager
    def opener(address: Mapping[str, Value], /) -> Iterator[tuple[str, MakeItem]]:
        yield SERIAL, maker(died.device)
        raise DeviceLost("gone while it was let go of")

    assert died.restore(opener).complete


def test_a_header_that_cannot_be_read(died: Died) -> None:
    (died.journal.path / "header.json").write_text("?")
    report = died.restore()
    assert report.device == str(died.journal.path)
    assert "header.json cannot be read: not JSON" in report.problem
    assert not report.complete


def test_an_entry_that_cannot_be_read(died: Died) -> None:
    broken = died.journal.path / "000001.json"
    content = broken.read_bytes()
    broken.write_text("?")
    report = died.restore()
    assert report.undone == ("file (name item2)",)
    assert [stuck.file for stuck in report.stuck] == [broken]
    assert (report.problem, report.complete) == ("", False)
    broken.write_bytes(content)
    assert died.restore().complete
    assert state_of(died.device) == died.before


def test_leases_that_cannot_be_had(died: Died) -> None:
    died.leases.rmdir()
    report = died.restore()
    assert report.problem.startswith(str(died.leases))
    assert not report.complete


def test_a_journal_that_cannot_be_read(died: Died) -> None:
    (found,) = pending(died.journals)
    died.journal.path.rename(died.journals / "elsewhere")
    died.journal.path.touch()
    report = restore(found, open_device, ME, leases=died.leases)
    assert report.problem.startswith(f"{died.journal.path}: the journal cannot be read")
    assert not report.complete
