"""The pairings of one computer: what usbmuxd keeps in ``/var/lib/lockdown``."""

from __future__ import annotations

import os
import re
import threading
import uuid
from pathlib import Path

from lab.phone.ios.lockdown.plist import BadPlist, Plist, decode, encode

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
_SYSTEM = "SystemConfiguration"
MAX_RECORD = 256 * 1024
"""Bytes of one record."""
MAX_RECORDS = 200


class PairRecords:
    """Records by the name under which clients ask for them: a phone's udid. May be used from any
    thread; the files can be read by their owner only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()

    @property
    def buid(self) -> str:
        """The computer's own name for itself, SystemBUID; it stays the same."""
        with self._lock:
            kept = self._values(_SYSTEM).get("SystemBUID")
            if isinstance(kept, str) and kept:
                return kept
            made = str(uuid.uuid4()).upper()
            self._write(_SYSTEM, encode({"SystemBUID": made}))
            return made

    def read(self, name: str) -> bytes | None:
        """Return a record, None where there is none."""
        return self._read(name) if _is_record(name) else None

    def host_id(self, name: str) -> str | None:
        """Return the HostID of a record, None where there is none."""
        found = self._values(name).get("HostID") if _is_record(name) else None
        return found if isinstance(found, str) else None

    def save(self, name: str, content: bytes) -> bool:
        """Keep a record. False for what is none, and where there are too many."""
        try:
            decode(content)
        except BadPlist:
            return False
        if not _is_record(name) or len(content) > MAX_RECORD:
            return False
        with self._lock:
            kept = {path.stem for path in self._folder.glob("*.plist")}
            if len(kept | {name}) > MAX_RECORDS:
                return False
            self._write(name, content)
        return True

    def delete(self, name: str) -> bool:
        """Forget a record; False where there is none."""
        if not _is_record(name):
            return False
        try:
            self._path(name).unlink()
        except OSError:
            return False
        return True

    def _values(self, name: str) -> dict[str, Plist]:
        try:
            return decode(self._read(name) or b"")
        except BadPlist:
            return {}

    def _read(self, name: str) -> bytes | None:
        try:
            with self._path(name).open("rb") as file:
                return file.read(MAX_RECORD)
        except OSError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        # Never half a record, and never one that others could read for a moment.
        path = self._path(name)
        partial = path.with_suffix(".new")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123
            file.write(content)
        partial.replace(path)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.plist"


def _is_record(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name != _SYSTEM
