"""A device that is a folder: each file is something that can be changed, never in one step."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

from lab.devices.item import Item, Value
from lab.devices.journal import Journal, MakeItem, pending
from lab.devices.journal_entry import Header
from lab.devices.lease import Holder, Lease
from lab.devices.restore import restore

SERIAL = "FOLDER0001"
NAMES = tuple(f"item{number}" for number in range(8))
PIECES = 6


class FileItem:
    """One file, which is written piece by piece."""

    kind = "file"

    def __init__(self, device: Path, name: str) -> None:
        self._path = device / name
        self.arguments: Mapping[str, str] = {"name": name}

    def read(self) -> Value:
        try:
            return self._path.read_text()
        except FileNotFoundError:
            return None

    def put_back(self, value: Value) -> None:
        if value is None:
            self._path.unlink(missing_ok=True)
            return
        if not isinstance(value, str):
            raise ValueError(f"not a text: {value!r}")
        with self._path.open("wb", buffering=0) as file:
            step = len(value) // PIECES + 1
            for start in range(0, len(value), step):
                file.write(value[start : start + step].encode())

    def same(self, before: Value, now: Value) -> bool:
        return before == now


class PairItem:
    """Two files that belong together, changed one after the other."""

    kind = "pair"

    def __init__(self, device: Path, name: str) -> None:
        self._halves = [FileItem(device, f"{name}.{half}") for half in ("a", "b")]
        self.arguments: Mapping[str, str] = {"name": name}

    def read(self) -> Value:
        return [half.read() for half in self._halves]

    def put_back(self, value: Value) -> None:
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError(f"not a pair: {value!r}")
        for half, part in zip(self._halves, value, strict=True):
            half.put_back(part)

    def same(self, before: Value, now: Value) -> bool:
        return before == now


def item_of(device: Path, kind: str, name: str) -> Item:
    if kind not in ("file", "pair"):
        raise ValueError(f"unknown kind {kind!r}")
    return FileItem(device, name) if kind == "file" else PairItem(device, name)


def maker(device: Path) -> MakeItem:
    def make(kind: str, arguments: Mapping[str, str], kept: Path, /) -> Item:
        return item_of(device, kind, arguments["name"])

    return make


def header(device: Path, run_id: str = "run-1") -> Header:
    return Header(SERIAL, "folder", {"folder": str(device)}, "Folder", run_id, "2026-01-02 03:04")


@contextlib.contextmanager
def open_device(address: Mapping[str, Value], /) -> Iterator[tuple[str, MakeItem]]:
    yield SERIAL, maker(Path(str(address["folder"])))


def furnish(device: Path, chance: random.Random) -> None:
    """Give a new device a state of its own."""
    device.mkdir()
    for name in NAMES:
        for path in (device / name, device / f"{name}.a", device / f"{name}.b"):
            if chance.random() < 0.6:
                path.write_text(_content(chance))


def state_of(device: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(device.iterdir())}


# What follows is called in processes that are killed: tests.killing.Nursery.


def work(root: str, seed: int) -> None:
    """Change the device for ever, as runs do that come one after the other."""
    folder, chance = Path(root), random.Random(seed)
    device, before = folder / "device", state_of(folder / "device")
    lease = Lease.take(SERIAL, Holder.of_this_process("work"), folder=folder / "leases")
    while lease.is_held:
        journal = Journal(folder / "journals", SERIAL)
        journal.begin(header(device))
        for _ in range(chance.randrange(1, 12)):
            item = item_of(device, chance.choice(("file", "pair")), chance.choice(NAMES))
            with journal.changing(item):
                item.put_back(_other(item.kind, chance))
        if chance.random() < 0.5:
            undo = journal.undo(maker(device))
            assert undo.complete, undo
            assert state_of(device) == before


def restore_all(root: str) -> None:
    """Do what ``trustpin-lab restore`` does. Exit code 1: something stays."""
    folder = Path(root)
    holder = Holder.of_this_process("restore")
    for found in pending(folder / "journals"):
        report = restore(found, open_device, holder, leases=folder / "leases")
        if not report.complete:
            os.write(2, f"{report}\n".encode())
            raise SystemExit(1)


def _other(kind: str, chance: random.Random) -> Value:
    values: list[Value] = [None if chance.random() < 0.3 else _content(chance) for _ in range(2)]
    return values if kind == "pair" else values[0]


def _content(chance: random.Random) -> str:
    return "".join(chance.choices("abcdefgh \n", k=chance.randrange(60)))
