"""Modes and owners of the phone's files, which the files of the machine cannot have."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lab.phone.kept import Json, Kept

MAX_ENTRIES = 20_000
MAX_ID = 2**31

SEARCH, WRITE, READ = 1, 2, 4
"""Bits of a mode, for one of owner, group and others; to search is to execute."""
STICKY = 0o1000
"""Of a folder: only who owns a file in it may remove it."""


class Place(NamedTuple):
    """Where a file is kept, whatever it is mounted as."""

    volume: str
    """The name of a ``tmpfs``; empty for what outlives a restart."""
    path: str
    """Absolute, within the volume."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """Who owns a file or a folder, and who may do what with it."""

    mode: int
    """The twelve permission bits."""
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True)
class User:
    """Who uses files."""

    uid: int
    gid: int
    groups: frozenset[int] = frozenset()
    """Beside ``gid``."""

    def may(self, access: int, attributes: Attributes) -> bool:
        """Tell whether ``attributes`` allow all of ``access``; to root (uid 0) they do."""
        if self.uid == 0:
            return True
        if self.uid == attributes.uid:
            granted = attributes.mode >> 6
        elif attributes.gid == self.gid or attributes.gid in self.groups:
            granted = attributes.mode >> 3
        else:
            granted = attributes.mode
        return granted & access == access

    def owns(self, attributes: Attributes) -> bool:
        """Tell whether the user may change them."""
        return self.uid in (0, attributes.uid)


ROOT = User(0, 0)


def plain(_: Place, is_folder: bool) -> Attributes:
    """Return the attributes of what nobody gave any: root's, for everybody to read."""
    return Attributes(0o755 if is_folder else 0o644)


class AttributeTable:
    """The attributes that differ from what a file has by its place. Kept in ``file``, but for
    those of a ``tmpfs``. Not thread-safe."""

    def __init__(self, file: Path) -> None:
        self._kept = Kept(file)
        self._entries = {
            Place("", path): attributes
            for path, numbers in self._kept.load().items()
            if (attributes := _attributes(numbers)) is not None
        }

    def get(self, place: Place) -> Attributes | None:
        """Return what was set for a place; None where nothing was."""
        return self._entries.get(place)

    def set(self, place: Place, attributes: Attributes | None) -> None:
        """Keep attributes; None is those that the place has by itself. Raises OSError where
        there are too many."""
        if self._entries.get(place) == attributes:
            return
        if attributes is None:
            del self._entries[place]
        elif len(self._entries) < MAX_ENTRIES or place in self._entries:
            self._entries[place] = attributes
        else:
            raise OSError(errno.ENOSPC, "No space left on device")
        if place.volume:
            return
        if attributes is None:
            self._kept.drop(place.path)
        else:
            self._kept.set(place.path, [attributes.mode, attributes.uid, attributes.gid])

    def forget(self, place: Place) -> None:
        """Forget what was set for a place and for everything below it."""
        below = place.path.rstrip("/") + "/"
        gone = [
            each
            for each in self._entries
            if each == place or (each.volume == place.volume and each.path.startswith(below))
        ]
        for each in gone:
            del self._entries[each]
        self._kept.drop(*(each.path for each in gone if not each.volume))


def _attributes(numbers: Json) -> Attributes | None:
    """Read an entry of the table; None for what cannot be meant."""
    if not isinstance(numbers, list) or len(numbers) != 3:
        return None
    mode, uid, gid = (each if type(each) is int and 0 <= each < MAX_ID else -1 for each in numbers)
    if min(mode, uid, gid) < 0 or mode > 0o7777:
        return None
    return Attributes(mode, uid, gid)
