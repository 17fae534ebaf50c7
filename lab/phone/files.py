"""The phone's file system: Android's paths, kept in a folder of the phone's home."""

from __future__ import annotations

import errno
import os
import posixpath
import shutil
import threading
from pathlib import Path

MAX_FILE = 8 * 1024 * 1024
"""Bytes of one file."""
MAX_PATH = 1024


class FileError(Exception):
    """A file operation failed; ``str()`` is what Android's tools say: ``PATH: REASON``."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class PhoneFiles:
    """Reads and writes files by their path on the phone; nothing outside ``root`` is reachable.

    Paths are absolute. ``..`` cannot climb above ``/``, and there are no symbolic links: nothing
    on the phone can make one. May be used from any thread.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.RLock()
        self._generation = 0
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def generation(self) -> int:
        """Grows with every change: what was read under one generation holds while it lasts."""
        return self._generation

    def host_path(self, path: str) -> Path:
        """Return where ``path`` of the phone is kept. Raises FileError for an unusable path."""
        # What a file system cannot encode, a terminal cannot show either.
        shown = path.encode("utf-8", "replace").decode().replace("\0", "?")
        usable = path.startswith("/") and shown == path and len(path) <= MAX_PATH
        if not usable:
            raise FileError(shown[:100], "Invalid argument")
        return self._root / posixpath.normpath(path).lstrip("/")

    def read(self, path: str) -> bytes:
        """Return a file's content. Raises FileError."""
        try:
            return self.host_path(path).read_bytes()
        except OSError as error:
            raise _failed(path, error) from None

    def write(self, path: str, content: bytes) -> None:
        """Write a file, and the folders above it. Raises FileError."""
        if len(content) > MAX_FILE:
            raise FileError(path, "File too large")
        target = self.host_path(path)
        with self._lock:
            try:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                target.write_bytes(content)
            except OSError as error:
                raise _failed(path, error) from None
            finally:
                self._generation += 1

    def make_folder(self, path: str) -> Path:
        """Make a folder, and those above it, and return where it is kept. Raises FileError."""
        folder = self.host_path(path)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(path, error) from None
        return folder

    def names(self, path: str) -> tuple[str, ...]:
        """Return the names in a folder, sorted; a file's own path as it is. Raises FileError."""
        target = self.host_path(path)
        try:
            if not target.is_dir():
                return (self._file(path),)
            return tuple(sorted(entry.name for entry in target.iterdir()))
        except OSError as error:
            raise _failed(path, error) from None

    def remove(self, path: str, *, recursive: bool = False) -> None:
        """Remove a file, or with ``recursive`` a folder. Raises FileError."""
        target = self.host_path(path)
        with self._lock:
            try:
                if not target.is_dir():
                    target.unlink()
                elif not recursive:
                    raise FileError(path, "Is a directory")
                elif target == self._root:
                    raise FileError(path, "Device or resource busy")
                else:
                    shutil.rmtree(target)
            except OSError as error:
                raise _failed(path, error) from None
            finally:
                self._generation += 1

    def _file(self, path: str) -> str:
        self.host_path(path).stat()
        return path


def _failed(path: str, error: OSError) -> FileError:
    """Tell what went wrong without a path of the machine that the phone runs on."""
    return FileError(path, os.strerror(error.errno or errno.EIO))
