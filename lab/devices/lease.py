"""Leases: one owner per physical device, across processes, workers and users of this machine.

A lease is a lock that the system holds for a process (``flock``), and that goes with the process,
however that ends. Beside it lies a file that says whose it is. That file carries a lock of its own
for as long as what it says is true, so that what a dead process left behind is never believed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pwd
import shlex
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.devices.state_folder import StateError, file_name_of, leases_folder, reason

POLL = 0.05
"""Seconds between two looks at a lease that somebody else has; the system tells of its end only
to who waits without a cap."""
MOST_WORDS = 16 * 1024
"""Bytes of what a holder says of itself that are read."""
LONGEST = 300
"""Characters of one thing that is said of a holder."""

_READABLE = 0o644
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_MAKE = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class LeaseError(StateError):
    """A lease can be neither taken nor refused; the message says which file, and why."""


class DeviceBusy(Exception):
    """Somebody else has the device; the message says who, as far as that is known."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a device. For people to read: nothing is decided by it."""

    pid: int
    user: str
    run_id: str
    command: str
    """The command line of the process, quoted for a shell."""
    since: str = ""
    """When the lease was taken: UTC, ISO 8601; filled in as it is taken."""

    @classmethod
    def of_this_process(cls, run_id: str, command: tuple[str, ...] | None = None) -> Self:
        """Return who this process is. Other users can read ``command``, as they can in the list
        of processes; what is secret in it is for the caller to take out."""
        line = shlex.join(sys.argv if command is None else command)
        return cls(os.getpid(), _user(), run_id, line)

    def __str__(self) -> str:
        told = f"process {self.pid} of {_shown(self.user)} since {_shown(self.since)}"
        return f"{told}, run {_shown(self.run_id)}: {_shown(self.command)}"


class Lease:
    """A device that is this process's alone, until ``release`` or the end of the process.

    Child processes do not have it, whether they were forked or started.
    """

    def __init__(self, key: str, files: tuple[int, ...], holder_file: Path) -> None:
        """Use ``take``."""
        self.key = key
        self._files = files
        self._holder_file = holder_file
        _held.add(self)

    @classmethod
    def take(
        cls,
        key: str,
        holder: Holder,
        *,
        wait: float = 0.0,
        folder: Path | None = None,
        waiting: Callable[[str], None] | None = None,
    ) -> Self:
        """Take the device whose serial number is ``key``.

        Somebody else's is waited for, ``wait`` seconds at most; ``waiting`` is told who has it,
        once and then whenever that changes. Raises DeviceBusy, and StateError where the leases'
        folder, which is ``leases_folder()`` if not told otherwise, cannot be used.
        """
        place = leases_folder() if folder is None else folder
        name = file_name_of(key)
        started = time.monotonic()
        told = None
        while (lock := _locked(place / f"{name}.lock")) is None:
            whose = _whose(holder_of(key, place))
            left = started + wait - time.monotonic()
            # So that what is no number is no time to wait, either.
            if not left > 0:
                waited = f" (waited {wait:g} s)" if wait > 0 else ""
                raise DeviceBusy(f"device {_shown(key)!r} is in use by {whose}{waited}")
            if waiting is not None and whose != told:
                waiting(f"waiting for device {_shown(key)!r}, in use by {whose}")
                told = whose
            time.sleep(min(POLL, left))
        holder_file = place / f"{name}.{os.geteuid()}.holder"
        return cls(key, (*_said(holder, holder_file), lock), holder_file)

    @property
    def is_held(self) -> bool:
        """Tell whether the device is this process's still."""
        return bool(self._files)

    def release(self) -> None:
        """Let others have the device. May be repeated."""
        if not self._files:
            return
        # Before it is free: afterwards the file may be somebody else's.
        with contextlib.suppress(OSError):
            self._holder_file.unlink()
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _close(self) -> None:
        _held.discard(self)
        files, self._files = self._files, ()
        for file in files:
            os.close(file)


_held: set[Lease] = set()


def holder_of(key: str, folder: Path | None = None) -> Holder | None:
    """Return who has the device, or None where nobody has, or says so. Raises StateError."""
    place = leases_folder() if folder is None else folder
    for file in place.glob(f"{file_name_of(key)}.*.holder"):
        with contextlib.suppress(OSError, ValueError, RecursionError):
            if (holder := _believed(file)) is not None:
                return holder
    return None


def _forget_in_child() -> None:
    """In a process that was forked: a lock ends when the last process that has its file closes it,
    and the device is the parent's alone."""
    for lease in tuple(_held):
        lease._close()


os.register_at_fork(after_in_child=_forget_in_child)


def _locked(path: Path) -> int | None:
    """Return the open file whose lock was taken, or None where somebody else has it."""
    while True:
        file = _opened(path)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who clears up this folder may have removed the file since it was opened.
            if _is_at(file, path):
                return file
            os.close(file)
        except OSError as error:
            os.close(file)
            if isinstance(error, BlockingIOError):
                return None
            raise LeaseError(f"{path}: cannot be locked: {reason(error)}") from None


def _opened(path: Path) -> int:
    """Open the file of a lock. For reading, which is enough to lock it: it may be another
    user's."""
    try:
        with contextlib.suppress(FileExistsError):
            file = os.open(path, os.O_RDONLY | _MAKE, _READABLE)
            os.fchmod(file, _READABLE)
            return file
        file = os.open(path, _LOOK)
    except OSError as error:
        why = "not a file" if error.errno == errno.ELOOP else reason(error)
        raise LeaseError(f"{path}: no lease can be taken: {why}") from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise LeaseError(f"{path}: no lease can be taken: not a file")
    return file


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False


def _said(holder: Holder, path: Path) -> tuple[int, ...]:
    """Write who has the lease, locked before anybody can see it. Returns the open file, or none
    where it could not be written: the lease is good without it."""
    unfinished = path.with_suffix(".new")
    now = datetime.now(UTC).isoformat(sep=" ", timespec="seconds")
    words = replace(holder, since=now, command=holder.command[: LONGEST + 1])
    try:
        # What is there was left by a process that had this lease and was killed.
        unfinished.unlink(missing_ok=True)
        file = os.open(unfinished, os.O_WRONLY | _MAKE, _READABLE)
    except OSError:
        return ()
    try:
        os.fchmod(file, _READABLE)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(file, json.dumps(asdict(words)).encode())
        unfinished.replace(path)
    except OSError:
        os.close(file)
        return ()
    return (file,)


def _believed(path: Path) -> Holder | None:
    """Return what the file says, or None where it is not locked: who wrote it is gone. Raises
    OSError, and ValueError for what is no holder."""
    file = os.open(path, _LOOK)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(os.read(file, MOST_WORDS))
        return None
    finally:
        os.close(file)


def _read(content: bytes) -> Holder:
    said = json.loads(content)
    if not isinstance(said, dict) or not isinstance(said.get("pid"), int):
        raise ValueError("not a holder")
    words = {f.name: str(said.get(f.name, "?")) for f in fields(Holder) if f.name != "pid"}
    return Holder(pid=said["pid"], **words)


def _whose(holder: Holder | None) -> str:
    return "another process, which has not said who it is" if holder is None else str(holder)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def _shown(text: str) -> str:
    """Return another user's words so that they do no harm on a terminal."""
    shown = "".join(c if c.isprintable() else "�" for c in text[:LONGEST])
    return f"{shown}…" if len(text) > LONGEST else shown
