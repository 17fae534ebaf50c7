"""The mount namespaces of the phone: init's, zygote's, and one of each process that comes of it.

As AOSP has it: adbd, its shells and the native daemons live in init's namespace; zygote has one of
its own, and each of its children takes a copy of that when it starts. All of them follow init's: a
mount that is made there is seen in all of them, unless it is made on what is private, as ``/apex``
is. What is mounted in zygote's namespace or in an app's own is seen nowhere else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import count

from lab.phone.android.mounts import BUSY, INVALID, Mount, MountError, MountTable, factory_mounts
from lab.phone.android.processes import INIT, ZYGOTE, Processes, Task
from lab.phone.attributes import Place
from lab.phone.file_store import View
from lab.phone.files import READ_ONLY, PhoneFiles

_NUMBER = 4026531840
FIRST_ID = 100
"""Of mounts that are made later than at the start."""


class NamespaceView:
    """Implements ``Mounts``: what a process sees, at the time of asking."""

    def __init__(self, namespaces: Namespaces, pid: int) -> None:
        self._namespaces = namespaces
        self._pid = pid

    def place(self, path: str) -> Place:
        return self._namespaces.table(self._pid).place(path)

    def read_only(self, path: str) -> bool:
        return self._namespaces.table(self._pid).covering(path).read_only

    def holds(self, path: str) -> bool:
        return self._namespaces.table(self._pid).holds(path)


class Namespaces:
    """All mount tables, each named by a process that has it. Paths are absolute and clean. May be
    used from any thread.

    ``apexes``: whether the trust store is in an image of its own (Android 14). ``remountable``
    tells whether the system's image may be made writable: not where its contents are verified.
    """

    def __init__(
        self,
        files: PhoneFiles,
        processes: Processes,
        *,
        apexes: bool,
        remountable: Callable[[], bool],
    ) -> None:
        self._files = files
        self._processes = processes
        self._apexes = apexes
        self._remountable = remountable
        self._lock = threading.RLock()
        self._ids = count(FIRST_ID)
        self._tables: dict[int, MountTable] = {}
        self.reset()
        processes.when_started(self._start)
        processes.when_ended(self._end)

    def reset(self) -> None:
        """Mount what a phone mounts when it starts, and nothing else."""
        with self._lock:
            old = self._volumes()
            self._tables = {INIT: factory_mounts(self._apexes)}
            for task in self._processes.all():
                self._start(task)
            self._changed(old)

    def table(self, pid: int) -> MountTable:
        """Return what a process sees."""
        return self._tables.get(pid) or self._tables[INIT]

    def view(self, pid: int) -> NamespaceView:
        """Return what a process sees, as its files need it."""
        return NamespaceView(self, pid)

    def number(self, pid: int) -> int:
        """Return the number of a process's namespace, as ``/proc/PID/ns/mnt`` has it."""
        return _NUMBER + self._owner(pid)

    def _start(self, task: Task) -> None:
        """Give a process its namespace: init's daemons see what it sees."""
        with self._lock:
            if task.name == ZYGOTE:
                self._tables[task.pid] = self._tables[INIT]
            elif task.parent != INIT and task.parent in self._tables:
                self._tables[task.pid] = self._tables[task.parent]

    def _end(self, task: Task) -> None:
        with self._lock:
            if task.pid != INIT:
                old = self._volumes()
                self._tables.pop(task.pid, None)
                self._changed(old)

    def bind(self, pid: int, path: str, point: str) -> None:
        """Show at ``point`` what is at ``path``. Raises MountError."""
        with self._lock:
            for each in (path, point):
                self._require(pid, each)
            if self._is_folder(pid, path) != self._is_folder(pid, point):
                raise MountError("Not a directory")
            self._add(pid, self.table(pid).bound(next(self._ids), path, point))

    def mount_tmpfs(self, pid: int, device: str, point: str, mode: int) -> None:
        """Mount an empty file system in memory. Raises MountError."""
        with self._lock:
            self._require(pid, point)
            if not self._is_folder(pid, point):
                raise MountError("Not a directory")
            id = next(self._ids)
            volume = f"tmpfs-{id}"
            self._files.make_volume(volume, mode)
            self._add(pid, Mount(id, point, Place(volume, "/"), device, "tmpfs"))

    def unmount(self, pid: int, point: str, *, lazy: bool = False) -> None:
        """Undo the last mount at ``point``; where it is ``lazy``, with all that is mounted on
        that. Raises MountError."""
        with self._lock:
            owner = self._owner(pid)
            for below in self.table(pid).on(point) if lazy else ():
                self.unmount(pid, below)
            old = self._volumes()
            table, mount = self.table(pid).without_mount(point)
            if mount.id < FIRST_ID:
                # Something always has a file open in those.
                raise MountError(BUSY)
            self._tables[owner] = table
            if owner == INIT:
                for other in self._followers():
                    self._tables[other] = self._tables[other].without_id(mount.id)
            self._changed(old)

    def remount(self, pid: int, point: str, *, read_only: bool) -> None:
        """Make the file system mounted at ``point`` read-only or writable, for everybody. Raises
        MountError."""
        with self._lock:
            mount = self.table(pid).covering(point)
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

    def _add(self, pid: int, mount: Mount) -> None:
        old = self._volumes()
        owner = self._owner(pid)
        private = self.table(owner).covering(mount.point).private
        try:
            self._tables[owner] = self._tables[owner].with_mount(mount)
            if owner == INIT and not private:
                own = frozenset(each.id for each in self._tables[INIT].mounts)
                for other in self._followers():
                    self._tables[other] = self._tables[other].with_mount(mount, below=own)
        finally:
            self._changed(old)

    def _owner(self, pid: int) -> int:
        """Return the process by which a process's namespace is named."""
        return pid if pid in self._tables else INIT

    def _followers(self) -> list[int]:
        return [each for each in self._tables if each != INIT]

    def _require(self, pid: int, path: str) -> None:
        if not self._seen(pid).exists(path):
            raise MountError("No such file or directory")

    def _is_folder(self, pid: int, path: str) -> bool:
        return self._seen(pid).status(path).is_folder

    def _seen(self, pid: int) -> PhoneFiles:
        """Return the files as root sees them in a namespace."""
        return self._files.seen_by(View(mounts=self.view(pid)))

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
