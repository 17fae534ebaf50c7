"""The phone's file system: Android's paths, kept in a folder of the phone's home."""

from __future__ import annotations

import copy
import errno
import os
import posixpath
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.phone.attributes import READ, SEARCH, STICKY, WRITE, Attributes, Place
from lab.phone.file_store import MAX_PATH as MAX_PATH
from lab.phone.file_store import FileError as FileError
from lab.phone.file_store import FileStore, View, above, cleaned, failed

MAX_FILE = 8 * 1024 * 1024
"""Bytes of one file."""
FOLDER_SIZE = 4096

DENIED, READ_ONLY, BUSY, NOT_PERMITTED = (
    os.strerror(each) for each in (errno.EACCES, errno.EROFS, errno.EBUSY, errno.EPERM)
)


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a file or a folder."""

    is_folder: bool
    attributes: Attributes
    size: int
    """Bytes."""
    modified: float
    """Epoch seconds, by the phone's clock."""
    number: int
    """Its inode."""


class PhoneFiles:
    """Reads and writes files by their path on the phone; nothing outside ``root`` is reachable.

    ``..`` cannot climb above ``/``, and there are no symbolic links: nothing on the phone can make
    one. Methods raise FileError. May be used from any thread. What ``seen_by`` returns are the
    same files, as somebody else sees them.
    """

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._store = FileStore(root, clock)
        self._view = View()

    def seen_by(self, view: View) -> PhoneFiles:
        """Return these files as ``view`` says."""
        made = copy.copy(self)
        made._view = view
        return made

    @property
    def generation(self) -> int:
        """Grows with every change: what was read under one generation holds while it lasts."""
        return self._store.generation

    def changed(self) -> None:
        """Let the generation grow: files look different, though none has changed."""
        with self._store.changing("/"):
            pass

    def host_path(self, path: str) -> Path:
        """Return where ``path`` of the phone is kept."""
        return self._store.host(self._place(self._clean(path)))

    def clean_path(self, path: str) -> str:
        """Return ``path`` from the root on, without detours."""
        return self._clean(path)

    def status(self, path: str) -> Status:
        """Return what is known of a file or a folder."""
        clean = self._clean(path)
        if self._view.special(clean) is not None:
            return Status(False, Attributes(0o444), 0, self._store.clock(), 1)
        self._require_way(path, clean)
        try:
            found = self.host_path(clean).stat()
        except OSError as error:
            raise failed(path, error) from None
        is_folder = stat.S_ISDIR(found.st_mode)
        size = FOLDER_SIZE if is_folder else found.st_size
        return Status(is_folder, self._attributes(clean), size, found.st_mtime, found.st_ino)

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file or folder, as far as one may look."""
        try:
            self.status(path)
        except FileError:
            return False
        return True

    def read(self, path: str) -> bytes:
        """Return a file's content."""
        clean = self._clean(path)
        content = self._view.special(clean)
        if content is not None:
            return content
        self.status(path)
        self._require(READ, path, clean)
        try:
            return self.host_path(clean).read_bytes()
        except OSError as error:
            raise failed(path, error) from None

    def names(self, path: str) -> tuple[str, ...]:
        """Return the names in a folder, sorted; a file's own path as it is."""
        if not self.status(path).is_folder:
            return (path,)
        self._require(READ, path, self._clean(path))
        try:
            return tuple(sorted(entry.name for entry in self.host_path(path).iterdir()))
        except OSError as error:
            raise failed(path, error) from None

    def may_write(self, path: str) -> str | None:
        """Return why ``path`` could not be written, in Android's words; None where it could."""
        try:
            self._require_writable(path, self._clean(path))
        except FileError as error:
            return error.reason
        return None

    def write(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        """Write a file, and the folders above it. ``mode`` is for a file that is new."""
        if len(content) > MAX_FILE:
            raise FileError(path, "File too large")
        clean = self._clean(path)
        place = self._place(clean)
        with self._store.changing(path):
            self._require_writable(path, clean)
            self._make_folders(posixpath.dirname(clean), 0o755)
            is_new = not self._store.exists(place)
            self._store.host(place).write_bytes(content)
            self._store.stamp(place)
            if is_new:
                self._keep(place, self._own(mode))

    def make_folder(self, path: str, *, mode: int = 0o755) -> Path:
        """Make a folder, and those above it, and return where it is kept."""
        clean = self._clean(path)
        place = self._place(clean)
        if not self._store.is_folder(place):
            with self._store.changing(path):
                self._require_writable(path, clean)
                self._make_folders(clean, mode)
        return self._store.host(place)

    def remove(self, path: str, *, recursive: bool = False) -> None:
        """Remove a file, or with ``recursive`` a folder."""
        clean = self._clean(path)
        place = self._place(clean)
        with self._store.changing(path):
            self.status(path)
            if self._store.is_folder(place) and not recursive:
                raise FileError(path, "Is a directory")
            self._require_removable(path, clean)
            target = self._store.host(place)
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink()
            self._store.attributes.forget(place)

    def move(self, path: str, to: str) -> None:
        """Give a file or folder another path; a file that is there already is lost."""
        old, new = self._clean(path), self._clean(to)
        with self._store.changing(path):
            self.status(path)
            place, new_place = self._place(old), self._place(new)
            if f"{new}/".startswith(f"{old}/") or self._store.is_folder(new_place):
                raise FileError(to, "Invalid argument")
            if not self._store.is_folder(self._place(posixpath.dirname(new))):
                raise FileError(to, "No such file or directory")
            self._require_removable(path, old)
            self._require_writable(to, new)
            source = self._store.host(place)
            below = [f"/{each.relative_to(source)}" for each in sorted(source.rglob("*"))]
            kept = {each: self._attributes(f"{old}{each}") for each in ("", *below)}
            shutil.move(source, self._store.host(new_place))
            self._store.attributes.forget(place)
            for each, attributes in kept.items():
                self._keep(Place(new_place.volume, f"{new_place.path}{each}"), attributes)

    def touch(self, path: str, at: float | None = None) -> None:
        """Say that a file or folder was changed at ``at``, in epoch seconds; now, where it is not
        said. Makes the file where there is none."""
        if not self.host_path(path).exists():
            self.write(path, b"")
        clean = self._clean(path)
        with self._store.changing(path):
            self._require_writable(path, clean)
            self._store.stamp(self._place(clean), at)

    def change(
        self, path: str, *, mode: int | None = None, uid: int | None = None, gid: int | None = None
    ) -> None:
        """Change a mode, an owner, a group. The owner may change the mode; root all of it."""
        clean = self._clean(path)
        with self._store.changing(path):
            before = self.status(path).attributes
            if self._view.mounts.read_only(clean):
                raise FileError(path, READ_ONLY)
            user = self._view.user
            given_away = uid not in (None, before.uid) or gid not in (None, before.gid)
            if not user.owns(before) or (given_away and user.uid != 0):
                raise FileError(path, NOT_PERMITTED)
            after = Attributes(
                before.mode if mode is None else mode & 0o7777,
                before.uid if uid is None else uid,
                before.gid if gid is None else gid,
            )
            self._keep(self._place(clean), after)

    def make_volume(self, name: str, mode: int) -> None:
        """Make an empty ``tmpfs``, which does not outlive a restart."""
        place = Place(name, "/")
        with self._store.changing("/"):
            self._store.host(place).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._store.attributes.set(place, Attributes(mode))

    def drop_volume(self, name: str) -> None:
        """Remove a ``tmpfs`` with all that is in it."""
        place = Place(name, "/")
        with self._store.changing("/"):
            shutil.rmtree(self._store.host(place), ignore_errors=True)
            self._store.attributes.forget(place)

    def _clean(self, path: str) -> str:
        return cleaned(path, self._view.folder)

    def _place(self, clean: str) -> Place:
        return self._view.mounts.place(clean)

    def _attributes(self, clean: str) -> Attributes:
        place = self._place(clean)
        kept = self._store.attributes.get(place)
        return kept or self._view.defaults(place, self._store.is_folder(place))

    def _own(self, mode: int) -> Attributes:
        """Return the attributes of what the user makes."""
        return Attributes(mode & 0o7777, self._view.user.uid, self._view.user.gid)

    def _keep(self, place: Place, attributes: Attributes) -> None:
        by_place = self._view.defaults(place, self._store.is_folder(place))
        self._store.attributes.set(place, None if attributes == by_place else attributes)

    def _make_folders(self, clean: str, mode: int) -> None:
        wanted = [self._place(each) for each in (*above(clean), clean)]
        missing = [place for place in wanted if not self._store.exists(place)]
        self._store.host(wanted[-1]).mkdir(mode=0o700, parents=True, exist_ok=True)
        for place in missing:
            self._keep(place, self._own(mode if place == wanted[-1] else 0o755))

    def _require(self, access: int, path: str, clean: str) -> None:
        if self._view.user.uid and not self._view.user.may(access, self._attributes(clean)):
            raise FileError(path, DENIED)

    def _require_way(self, path: str, clean: str) -> None:
        """Raise FileError where a folder above may not be searched."""
        if self._view.user.uid:
            for each in above(clean):
                if self._store.is_folder(self._place(each)):
                    self._require(SEARCH, path, each)

    def _require_writable(self, path: str, clean: str) -> None:
        # In the order in which Linux looks: what is read-only is that to everybody.
        if self._view.mounts.read_only(clean):
            raise FileError(path, READ_ONLY)
        self._require_way(path, clean)
        if self._store.exists(self._place(clean)):
            self._require(WRITE, path, clean)
            return
        there = [each for each in above(clean) if self._store.exists(self._place(each))]
        self._require(WRITE | SEARCH, path, there[-1] if there else "/")

    def _require_removable(self, path: str, clean: str) -> None:
        if clean == "/" or self._view.mounts.holds(clean):
            raise FileError(path, BUSY)
        if self._view.mounts.read_only(clean):
            raise FileError(path, READ_ONLY)
        user, folder = self._view.user, posixpath.dirname(clean)
        self._require(WRITE | SEARCH, path, folder)
        around = self._attributes(folder)
        if around.mode & STICKY and not (user.owns(around) or user.owns(self._attributes(clean))):
            raise FileError(path, NOT_PERMITTED)
        target = self.host_path(clean)
        if user.uid and target.is_dir():
            below = [each for each in target.rglob("*") if each.is_dir()]
            for each in (clean, *(f"{clean}/{each.relative_to(target)}" for each in below)):
                self._require(WRITE | SEARCH, path, each)
