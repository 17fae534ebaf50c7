"""The undo journal: what a device was like before the lab changed it, on disk before it does.

One folder per device: a header, one file per item, and ``kept`` for what items themselves have to
keep. It is written by who has the device's lease, and by nobody else.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.devices import journal_files as files
from lab.devices.android.link import CommandRefused
from lab.devices.item import Item
from lab.devices.journal_entry import (
    MOST,
    Entry,
    Header,
    Unreadable,
    entry_bytes,
    header_bytes,
    identity_of,
    read_entry,
    read_header,
    shown,
)
from lab.devices.state_folder import StateError, file_name_of, reason
from lab.model.device import DeviceLost

HEADER = "header.json"
KEPT = "kept"

_ENTRY = re.compile(r"([0-9]{6,})\.json", re.ASCII)


class JournalError(StateError):
    """The journal cannot be written or read; the message says which file, and why. What was to be
    changed on the device must not be changed."""


class MakeItem(Protocol):
    """Makes an item anew from what the journal says of it."""

    def __call__(self, kind: str, arguments: Mapping[str, str], kept: Path, /) -> Item:
        """Return the item; ``kept`` is the folder of what items kept. Raises ValueError for a
        kind that is not known and arguments that are none of it."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """Something that is not undone."""

    what: str
    reason: str
    file: Path
    """The journal's file that stays."""


@dataclass(frozen=True, slots=True)
class Undo:
    """What became of the entries of a journal."""

    undone: tuple[str, ...] = ()
    """What was put back, in that order."""
    stuck: tuple[Stuck, ...] = ()
    lost: str = ""
    """Why the device could not be asked any more; empty where it could."""

    @property
    def complete(self) -> bool:
        """Tell whether the device is again what it was."""
        return not self.stuck and not self.lost


class Journal:
    """The undo journal of the device whose serial number is ``key``."""

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / file_name_of(key)
        self.kept = self.path / KEPT
        """Where items keep what an entry has no room for. There when an item is read."""
        self._header: Header | None = None
        self._known: set[str] = set()
        self._next = 0

    def begin(self, header: Header) -> None:
        """Say who is about to change the device, and how it is reached. To be done before the
        first ``remember``; nothing is written yet."""
        self._header = header
        self._next = 0

    def remember(self, item: Item) -> None:
        """Write down what ``item`` is now, if nothing is written down of it yet. Only when this
        has returned may it be changed.

        Raises JournalError, and what ``item.read`` raises.
        """
        with self._writing():
            if not self._next:
                self._prepare()
            if (identity := identity_of(item.kind, item.arguments)) in self._known:
                return
            entry = Entry(item.kind, item.arguments, item.read())
            # What the item has kept must be there whenever the entry is.
            files.sync_all(self.kept)
            files.write(self.path / f"{self._next:06}.json", entry_bytes(entry))
        self._next += 1
        self._known.add(identity)

    @contextlib.contextmanager
    def changing(self, item: Item) -> Iterator[None]:
        """Remember ``item`` before what is done inside changes it."""
        self.remember(item)
        yield

    def undo(self, make_item: MakeItem) -> Undo:
        """Put everything back, the newest first, and read whether it took.

        What took is struck out. All others stay, with the reason; none keeps the rest from being
        put back, but for a device that is lost. A journal that holds nothing any more is removed.
        Raises JournalError where the journal cannot be read at all.
        """
        undone: list[str] = []
        stuck: list[Stuck] = []
        try:
            for path in reversed(_entry_files(self.path)):
                try:
                    undone.append(_put_back(path, make_item, self.kept))
                except _NotUndone as error:
                    stuck.append(error.stuck)
        except DeviceLost as error:
            lost = shown(str(error)) or "it does not answer any more"
            return Undo(tuple(undone), tuple(stuck), lost)
        finally:
            self._next = 0
        if not stuck:
            files.remove_folder(self.path)
        return Undo(tuple(undone), tuple(stuck))

    def _prepare(self) -> None:
        assert self._header is not None, "begin comes first"
        files.make_folder(self.path)
        files.make_folder(self.kept)
        written = header_bytes(self._header)
        header = self.path / HEADER
        if not header.is_file() or files.read(header, MOST) != written:
            files.write(header, written)
        entries = _entry_files(self.path)
        self._known = set()
        for path in entries:
            with contextlib.suppress(Unreadable, OSError):
                self._known.add(read_entry(files.read(path, MOST)).identity)
        self._next = 1 + max((_number(path) for path in entries), default=0)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            told = f"the journal cannot be written: {reason(error)}; nothing was changed"
            raise JournalError(f"{self.path}: {told}") from None
        except Unreadable as error:
            raise JournalError(f"{self.path}: {error}; nothing was changed") from None


