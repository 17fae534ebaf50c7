"""What the package manager remembers, apart from the APKs: a file of the phone's."""

from __future__ import annotations

import json
from collections.abc import Callable

from lab.phone.android.accounts import FIRST_APP, LAST_APP, number_of
from lab.phone.files import FileError, PhoneFiles

INDEX = "/data/system/packages.json"
SYSTEM_USER = frozenset({"com.android.settings"})
"""Packages that run as the system does."""
_FIRST_UID = FIRST_APP + 100


class PackageIndex:
    """Which packages the phone came with, and whose user id is which.

    It is read once; one that cannot be read is begun anew, and what is wrong with it goes to
    ``complain``. For one thread at a time.
    """

    def __init__(self, files: PhoneFiles, complain: Callable[[str], None]) -> None:
        self._files = files
        self._complain = complain
        self._came, self._uids = self._read()

    def comes(self, name: str) -> bool:
        """Note that the phone comes with a package; tell whether that was new."""
        if name in self._came:
            return False
        self._came.append(name)
        return True

    def uid(self, name: str, *, system: bool) -> int | None:
        """Return the user id of a package, the same each time; None where no id is free.

        ``system`` says that it belongs to the system image: only such a one runs as the system.
        """
        if name in SYSTEM_USER and system:
            return number_of("system")
        uid = self._uids.get(name) or self._free_uid()
        if uid is not None:
            self._uids[name] = uid
        return uid

    def write(self) -> None:
        """Write the index; where that fails, it is kept for as long as the process lives."""
        content = json.dumps({"came": self._came, "uids": self._uids}, indent=1)
        try:
            self._files.write(INDEX, content.encode(), mode=0o640)
        except FileError as error:
            self._complain(str(error))

    def _free_uid(self) -> int | None:
        taken = set(self._uids.values())
        return next((uid for uid in range(_FIRST_UID, LAST_APP + 1) if uid not in taken), None)

    def _read(self) -> tuple[list[str], dict[str, int]]:
        try:
            read = json.loads(self._files.read(INDEX))
            came, uids = read["came"], read["uids"]
            if isinstance(came, list) and isinstance(uids, dict):
                return (
                    [name for name in came if isinstance(name, str)],
                    {name: uid for name, uid in uids.items() if isinstance(uid, int)},
                )
        except FileError:
            return [], {}
        except (ValueError, KeyError, TypeError, RecursionError):
            self._complain(f"{INDEX} cannot be read: begun anew")
        return [], {}
