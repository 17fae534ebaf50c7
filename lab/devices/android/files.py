"""Files that the lab, or what it brings along, puts on a phone."""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.marks import ask, holds
from lab.devices.android.values import mapping, text
from lab.devices.item import Value

FOLDERS = ("/data/local/tmp/", "/sdcard/")
"""Where files may be: nothing else of the phone's is changed by a file's name in a journal."""
LARGEST = 16 << 20
"""Bytes of a file that was there before and is kept."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MODE = re.compile(r"[0-7]{3,4}")


class FileItem:
    """One file. What was in it is kept in ``folder``. Raises ValueError for a path that the lab
    has no business with."""

    kind = "file"

    def __init__(self, link: AdbLink, path: str, folder: Path) -> None:
        if not path.startswith(FOLDERS) or posixpath.normpath(path) != path or "\n" in path:
            raise ValueError(f"{path!r} is no file of the lab's: they are in {FOLDERS}")
        self._link = link
        self._path = path
        self._folder = folder

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"path": self._path}

    def read(self) -> Value:
        """Return None where there is no such file, else its hash and mode; its content is
        kept."""
        quoted = shlex.quote(self._path)
        there = f"[ -e {quoted} ]"
        answers = ask(self._link, {"there": there, "mode": f"stat -c %a {quoted}"})
        if not holds(there, answers["there"]):
            return None
        mode = answers["mode"].output.strip()
        if not _MODE.fullmatch(mode):
            raise CommandRefused(f"{self._path}: its mode cannot be read")
        content = self._link.pull(self._path, limit=LARGEST)
        digest = hashlib.sha256(content).hexdigest()
        kept = self._folder / digest
        if not kept.exists():
            kept.write_bytes(content)
        return {"sha256": digest, "mode": mode}

    def put_back(self, value: Value) -> None:
        if value is None:
            self._link.shell(f"rm -f {shlex.quote(self._path)}")
            return
        parts = mapping(value)
        digest, mode = text(parts.get("sha256")), text(parts.get("mode"))
        if not _SHA256.fullmatch(digest) or not _MODE.fullmatch(mode):
            raise ValueError("the value is none of a file's")
        try:
            content = (self._folder / digest).read_bytes()
        except OSError:
            raise ValueError(f"what was in {self._path} is not kept any more") from None
        self._link.push(content, self._path)
        # adbd gives everybody what the owner may (AOSP, file_sync_service.cpp).
        self._link.shell(f"chmod {mode} {shlex.quote(self._path)}")

    def same(self, before: Value, now: Value) -> bool:
        return before == now
