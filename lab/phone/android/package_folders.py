"""Where APKs are kept: in a folder each, of the system image or of what was installed.

The package manager's own folders are there whatever is mounted read-only.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from lab.phone.android.apk import BadApk, Manifest, build, read_manifest
from lab.phone.state import PhoneState

DATA, SYSTEM = "/data/app", "/system/app"
_APK = "base.apk"
_ARRIVING = "vmdl"
"""How the names of folders begin in which APKs arrive."""


def apk_path(folder: str, name: str) -> str:
    """Return the path on the phone of a package's APK; ``folder`` is DATA or SYSTEM."""
    return f"{folder}/{name}/{_APK}"


class PackageFolders:
    """The folders of the phone that hold APKs. Methods that change or list them raise OSError."""

    def __init__(self, phone: PhoneState) -> None:
        self._phone = phone

    def arrival(self) -> Path:
        """Return a file in which an APK can arrive, in a folder of its own on this machine."""
        made = tempfile.mkdtemp(prefix=_ARRIVING, suffix=".tmp", dir=self._made(DATA))
        return Path(made) / _APK

    def discard(self, arrived: Path) -> None:
        """Remove what ``arrival`` gave, and its folder."""
        shutil.rmtree(arrived.parent, ignore_errors=True)

    def place(self, arrived: Path, name: str) -> str:
        """Make an APK that has arrived the installed one of a package; return its path."""
        target = self._made(f"{DATA}/{name}") / _APK
        arrived.replace(target)
        at = self._phone.now()
        os.utime(target, (at, at))
        return apk_path(DATA, name)

    def ship(self, manifest: Manifest, *, system: bool) -> None:
        """Lay down an APK that the phone comes with, which says this of itself."""
        folder = self._made(f"{SYSTEM if system else DATA}/{manifest.package}")
        (folder / _APK).write_bytes(build(manifest))

    def names(self, folder: str) -> tuple[str, ...]:
        """Return which packages have a folder in this one; what had not arrived is removed."""
        found: list[str] = []
        for entry in sorted(self._made(folder).iterdir()):
            if entry.name.startswith(_ARRIVING):
                shutil.rmtree(entry, ignore_errors=True)
            else:
                found.append(entry.name)
        return tuple(found)

    def read(self, folder: str, name: str) -> Manifest:
        """Return what a package's APK says of itself. Raises BadApk, nothing else."""
        manifest = read_manifest(self._phone.files.host_path(apk_path(folder, name)))
        if manifest.package != name:
            raise BadApk("INSTALL_FAILED_INVALID_APK", f"it is of {manifest.package}")
        return manifest

    def updated(self, path: str) -> float:
        """Return when an APK was installed, in epoch seconds by the phone's clock."""
        return self._phone.files.host_path(path).stat().st_mtime

    def remove(self, name: str) -> None:
        """Remove what was installed of a package."""
        shutil.rmtree(self._phone.files.host_path(f"{DATA}/{name}"), ignore_errors=True)

    def _made(self, folder: str) -> Path:
        host = self._phone.files.host_path(folder)
        host.mkdir(mode=0o700, parents=True, exist_ok=True)
        return host
