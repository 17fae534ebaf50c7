"""The phone's files as ``sync:`` shows them: with modes, owners and times."""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from lab.phone.android.system import AndroidSystem
from lab.phone.files import FileError, PhoneFiles
from lab.phone.state import LATEST

_LINK = stat.S_IFLNK


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a file or a folder."""

    mode: int
    size: int
    modified: int
    """Epoch seconds."""
    number: int
    """Its inode."""
    uid: int = 0
    gid: int = 0

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)


class SyncFiles:
    """Reads and writes as the adb daemon does: as root or as the shell. Methods raise FileError."""

    def __init__(self, system: AndroidSystem) -> None:
        self._access = system.access

    @property
    def _files(self) -> PhoneFiles:
        return self._access.files(self._access.adb_uid)

    def status(self, path: str) -> Status | None:
        """Return what is known of ``path``; None where there is nothing."""
        try:
            found = self._files.status(path)
        except FileError:
            return None
        kind = stat.S_IFDIR if found.is_folder else stat.S_IFREG
        owner = found.attributes
        mode = kind | owner.mode
        return Status(mode, found.size, int(found.modified), found.number, owner.uid, owner.gid)

    def entries(self, path: str) -> Iterator[tuple[str, Status]]:
        """Return what is in a folder; nothing where there is none, as adbd does."""
        with suppress(FileError):
            for name in self._files.names(path):
                status = self.status(posixpath.join(path, name))
                if status is not None:
                    yield name, status

    def read(self, path: str) -> bytes:
        """Return a file's content."""
        return self._files.read(path)

    def write(self, path: str, content: bytes, mode: int, *, modified: int) -> None:
        """Write a file; ``mode`` is that of ``stat``, ``modified`` epoch seconds."""
        if stat.S_IFMT(mode) == _LINK:
            raise FileError(path, "Operation not permitted")
        files = self._files
        # As adbd has it: what the owner may, everybody may.
        owner = mode >> 6 & 7
        files.write(path, content)
        with suppress(FileError):
            files.change(path, mode=owner << 6 | owner << 3 | owner)
        files.touch(path, min(float(modified), LATEST))
