"""Who may do what on the phone: how it is rooted, and its files as each process sees them."""

from __future__ import annotations

import re

from lab.model.device import RootMode as RootMode
from lab.phone.android.accounts import SHELL, defaults, user
from lab.phone.android.namespaces import Namespaces
from lab.phone.android.processes import INIT, Processes
from lab.phone.file_store import View
from lab.phone.files import PhoneFiles

_PROC = re.compile(r"/proc/(self|\d{1,9})/(mounts|mountinfo|cmdline|comm)", re.ASCII)
_UNIX = b"Num       RefCount Protocol Flags    Type St Inode Path\n"
"""Of ``/proc/net/unix``: where tools look for web views that can be debugged. There are none."""


class Access:
    """The phone's files under everybody's eyes. May be used from any thread."""

    def __init__(
        self, files: PhoneFiles, processes: Processes, mounts: Namespaces, mode: RootMode
    ) -> None:
        self._files = files
        self._processes = processes
        self._mounts = mounts
        self._mode = mode
        self.adbd_is_root = mode is RootMode.ADBD

    @property
    def adb_uid(self) -> int:
        """The user that adbd and its shells run as."""
        return 0 if self.adbd_is_root else SHELL.uid

    def restart_adbd(self, *, root: bool) -> str:
        """Let adbd go on as root or not, as ``adb root`` and ``adb unroot`` ask, and return what
        it says to that."""
        if root and not self._mode.debuggable:
            return "adbd cannot run as root in production builds\n"
        if root is self.adbd_is_root:
            return f"adbd is {'already' if root else 'not'} running as root\n"
        self.adbd_is_root = root
        return f"restarting adbd as {'root' if root else 'non root'}\n"

    def remount(self) -> str:
        """Make the system's images writable, as ``adb remount`` asks, and return what adbd says
        to that. Raises MountError."""
        if not self.adbd_is_root:
            return 'Not running as root. Try "adb root" first.\n'
        self._mounts.remount_images()
        return "remount succeeded\n"

    def reset(self) -> None:
        """Let adbd run as it does after a restart."""
        self.adbd_is_root = self._mode is RootMode.ADBD

    def files(self, uid: int, pid: int = INIT, folder: str = "/") -> PhoneFiles:
        """Return the files as a user sees them in the mount namespace of a process. ``folder`` is
        where relative paths begin."""

        def special(path: str) -> bytes | None:
            return self._special(path, uid, pid)

        view = View(user(uid), self._mounts.view(pid), defaults, special, folder)
        return self._files.seen_by(view)

    def may_write(self, path: str, *, root: bool) -> str | None:
        """Return why ``path`` could not be written through adb, in Android's words; None where it
        could."""
        return self.files(0 if root else SHELL.uid).may_write(path)

    def _special(self, path: str, uid: int, pid: int) -> bytes | None:
        """Return the content of a file that the kernel makes up; None for what is none."""
        if path == "/proc/mounts":
            path = "/proc/self/mounts"
        if path == "/proc/net/unix":
            return _UNIX
        if path == "/dev/null":
            return b""
        match = _PROC.fullmatch(path)
        if match is None:
            return None
        task = self._processes.get(pid if match[1] == "self" else int(match[1]))
        # Others' processes are none of the shell's business (hidepid=2).
        if task is None or (uid not in (0, task.uid) and match[1] != "self"):
            return None
        table = self._mounts.table(task.pid)
        if match[2] == "mounts":
            return table.lines().encode()
        if match[2] == "mountinfo":
            return table.info().encode()
        return task.name.encode() + (b"\0" if match[2] == "cmdline" else b"\n")
