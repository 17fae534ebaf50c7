"""The phone's processes, as far as apps' mount namespaces are concerned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.devices.android.facts import fact
from lab.devices.android.link import CommandRefused
from lab.devices.android.root import RootShell

INIT = 1
ZYGOTES = ("zygote64", "zygote")
"""The processes that every app is a child of; phones have one of them or both."""
MOUNTS_CAP = 60.0
"""Seconds for what is done once for each of a phone's apps."""
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Processes:
    """Who runs, by process id."""

    names: Mapping[int, str]
    zygotes: frozenset[int]
    of_apps: frozenset[int]
    """Zygotes, and all that descends from them."""

    @property
    def roots(self) -> frozenset[int]:
        """Those from which others take their namespaces."""
        return self.zygotes | {INIT}

    def name(self, pid: int) -> str:
        """Return what a process is called."""
        return self.names.get(pid, "init" if pid == INIT else str(pid))


def read_processes(shell: RootShell) -> Processes:
    """Return who runs. Raises DeviceLost, and CommandRefused where no apps can be told from
    others."""
    lines = shell.shell("ps -A -o PID,PPID,NAME 2>/dev/null || ps -A").splitlines()
    titles = lines[0].split() if lines else []
    try:
        at_pid, at_parent = titles.index("PID"), titles.index("PPID")
    except ValueError:
        raise CommandRefused(f"'ps -A' shows no PID and PPID: {fact(' '.join(titles))}") from None
    names: dict[int, str] = {}
    parents: dict[int, int] = {}
    for line in lines[1 : MOST + 1]:
        words = line.split()
        if len(words) < len(titles) or not _is_number(words[at_pid], words[at_parent]):
            continue
        names[int(words[at_pid])] = fact(words[-1])
        parents[int(words[at_pid])] = int(words[at_parent])
    zygotes = frozenset(pid for pid, name in names.items() if name in ZYGOTES)
    if not zygotes:
        raise CommandRefused("this phone has no zygote: is it still starting?")
    return Processes(names, zygotes, _with_descendants(zygotes, parents))


def in_namespace(pid: int, command: str) -> str:
    """Return the command line that runs a simple command in a process's mount namespace."""
    return f"nsenter --mount=/proc/{pid}/ns/mnt -- {command}"


def _with_descendants(first: frozenset[int], parents: Mapping[int, int]) -> frozenset[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found = set(first)
    waiting = list(first)
    while waiting:
        # A list that a phone made up may go in circles.
        fresh = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
        found.update(fresh)
        waiting += fresh
    return frozenset(found)


def _is_number(*words: str) -> bool:
    return all(word.isascii() and word.isdigit() and len(word) < 10 for word in words)
