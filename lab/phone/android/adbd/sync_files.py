"""The phone's files as ``sync:`` shows them: with modes, owners and times."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from lab.phone.android.system import AndroidSystem
from lab.phone.files import FileError

FOLDER_MODE = stat.S_IFDIR | 0o771
FILE_MODE = stat.S_IFREG | 0o644
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
    """Reads and writes as the adb daemon does. Methods raise FileError."""

    def __init__(self, system: AndroidSystem) -> None:
        self._files = system.phone.files

    def status(self, path: str) -> Status | None:
        """Return what is known of ``path``; None where there is nothing."""
        try:
            found = self._files.host_path(path).stat()
        except (OSError, FileError):
            return None
        mode = FOLDER_MODE if stat.S_ISDIR(found.st_mode) else FILE_MODE
        size = 4096 if stat.S_ISDIR(found.st_mode) else found.st_size
        return Status(mode, size, int(found.st_mtime), found.st_ino)

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
        self._files.write(path, content)
        with suppress(OSError):
            os.utime(self._files.host_path(path), (modified, modified))