@dataclass(frozen=True, slots=True)
class Pending:
    """A journal with changes that are not undone."""

    path: Path
    header: Header | None
    """None where it cannot be read."""
    problem: str
    """Why it cannot be read, and what to do; empty where it can."""
    changes: int
    """How many there are; 0 where that cannot be read either."""

    def __str__(self) -> str:
        if not self.changes:
            return self.problem
        count = "1 change is" if self.changes == 1 else f"{self.changes} changes are"
        if self.header is None:
            return f"{count} not undone: {self.problem}"
        device, key = shown(self.header.device), shown(self.header.key)
        run = f"run {shown(self.header.run_id)} of {shown(self.header.started)}"
        return f"device {device} ({key}): {count} not undone since {run}"


def pending(folder: Path) -> tuple[Pending, ...]:
    """Return the journals of all devices that hold something. Raises JournalError."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_dir())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise JournalError(f"{folder}: the journals cannot be read: {reason(error)}") from None
    found = []
    for path in paths:
        try:
            changes = len(_entry_files(path))
        except JournalError as error:
            found.append(Pending(path, None, str(error), 0))
            continue
        if changes:
            found.append(Pending(path, *_header_of(path), changes))
    return tuple(found)


class _NotUndone(Exception):
    def __init__(self, what: str, why: str, file: Path) -> None:
        super().__init__(why)
        self.stuck = Stuck(what, why, file)


def _put_back(path: Path, make_item: MakeItem, kept: Path) -> str:
    """Undo one entry and strike it out. Returns what it was. Raises DeviceLost, _NotUndone."""
    try:
        entry = read_entry(files.read(path, MOST))
    except (Unreadable, OSError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        told = f"cannot be read: {why}; put back by hand what it tells of, then delete it"
        raise _NotUndone(f"entry {path.name}", told, path) from None
    try:
        item = make_item(entry.kind, entry.arguments, kept)
        item.put_back(entry.value)
        now = item.read()
        took = item.same(entry.value, now)
    except DeviceLost:
        raise
    except (CommandRefused, ValueError) as error:
        raise _NotUndone(str(entry), shown(str(error)), path) from None
    except Exception as error:
        # A defect of one item must not keep the others from being put back.
        told = f"{type(error).__name__}: {shown(str(error))}"
        raise _NotUndone(str(entry), told, path) from error
    if not took:
        told = f"was put back, but is {shown(now)} instead of {shown(entry.value)}"
        raise _NotUndone(str(entry), told, path)
    try:
        files.remove(path)
    except OSError as error:
        told = f"is put back, but its entry cannot be removed: {reason(error)}"
        raise _NotUndone(str(entry), told, path) from None
    return str(entry)


def _entry_files(folder: Path) -> list[Path]:
    """Return the files of all entries, the oldest first; none for a folder that is not there."""
    try:
        found = [path for path in folder.iterdir() if _ENTRY.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalError(f"{folder}: the journal cannot be read: {reason(error)}") from None
    return sorted(found, key=_number)


def _number(path: Path) -> int:
    return int(path.stem)


def _header_of(path: Path) -> tuple[Header | None, str]:
    """Return the header of the journal in this folder, or None and why not."""
    file = path / HEADER
    try:
        header = read_header(files.read(file, MOST))
        if file_name_of(header.key) == path.name:
            return header, ""
        why = f"its key {shown(header.key)!r} belongs to another folder"
    except Unreadable as error:
        why = str(error)
    except OSError as error:
        why = reason(error)
    return None, f"{file} cannot be read: {why}; the next run on that device undoes it all the same"
