"""Mount tables: which file system is seen at a path. Pure values, one for each namespace."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lab.phone.attributes import Place

MAX_MOUNTS = 1000
"""Mounts of one namespace."""

INVALID, BUSY = "Invalid argument", "Device or resource busy"


class MountError(Exception):
    """A mount or umount failed; ``str()`` is the system's word for it."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount."""

    id: int
    """The same for the copies of a mount in several namespaces."""
    point: str
    source: Place
    """What is seen at ``point``."""
    device: str
    """As ``/proc/mounts`` names it."""
    kind: str
    """Of file system."""
    root: str = "/"
    """Where the source is in its own file system."""
    read_only: bool = False
    private: bool = False
    """What is mounted on it in init's namespace is not seen in those that come from there (AOSP,
    init's mount_namespace.cpp: ``/apex``)."""
    image: bool = False
    """Read-only by its nature; nothing makes it writable."""

    def covers(self, path: str) -> bool:
        """Tell whether ``path`` is at its point or below."""
        return path == self.point or path.startswith(self.point.rstrip("/") + "/")

    def place(self, path: str) -> Place:
        """Return where a path that it covers is kept."""
        below = path[len(self.point.rstrip("/")) :]
        joined = f"{self.source.path.rstrip('/')}{below}"
        return Place(self.source.volume, posixpath.normpath(joined) if joined else "/")


@dataclass(frozen=True, slots=True)
class MountTable:
    """The mounts of one namespace, in the order in which they were made. What is mounted later
    hides what is below its point. All paths are absolute and clean. The first is that of ``/``."""

    mounts: tuple[Mount, ...]

    def covering(self, path: str) -> Mount:
        """Return the mount in which ``path`` is."""
        return next(each for each in reversed(self.mounts) if each.covers(path))

    def at(self, path: str) -> Mount | None:
        """Return what is mounted at ``path`` itself and not hidden; None where nothing is."""
        found = self.covering(path)
        return found if found.point == path else None

    def place(self, path: str) -> Place:
        """Return where ``path`` is kept."""
        return self.covering(path).place(path)

    def holds(self, path: str) -> bool:
        """Tell whether something is mounted at ``path`` or below it."""
        below = path.rstrip("/") + "/"
        return self.at(path) is not None or any(
            each.point.startswith(below) for each in self.visible()
        )

    def visible(self) -> Iterator[Mount]:
        """Return the mounts that are not hidden by a later one."""
        for each in self.mounts:
            if self.at(each.point) is each:
                yield each

    def with_mount(self, mount: Mount, below: frozenset[int] | None = None) -> MountTable:
        """Return the table with one more mount. Raises MountError.

        A mount that comes from another namespace, which has the mounts ``below``, goes under what
        is mounted at its point here and not there (Linux, attach_recursive_mnt).
        """
        if len(self.mounts) >= MAX_MOUNTS:
            raise MountError("No space left on device")
        at = len(self.mounts)
        if below is not None:
            own = (
                number
                for number, each in enumerate(self.mounts)
                if each.point == mount.point and each.id not in below
            )
            at = next(own, at)
        return MountTable((*self.mounts[:at], mount, *self.mounts[at:]))

    def on(self, point: str) -> list[str]:
        """Return the points of what is mounted on what is mounted at ``point``, the last first."""
        found = self.at(point)
        if found is None:
            return []
        later = self.mounts[self.mounts.index(found) + 1 :]
        return [each.point for each in reversed(later) if found.covers(each.point)]

    def bound(self, id: int, path: str, point: str) -> Mount:
        """Return the mount that shows at ``point`` what is at ``path`` now."""
        source = self.covering(path)
        below = path[len(source.point.rstrip("/")) :]
        return replace(
            source,
            id=id,
            point=point,
            source=source.place(path),
            root=(source.root.rstrip("/") + below) or "/",
            private=False,
        )

    def without_mount(self, point: str) -> tuple[MountTable, Mount]:
        """Return the table without what is mounted at ``point``, and that. Raises MountError."""
        found = self.at(point)
        if found is None or point == "/":
            raise MountError(INVALID)
        at = self.mounts.index(found)
        if any(found.covers(each.point) for each in self.mounts[at + 1 :]):
            raise MountError(BUSY)
        return MountTable(self.mounts[:at] + self.mounts[at + 1 :]), found

    def without_id(self, id: int) -> MountTable:
        """Return the table without a mount, wherever it is."""
        return MountTable(tuple(each for each in self.mounts if each.id != id))

    def with_flag(self, id: int, read_only: bool) -> MountTable:
        """Return the table with a mount read-only or not."""
        return MountTable(
            tuple(
                replace(each, read_only=read_only) if each.id == id else each
                for each in self.mounts
            )
        )

    def lines(self) -> str:
        """Return the table as ``/proc/PID/mounts`` shows it."""
        return "".join(
            f"{each.device} {each.point} {each.kind} {_options(each)} 0 0\n" for each in self.mounts
        )

    def info(self) -> str:
        """Return the table as ``/proc/PID/mountinfo`` shows it (proc(5))."""
        return "".join(
            f"{each.id + 20} {self._parent(each).id + 20} 0:{_number(each)} {each.root} "
            f"{each.point} {_options(each)} - {each.kind} {each.device} {_options(each)}\n"
            for each in self.mounts
        )

    def _parent(self, mount: Mount) -> Mount:
        before = self.mounts[: self.mounts.index(mount)]
        return MountTable(before).covering(mount.point) if before else mount


def factory_mounts(apexes: bool) -> MountTable:
    """Return what a phone mounts when it starts: images that are read-only, and its data.

    ``apexes``: whether the trust store is in an image of its own (Android 14).
    """
    mounts = [
        _base(1, "/", "/dev/block/dm-0", "ext4", read_only=True),
        _base(2, "/dev", "tmpfs", "tmpfs"),
        _base(3, "/proc", "proc", "proc"),
        _base(4, "/sys", "sysfs", "sysfs", read_only=True, image=True),
        _base(5, "/vendor", "/dev/block/dm-1", "ext4", read_only=True),
        _base(6, "/data", "/dev/block/dm-5", "f2fs"),
        _base(7, "/apex", "tmpfs", "tmpfs", read_only=True, private=True, image=True),
        _base(8, "/sdcard", "/dev/fuse", "fuse", root="/0"),
    ]
    sdcard = mounts[-1]
    for id, point in enumerate(("/storage/emulated/0", "/storage/self/primary"), start=9):
        mounts.append(replace(sdcard, id=id, point=point))
    if apexes:
        conscrypt = "/apex/com.android.conscrypt"
        loop = _base(11, conscrypt, "/dev/block/loop7", "ext4", read_only=True)
        mounts.append(replace(loop, private=True, image=True))
    return MountTable(tuple(mounts))


def _base(
    id: int,
    point: str,
    device: str,
    kind: str,
    *,
    root: str = "/",
    read_only: bool = False,
    private: bool = False,
    image: bool = False,
) -> Mount:
    return Mount(id, point, Place("", point), device, kind, root, read_only, private, image)


def _options(mount: Mount) -> str:
    return f"{'ro' if mount.read_only else 'rw'},relatime"


def _number(mount: Mount) -> int:
    """Return a number for the file system."""
    return 10 + sum(mount.device.encode()) % 200
