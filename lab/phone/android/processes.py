"""The phone's processes: Android's own, one for each app that runs, and what others add."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from lab.phone.android.accounts import number_of
from lab.phone.ui import Screen

INIT = 1
ZYGOTE = "zygote64"
"""The process that every app's is a copy of."""
SYSTEM_SERVER = "system_server"
_FIRST_APP, _LAST = 4100, 32767
"""Range of the ids of processes that come and go."""

_EARLY = (
    ("logd", 287, "log"),
    ("adbd", 611, "shell"),
)
"""Processes that live as long as the phone: name, id, user."""
_FIRST_ZYGOTE, _FIRST_SERVER = 643, 1187


@dataclass(frozen=True, slots=True)
class Task:
    """One process."""

    pid: int
    parent: int
    uid: int
    name: str
    started: float
    """Epoch seconds, by the phone's clock."""


Told = Callable[[Task], None]
"""Is told of a process. May ask for other processes, but must not begin or end any."""


def _nothing() -> None:
    """End what cannot be ended."""


class Processes:
    """The process table. May be used from any thread.

    ``uid_of`` tells the user of an app's process, ``now`` the time by the phone's clock. Apps are
    in the table as long as ``screen`` runs them.
    """

    def __init__(
        self, screen: Screen, uid_of: Callable[[str], int], now: Callable[[], float]
    ) -> None:
        self._screen = screen
        self._uid_of = uid_of
        self._now = now
        self._lock = threading.RLock()
        self._tasks: dict[int, Task] = {}
        self._kills: dict[int, Callable[[], None]] = {}
        self._started: list[Told] = []
        self._ended: list[Told] = []
        self._next = _FIRST_APP
        self._add("init", 0, 0, INIT)
        for name, pid, user in _EARLY:
            self._add(name, INIT, number_of(user), pid)
        self._zygote = self._add(ZYGOTE, INIT, 0, _FIRST_ZYGOTE).pid
        self._add(SYSTEM_SERVER, self._zygote, number_of("system"), _FIRST_SERVER)
        screen.watch(self)

    def all(self) -> tuple[Task, ...]:
        """Return every process, in the order of their ids."""
        with self._lock:
            return tuple(self._tasks[pid] for pid in sorted(self._tasks))

    def get(self, pid: int) -> Task | None:
        """Return the process of this id."""
        return self._tasks.get(pid)

    def pids(self, name: str) -> tuple[int, ...]:
        """Return the ids of the processes of this name, in order."""
        return tuple(task.pid for task in self.all() if task.name == name)

    def parent(self, pid: int) -> int | None:
        """Return the id of a process's parent, 0 for init's, None where there is no process."""
        task = self._tasks.get(pid)
        return None if task is None else task.parent

    def begin(self, name: str, uid: int, kill: Callable[[], None] = _nothing) -> int:
        """Let zygote start a process, and return its id. ``kill`` is called where somebody wants
        to end it, and sees to it that ``end`` is called."""
        with self._lock:
            task = self._add(name, self._zygote, uid, self._free())
            self._kills[task.pid] = kill
        for told in tuple(self._started):
            told(task)
        return task.pid

    def end(self, pid: int) -> None:
        """Take a process out of the table; one that is not there is no matter."""
        with self._lock:
            task = self._tasks.pop(pid, None)
            self._kills.pop(pid, None)
        if task is not None:
            for told in tuple(self._ended):
                told(task)

    def kill(self, pid: int) -> bool:
        """End a process at once; False for one that this phone cannot live without. Zygote takes
        its children along, and is there again at once, as init sees to it."""
        with self._lock:
            task = self._tasks.get(pid)
            kill = self._kills.get(pid)
        if task is None:
            return True
        if task.name in (ZYGOTE, SYSTEM_SERVER):
            self.restart()
        elif kill is None:
            return False
        else:
            kill()
        return True

    def restart(self) -> None:
        """End zygote and all its children, and start it again."""
        with self._lock:
            kills = list(self._kills.values())
        for kill in kills:
            kill()
        with self._lock:
            old = [task for task in self.all() if task.name in (ZYGOTE, SYSTEM_SERVER)]
            zygote = self._add(ZYGOTE, INIT, 0, self._free())
            self._zygote = zygote.pid
            server = self._add(SYSTEM_SERVER, zygote.pid, number_of("system"), self._free())
        for task in reversed(old):
            self.end(task.pid)
        for task in (zygote, server):
            for told in tuple(self._started):
                told(task)

    def when_started(self, told: Told) -> None:
        """Tell ``told`` of every process from now on, before it does anything."""
        self._started.append(told)

    def when_ended(self, told: Told) -> None:
        """Tell ``told`` of every process that ends from now on."""
        self._ended.append(told)

    def starting(self, package: str) -> None:
        """Take an app's process into the table."""
        self.begin(package, self._uid_of(package), lambda: self._screen.stop(package))

    def ended(self, package: str) -> None:
        """Take an app's process out of the table."""
        for pid in self.pids(package):
            self.end(pid)

    def _add(self, name: str, parent: int, uid: int, pid: int) -> Task:
        task = Task(pid, parent, uid, name, self._now())
        # Replaced, never changed: whoever reads it has it whole.
        self._tasks = {**self._tasks, pid: task}
        return task

    def _free(self) -> int:
        pid = self._next
        while pid in self._tasks:
            pid = pid + 1 if pid < _LAST else _FIRST_APP
        self._next = pid + 1 if pid < _LAST else _FIRST_APP
        return pid
