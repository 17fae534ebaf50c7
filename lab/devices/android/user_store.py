"""The user's trust store on a rooted phone: its files."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from lab.devices.android.link import CommandRefused
from lab.devices.android.marks import holds, succeeded
from lab.devices.android.root import RootShell
from lab.devices.android.stores import (
    as_value,
    listing,
    names_of,
    read_listing,
    store_files,
    write_command,
)
from lab.devices.android.values import texts
from lab.devices.item import Value

FOLDER = "/data/misc/user/0/cacerts-added"
"""Of the phone's first user."""
OWNER = "1000:1000"
"""Android's user and group ``system``, by number."""


class FileUserStore:
    """Implements ``CaStore`` on rooted phones: the store's own files."""

    def __init__(self, shell: RootShell) -> None:
        self._shell = shell
        self._ours: set[str] = set()

    def hold(self, certificates: Sequence[bytes]) -> None:
        there = self._read()
        files = store_files(certificates, there.keys() - self._ours)
        if all(there.get(file.name) == file.sha256 for file in files) and (
            self._ours & there.keys() == {file.name for file in files}
        ):
            return
        # Whatever becomes of the command, these are the lab's from now on.
        unwanted = self._ours - {file.name for file in files}
        self._ours |= {file.name for file in files}
        change = (
            f"mkdir -p -m 755 {FOLDER} && {write_command(FOLDER, files, unwanted)} && "
            f"chown {OWNER} {FOLDER} {' '.join(shlex.quote(file.name) for file in files)}"
        )
        # The security label that the folder's files have; without SELinux there is none.
        label = f"restorecon -R {FOLDER} 2>/dev/null"
        answers = self._shell.ask({"change": change, "label": label, "now": listing(FOLDER)})
        succeeded(f"writing {FOLDER}", answers["change"])
        now = read_listing(answers["now"])
        if any(now.get(file.name) != file.sha256 for file in files) or unwanted & now.keys():
            raise CommandRefused(f"{FOLDER} does not hold what was written there")
        self._ours = {file.name for file in files}

    def _read(self) -> dict[str, str]:
        return read_user_store(self._shell)


class UserStoreItem:
    """The user's store on a rooted phone: its files."""

    kind = "user_store"

    def __init__(self, shell: RootShell) -> None:
        self._shell = shell

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"by": "files"}

    def read(self) -> Value:
        return [*as_value(read_user_store(self._shell))]

    def put_back(self, value: Value) -> None:
        """Remove what was not there: the lab takes nothing away."""
        before = texts(value)
        added = read_user_store(self._shell).keys() - names_of(before)
        if added:
            self._shell.shell(write_command(FOLDER, (), added))

    def same(self, before: Value, now: Value) -> bool:
        return texts(before) == texts(now)


def read_user_store(shell: RootShell) -> dict[str, str]:
    """Return the hash of each file of the user's store by its name; none where nobody ever added
    one. Raises DeviceLost, CommandRefused."""
    there = f"[ -d {FOLDER} ]"
    answers = shell.ask({"there": there, "files": listing(FOLDER)})
    return read_listing(answers["files"]) if holds(there, answers["there"]) else {}
