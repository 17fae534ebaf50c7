"""The mount namespaces of the phone: init's, zygote's, and one of each app.

As AOSP has it: adbd and its shells live in init's namespace; zygote's follows it, and each app
takes a copy of zygote's when it starts, which follows init's, too. A mount is seen by those that
follow the namespace in which it was made, unless what it was made on is private, as ``/apex`` is.
What is mounted in zygote's namespace or an app's own is seen nowhere else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count

from lab.phone.android.mounts import (
    BUSY,
    INVALID,
    Mount,
    MountError,
    MountTable,
    factory_mounts,
)
from lab.phone.attributes import Place
from lab.phone.file_store import View
from lab.phone.files import READ_ONLY, PhoneFiles

INIT, ZYGOTE = "init", "zygote64"
"""Names of namespaces; an app's is that of its package."""
FIRST_ID = 100
"""Of mounts that are made later than at the start."""


class NamespaceView:
    """Implements ``Mounts``: one namespace as it is at the time of asking."""

    def __init__(self, namespaces: Namespaces, name: str) -> None:
        self._namespaces = namespaces
        self._name = name

    def place(self, path: str) -> Place:
        return self._namespaces.table(self._name).place(path)

    def read_only(self, path: str) -> bool:
        return self._namespaces.table(self._name).covering(path).read_only

    def holds(self, path: str) -> bool:
        return self._namespaces.table(self._name).holds(path)


class Namespaces:
    """All mount tables. Paths are absolute and clean. May be used from any thread.

    ``remountable`` tells whether the system's image may be made writable: not where its contents
    are verified.
    """

    def __init__(self, files: PhoneFiles, *, apexes: bool, remountable: Callable[[], bool]) -> None:
        self._files = files
        self._apexes = apexes
        self._remountable = remountable
        self._lock = threading.RLock()
        self._ids = count(FIRST_ID)
        self._tables: dict[str, MountTable] = {}
        self.reset()

    def reset(self) -> None:
        """Mount what a phone mounts when it starts, and nothing else."""
        with self._lock:
            old = set(self._volumes())
            table = factory_mounts(self._apexes)
            self._tables = {INIT: table, ZYGOTE: table}
            self._changed(old)

    def table(self, name: str) -> MountTable:
        """Return a namespace's mounts; init's for a name that nobody has."""
        return self._tables.get(name) or self._tables[INIT]

    def view(self, name: str) -> NamespaceView:
        """Return a namespace as its files need it."""
        return NamespaceView(self, name)

    def start(self, package: str) -> None:
        """Give a new process of an app its namespace."""
        with self._lock:
            self._tables[package] = self._tables[ZYGOTE]
            self._files.changed()

    def bind(self, name: str, path: str, point: str) -> None:
        """Show at ``point`` what is at ``path``. Raises MountError."""
        with self._lock:
            for each in (path, point):
                self._require(name, each)
            if self._is_folder(name, path) != self._is_folder(name, point):
                raise MountError("Not a directory")
            self._add(name, self.table(name).bound(next(self._ids), path, point))

    def mount_tmpfs(self, name: str, device: str, point: str, mode: int) -> None:
        """Mount an empty file system in memory. Raises MountError."""
        with self._lock:
            self._require(name, point)
            if not self._is_folder(name, point):
                raise MountError("Not a directory")
            id = next(self._ids)
            volume = f"tmpfs-{id}"
            self._files.make_volume(volume, mode)
            self._add(name, Mount(id, point, Place(volume, "/"), device, "tmpfs"))

    def unmount(self, name: str, point: str) -> None:
        """Undo the last mount at ``point``. Raises MountError."""
        with self._lock:
            old = set(self._volumes())
            table, mount = self.table(name).without_mount(point)
            if mount.id < FIRST_ID:
                # Something always has a file open in those.
                raise MountError(BUSY)
            self._tables[name] = table
            if name == INIT:
                for other in self._followers():
                    self._tables[other] = self._tables[other].without_id(mount.id)
            self._changed(old)

    def remount(self, name: str, point: str, *, read_only: bool) -> None:
        """Make the file system mounted at ``point`` read-only or writable, for everybody. Raises
        MountError."""
        with self._lock:
            mount = self.table(name).covering(point)
            if mount.point != point and mount.point != "/":
                raise MountError(INVALID)
            if not read_only and (mount.image or (mount.read_only and not self._remountable())):
                raise MountError(READ_ONLY)
            for each, table in self._tables.items():
                self._tables[each] = table.with_flag(mount.id, read_only)
            self._files.changed()

    def remount_images(self) -> None:
        """Make writable what ``adb remount`` does. Raises MountError."""
        for point in ("/", "/vendor"):
            self.remount(INIT, point, read_only=False)

    def _add(self, name: str, mount: Mount) -> None:
        old = set(self._volumes())
        private = self.table(name).covering(mount.point).private
        names = [name, *(self._followers() if name == INIT and not private else ())]
        try:
            for each in names:
                self._tables[each] = self._tables[each].with_mount(mount)
        finally:
            self._changed(old)

    def _followers(self) -> list[str]:
        return [each for each in self._tables if each != INIT]

    def _require(self, name: str, path: str) -> None:
        if not self._seen(name).exists(path):
            raise MountError("No such file or directory")

    def _is_folder(self, name: str, path: str) -> bool:
        return self._seen(name).status(path).is_folder

    def _seen(self, name: str) -> PhoneFiles:
        """Return the files as root sees them in a namespace."""
        return self._files.seen_by(View(mounts=self.view(name)))

    def _volumes(self) -> set[str]:
        return {
            each.source.volume
            for table in self._tables.values()
            for each in table.mounts
            if each.source.volume
        }

    def _changed(self, before: set[str]) -> None:
        """Let go of file systems in memory that nobody has mounted any more."""
        for volume in before - self._volumes():
            self._files.drop_volume(volume)
        self._files.changed()
