"""Where the phone's files are kept on the machine, and what is known of them beside that."""

from __future__ import annotations

import errno
import os
import posixpath
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.phone.attributes import ROOT, Attributes, AttributeTable, Place, User, plain

MAX_PATH = 1024


class FileError(Exception):
    """A file operation failed; ``str()`` is what Android's tools say: ``PATH: REASON``."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


class Mounts(Protocol):
    """What is mounted where. Paths are absolute and clean."""

    def place(self, path: str) -> Place:
        """Return where ``path`` is kept."""

    def read_only(self, path: str) -> bool:
        """Tell whether nobody may change ``path``."""

    def holds(self, path: str) -> bool:
        """Tell whether something is mounted at ``path`` or below it."""


class NoMounts:
    """One file system that can be written to."""

    def place(self, path: str) -> Place:
        return Place("", path)

    def read_only(self, _: str) -> bool:
        return False

    def holds(self, _: str) -> bool:
        return False


NO_MOUNTS = NoMounts()


def nothing_special(_: str) -> bytes | None:
    """Return None for every path."""
    return None


@dataclass(frozen=True, slots=True)
class View:
    """Who uses the files, and what they look like from there. This one: the system itself."""

    user: User = ROOT
    mounts: Mounts = NO_MOUNTS
    defaults: Callable[[Place, bool], Attributes] = plain
    """Attributes of what nobody gave any, by its place and whether it is a folder."""
    special: Callable[[str], bytes | None] = nothing_special
    """Files that are made when they are read; None for a path that is none of them."""
    folder: str | None = None
    """Where relative paths begin; None where there may be none."""


class FileStore:
    """Files in a folder of the machine, volumes beside it, and a table of attributes."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = root
        self._volumes = root.with_name(f"{root.name}-volumes")
        shutil.rmtree(self._volumes, ignore_errors=True)
        self._volumes.mkdir(mode=0o700, exist_ok=True)
        self._lock = threading.RLock()
        self.clock = clock
        self.attributes = AttributeTable(root.with_name(f"{root.name}.db"))
        self.generation = 0

    def host(self, place: Place) -> Path:
        """Return where a place is on the machine."""
        root = self._volumes / place.volume if place.volume else self._root
        return root / place.path.lstrip("/")

    def is_folder(self, place: Place) -> bool:
        """Tell whether there is a folder."""
        return self.host(place).is_dir()

    def exists(self, place: Place) -> bool:
        """Tell whether there is anything."""
        return self.host(place).exists()

    def stamp(self, place: Place, at: float | None = None) -> None:
        """Note that something was changed at ``at``, by the phone's clock now."""
        moment = self.clock() if at is None else at
        os.utime(self.host(place), (moment, moment))

    @contextmanager
    def changing(self, path: str) -> Iterator[None]:
        """Change something; ``path`` is what the caller calls it. Raises FileError."""
        with self._lock:
            try:
                yield
            except OSError as error:
                raise failed(path, error) from None
            finally:
                self.generation += 1


def failed(path: str, error: OSError) -> FileError:
    """Tell what went wrong without a path of the machine that the phone runs on."""
    return FileError(path, os.strerror(error.errno or errno.EIO))


def cleaned(path: str, folder: str | None) -> str:
    """Return an absolute path without ``.`` and ``..``. Raises FileError for an unusable one."""
    # What a file system cannot encode, a terminal cannot show either.
    shown = path.encode("utf-8", "replace").decode().replace("\0", "?")
    whole = f"{folder}/{path}" if folder is not None and path and path[0] != "/" else path
    if not whole.startswith("/") or shown != path or len(whole) > MAX_PATH:
        raise FileError(shown[:100], "Invalid argument")
    return "/" + posixpath.normpath(whole).lstrip("/")


def above(clean: str) -> list[str]:
    """Return the folders above a clean path, from ``/`` on."""
    parts = clean.strip("/").split("/")[:-1]
    return ["/", *("/" + "/".join(parts[:count]) for count in range(1, len(parts) + 1))]
