"""The phone's own trust store, on rooted phones: a copy of it is put in its place.

The store is part of an image that nobody can write to, of the system's up to Android 13, of the
Conscrypt APEX from 14 on. A folder on the data partition holds a copy with the lab's CAs added;
it is mounted over the store in every mount namespace that apps live in: zygote's, from which new
apps take theirs, and those of the apps that run. Nothing of the image is changed, and a reboot
forgets the mounts.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.devices.android.link import CommandRefused, Ran
from lab.devices.android.marks import holds, succeeded
from lab.devices.android.processes import MOUNTS_CAP, Processes, in_namespace, read_processes
from lab.devices.android.root import RootShell
from lab.devices.android.stores import (
    StoreFile,
    as_value,
    listing,
    read_listing,
    store_files,
    write_command,
)
from lab.devices.android.values import mapping, texts
from lab.devices.item import Value

SYSTEM = "/system/etc/security/cacerts"
APEX = "/apex/com.android.conscrypt/cacerts"
"""Where there is one, apps read it instead (Android 14 and later)."""
COPY = "/data/local/tmp/trustpin-lab-cacerts"
"""The lab's copy. Root's: nobody else can add to it."""

LABELS = ("system_security_cacerts_file", "system_file")
"""SELinux types that apps may read here, the better one first; not every Android has it."""


@dataclass(frozen=True, slots=True)
class _Look:
    """How the store is found."""

    folder: str
    shipped: Mapping[str, str]
    """Hash of each file by its name, as a new app would see them."""
    processes: Processes
    has_copy: bool
    mounted: frozenset[int]
    """The processes in whose namespaces the lab's copy is."""


class SystemStore:
    """Implements ``CaStore``. Raises CommandRefused where there is no root."""

    def __init__(self, shell: RootShell) -> None:
        self._shell = shell
        self._shipped: Mapping[str, str] | None = None
        self._held: tuple[StoreFile, ...] = ()
        self._folder = ""
        self._zygotes: frozenset[int] = frozenset()
        """For which the copy was mounted, and so for all that they start."""

    def hold(self, certificates: Sequence[bytes]) -> None:
        if not self._hold_quickly(certificates):
            self._hold_anew(certificates)

    def _hold_quickly(self, certificates: Sequence[bytes]) -> bool:
        """Change the copy that is mounted already, in one round trip. False where it is not
        mounted any more, or is not what it was."""
        if not self._zygotes or self._shipped is None:
            return False
        files = store_files(certificates, self._shipped)
        unwanted = {file.name for file in self._held} - {file.name for file in files}
        zygote = min(self._zygotes)
        answers = self._shell.ask(
            {
                "mounted": _mounted_command(self._zygotes),
                "change": f"[ -d {COPY} ] && {write_command(COPY, files, unwanted)}",
                "label": _label_command(),
                "now": in_namespace(zygote, f"sh -c {shlex.quote(listing(self._folder))}"),
            },
            cap=MOUNTS_CAP,
        )
        self._held = files
        wanted = {**self._shipped, **{file.name: file.sha256 for file in files}}
        return (
            answers["change"].code == 0
            and _pids(answers["mounted"]) == self._zygotes
            and _listed(answers["now"]) == wanted
        )

    def _hold_anew(self, certificates: Sequence[bytes]) -> None:
        self._zygotes = frozenset()
        look = _look(self._shell)
        if self._shipped is None and (look.has_copy or look.mounted):
            # Somebody else's, who is gone: what the phone shipped with is under it.
            _unmount(self._shell, look)
            look = _look(self._shell)
        if not look.mounted:
            # Also after a reboot.
            if not certificates:
                return
            self._shipped, self._held = look.shipped, ()
        assert self._shipped is not None, "mounted by somebody else, it was unmounted"
        files = store_files(certificates, self._shipped)
        self._write(look, files)
        self._held = files
        # Zygote's first: an app that is started meanwhile takes its namespace from there.
        self._mount(look, look.processes.roots - look.mounted)
        look = _look(self._shell)
        self._mount(look, look.processes.of_apps - look.mounted)
        self._check(files)

    def _write(self, look: _Look, files: Sequence[StoreFile]) -> None:
        steps = []
        if not look.mounted:
            steps.append(f"rm -rf {COPY} && mkdir -m 755 {COPY}")
            if look.shipped:
                steps.append(f"cp {look.folder}/* {COPY}/")
        unwanted = {file.name for file in self._held} - {file.name for file in files}
        steps.append(write_command(COPY, files, unwanted))
        if files or look.shipped:
            steps.append(f"chown root:root {COPY} {COPY}/* && chmod 644 {COPY}/*")
        change = " && ".join(f"{{ {step}; }}" for step in steps)
        answers = self._shell.ask({"change": change, "label": _label_command()}, cap=MOUNTS_CAP)
        succeeded(f"copying {look.folder}", answers["change"])

    def _mount(self, look: _Look, pids: Iterable[int]) -> None:
        mount = f"mount --bind {COPY} {look.folder}"
        # A process may have ended since; whether it took is looked at afterwards.
        lines = [f"{in_namespace(pid, mount)} 2>/dev/null" for pid in sorted(pids)]
        if lines:
            self._shell.run("\n".join(lines), cap=MOUNTS_CAP)

    def _check(self, files: Sequence[StoreFile]) -> None:
        """Raise CommandRefused where apps do not see exactly what they should."""
        assert self._shipped is not None
        look = _look(self._shell)
        missing = look.processes.of_apps - look.mounted
        if missing:
            names = sorted({look.processes.name(pid) for pid in missing})
            raise CommandRefused(
                f"the lab's copy of {look.folder} could not be mounted for {', '.join(names[:5])}: "
                "is this phone's root allowed to enter mount namespaces?"
            )
        wanted = {**self._shipped, **{file.name: file.sha256 for file in files}}
        if look.shipped != wanted:
            raise CommandRefused(f"apps see something else in {look.folder} than was put there")
        self._folder, self._zygotes = look.folder, look.processes.zygotes


