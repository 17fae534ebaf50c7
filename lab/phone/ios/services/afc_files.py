"""The files that AFC serves: the media folder of the phone, and nothing outside it."""

from __future__ import annotations

import os
import posixpath
import shutil
import stat
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from lab.phone.files import FileError, PhoneFiles

MEDIA = "/private/var/mobile/Media"
FOLDERS = ("DCIM", "Downloads", "PublicStaging")
"""What is there on a new phone, as far as tools count on it."""
MAX_FILE = 512 * 1024 * 1024
"""Bytes of one file: an app, more likely than not."""
CAPACITY = 2 * 1024 * 1024 * 1024
"""Bytes of all files."""
MAX_FILES = 20_000
MAX_HANDLES = 64
BLOCK = 4096

READ, READ_WRITE, WRITE, WRITE_READ, APPEND, APPEND_READ = range(1, 7)
"""How a file can be opened."""
_FLAGS = {
    READ: os.O_RDONLY,
    READ_WRITE: os.O_RDWR | os.O_CREAT,
    WRITE: os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
    WRITE_READ: os.O_RDWR | os.O_CREAT | os.O_TRUNC,
    APPEND: os.O_WRONLY | os.O_APPEND | os.O_CREAT,
    APPEND_READ: os.O_RDWR | os.O_APPEND | os.O_CREAT,
}
_KINDS = {os.O_RDONLY: "rb", os.O_RDWR: "rb+", os.O_WRONLY: "wb"}


class NoSpace(Exception):
    """The media folder is full."""


@dataclass(frozen=True, slots=True)
class Info:
    """What is known of a file or folder."""

    is_folder: bool
    size: int
    """Bytes."""
    links: int
    modified: int
    """Nanoseconds since 1970."""


class MediaFolder:
    """Paths are the phone's below the media folder; ``..`` cannot climb above it. Methods raise
    OSError, ValueError for a path that is none, NoSpace."""

    def __init__(self, files: PhoneFiles) -> None:
        self._files = files
        for folder in ("", *FOLDERS):
            files.make_folder(f"{MEDIA}/{folder}")

    def names(self, path: str) -> list[str]:
        """Return the names in a folder, sorted."""
        return sorted(each.name for each in self._host(path).iterdir())

    def info(self, path: str) -> Info:
        """Return what is known of a file or folder."""
        found = self._host(path).stat()
        is_folder = stat.S_ISDIR(found.st_mode)
        return Info(is_folder, found.st_size, found.st_nlink, found.st_mtime_ns)

    def used(self) -> int:
        """Return the bytes of all files."""
        count = total = 0
        for folder, _, names in os.walk(self._host("/")):
            count += len(names) + 1
            total += sum(Path(folder, name).stat().st_size for name in names)
        if count > MAX_FILES:
            raise NoSpace
        return total

    def open(self, path: str, mode: int) -> FileIO:
        """Open a file, as one of the modes above says."""
        flags = _FLAGS.get(mode)
        if flags is None:
            raise ValueError("no such mode")
        host = self._host(path)
        if mode != READ and self.used() > CAPACITY:
            raise NoSpace
        descriptor = os.open(host, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            return FileIO(descriptor, _KINDS[flags & os.O_ACCMODE])
        except BaseException:
            os.close(descriptor)
            raise

    def truncate(self, path: str, size: int) -> None:
        """Give a file another size."""
        if size > MAX_FILE:
            raise NoSpace
        os.truncate(self._host(path), size)

    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it; it is no matter if it is there."""
        if self.used() > CAPACITY:
            raise NoSpace
        self._host(path).mkdir(mode=0o700, parents=True, exist_ok=True)

    def rename(self, path: str, to: str) -> None:
        """Give a file or folder another path; a file that is there already is lost."""
        source, target = self._host(path), self._host(to)
        if source == self._host("/"):
            raise PermissionError
        source.rename(target)

    def set_time(self, path: str, modified: int) -> None:
        """Say when a file or folder was changed, in nanoseconds since 1970."""
        os.utime(self._host(path), ns=(modified, modified))

    def remove(self, path: str, *, whole: bool) -> None:
        """Remove a file or an empty folder; ``whole``: with all that is in it."""
        host = self._host(path)
        if host == self._host("/"):
            raise PermissionError
        if not host.is_dir():
            host.unlink()
        elif whole:
            shutil.rmtree(host)
        else:
            host.rmdir()

    def _host(self, path: str) -> Path:
        try:
            return self._files.host_path(MEDIA + posixpath.normpath(f"/{path.lstrip('/')}"))
        except FileError as error:
            raise ValueError(str(error)) from None