class SystemStoreItem:
    """The store as apps see it, and for which processes the lab's copy is mounted."""

    kind = "system_store"

    def __init__(self, shell: RootShell) -> None:
        self._shell = shell

    @property
    def arguments(self) -> Mapping[str, str]:
        return {}

    def read(self) -> Value:
        look = _look(self._shell)
        names = {look.processes.name(pid) for pid in look.mounted}
        return {
            "files": as_value(look.shipped),
            "mounts": sorted(names),
            "copy": look.has_copy,
        }

    def put_back(self, value: Value) -> None:
        """Take the lab's copy away again: before it came, it was not there."""
        _parts(value)
        look = _look(self._shell)
        if look.mounted or look.has_copy:
            _unmount(self._shell, look)

    def same(self, before: Value, now: Value) -> bool:
        (files, _, _), (files_now, mounts_now, copy_now) = _parts(before), _parts(now)
        return files == files_now and not mounts_now and not copy_now


def _look(shell: RootShell) -> _Look:
    """Return how the store is now. Raises DeviceLost, CommandRefused."""
    processes = read_processes(shell)
    # As the first zygote sees it, a new app will.
    zygote = min(processes.zygotes)
    there = f"[ -e {COPY} ]"
    answers = shell.ask(
        {
            "apex": in_namespace(zygote, f"sh -c {shlex.quote(listing(APEX))}"),
            "system": in_namespace(zygote, f"sh -c {shlex.quote(listing(SYSTEM))}"),
            "copy": there,
            "mounts": _mounted_command(processes.of_apps | processes.roots),
        },
        cap=MOUNTS_CAP,
    )
    found = {APEX: _listed(answers["apex"]), SYSTEM: _listed(answers["system"])}
    # As Android does: an APEX without certificates does not count.
    folder = next((each for each, files in found.items() if files), None)
    folder = folder or next((each for each, files in found.items() if files is not None), None)
    shipped = None if folder is None else found[folder]
    if folder is None or shipped is None:
        raise CommandRefused(f"neither {APEX} nor {SYSTEM} can be read as root")
    return _Look(
        folder,
        shipped,
        processes,
        holds(there, answers["copy"]),
        _pids(answers["mounts"]) & (processes.of_apps | processes.roots),
    )


def _mounted_command(pids: Iterable[int]) -> str:
    """Return the command that tells in whose namespaces the lab's copy is mounted."""
    tables = " ".join(f"/proc/{pid}/mountinfo" for pid in sorted(pids))
    return f"grep -ls {COPY.rpartition('/')[2]} {tables}"


def _pids(ran: Ran) -> frozenset[int]:
    """Return the processes that ``_mounted_command`` tells of."""
    return frozenset(map(int, re.findall(r"^/proc/(\d{1,9})/mountinfo", ran.output, re.M | re.A)))


def _label_command() -> str:
    return " || ".join(f"chcon u:object_r:{kind}:s0 {COPY} {COPY}/* 2>/dev/null" for kind in LABELS)


def _listed(ran: Ran) -> dict[str, str] | None:
    try:
        return read_listing(ran)
    except CommandRefused:
        return None


def _unmount(shell: RootShell, look: _Look) -> None:
    """Take the lab's copy away, for everybody. Raises DeviceLost, CommandRefused."""
    for _ in range(2):
        # Zygote's first; then once more, for apps that it had started meanwhile.
        order = sorted(look.mounted, key=lambda pid: (pid not in look.processes.roots, pid))
        lines = [f"{in_namespace(pid, f'umount {look.folder}')} 2>/dev/null" for pid in order]
        if not lines:
            break
        shell.run("\n".join(lines), cap=MOUNTS_CAP)
        look = _look(shell)
    if look.mounted:
        names = sorted({look.processes.name(pid) for pid in look.mounted})
        raise CommandRefused(
            f"the lab's copy of {look.folder} is still mounted for {', '.join(names[:5])}: "
            "reboot the phone"
        )
    shell.shell(f"rm -rf {COPY}", cap=MOUNTS_CAP)


def _parts(value: Value) -> tuple[list[str], list[str], bool]:
    parts = mapping(value)
    copy = parts.get("copy")
    if not isinstance(copy, bool):
        raise ValueError("'copy' is neither true nor false")
    return texts(parts.get("files")), texts(parts.get("mounts")), copy
