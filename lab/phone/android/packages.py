"""The packages that are installed, kept in the phone's files.

``/data/app/PACKAGE/base.apk`` is what is installed, ``/system/app/PACKAGE/base.apk`` what belongs
to the system image. Signatures of APKs are not looked at.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lab.phone.android.accounts import FIRST_APP, LAST_APP, number_of
from lab.phone.android.apk import BadApk, Manifest, build, read_manifest
from lab.phone.files import FileError
from lab.phone.state import PhoneState
from lab.phone.ui import App, Screen

MAX_APK = 256 * 1024 * 1024
"""Bytes of one APK."""
MAX_PACKAGES = 500
DATA, SYSTEM = "/data/app", "/system/app"
INDEX = "/data/system/packages.json"
"""Which packages the phone came with, and whose user id is which."""
SYSTEM_USER = frozenset({"com.android.settings"})
"""Packages that run as the system does."""
_FIRST_UID = FIRST_APP + 100
_ARRIVING = "vmdl"
"""How the names of folders begin in which APKs arrive."""


class InstallFailed(Exception):
    """A package cannot be installed or uninstalled; ``str()`` is Android's name for why, and what
    it says about it."""


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package."""

    manifest: Manifest
    uid: int
    path: str
    """Of its APK."""
    system: bool
    """It belongs to the system image."""
    updated: float
    """When its APK was installed, in epoch seconds by the phone's clock."""

    @property
    def name(self) -> str:
        """The package's name."""
        return self.manifest.package

    @property
    def storage(self) -> str:
        """Path of its private directory on the phone."""
        return f"/data/data/{self.name}"


class Packages:
    """The package manager. May be used from any thread.

    The phone comes with the screen's apps and with ``shipped``; ``sdk`` is its API level.
    """

    def __init__(
        self, phone: PhoneState, screen: Screen, *, sdk: int, shipped: Sequence[Manifest] = ()
    ) -> None:
        self._phone = phone
        self._screen = screen
        self._sdk = sdk
        self._lock = threading.RLock()
        self._built_in = {app.package: app for app in screen.shipped}
        self._came, self._uids = self._read_index()
        self._ship([*(_manifest_of(app) for app in screen.shipped), *shipped])
        self._installed: dict[str, Package] = {}
        self._scan()
        self._write_index()

    def all(self) -> tuple[Package, ...]:
        """Return what is installed, sorted by name."""
        installed = self._installed
        return tuple(installed[name] for name in sorted(installed))

    def get(self, name: str) -> Package | None:
        """Return the package of this name, None where it is not installed."""
        return self._installed.get(name)

    def uid(self, name: str) -> int:
        """Return the user id of a package, which it keeps; ``nobody``'s where there is none."""
        package = self._installed.get(name)
        return number_of("nobody") if package is None else package.uid

    def runner(self, component: str) -> str | None:
        """Return the package that an instrumentation works on, None where there is no such
        instrumentation; ``component`` is ``package/runner``."""
        name, _, runner = component.partition("/")
        package = self._installed.get(name)
        targets = {} if package is None else dict(package.manifest.instrumentations)
        return targets.get(name + runner if runner.startswith(".") else runner)

    @contextmanager
    def arriving(self) -> Iterator[Path]:
        """Give a file in which an APK can arrive; it is gone after the block, if it is still
        there. Raises InstallFailed where there is no room for one."""
        try:
            folder = Path(tempfile.mkdtemp(prefix=_ARRIVING, suffix=".tmp", dir=self._host(DATA)))
        except OSError as error:
            raise _no_room(error) from None
        try:
            yield folder / "base.apk"
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def install(self, apk: Path, *, downgrade: bool = False) -> Package:
        """Install the APK in a file that ``arriving`` gave. Raises InstallFailed."""
        try:
            manifest = read_manifest(apk)
        except BadApk as error:
            raise InstallFailed(str(error)) from None
        name = manifest.package
        if manifest.min_sdk > self._sdk:
            raise InstallFailed(
                f"INSTALL_FAILED_OLDER_SDK: Requires newer sdk version #{manifest.min_sdk} "
                f"(current version is #{self._sdk})"
            )
        with self._lock:
            before = self._installed.get(name)
            if before is None and len(self._installed) == MAX_PACKAGES:
                raise InstallFailed(f"INSTALL_FAILED_INSUFFICIENT_STORAGE: {MAX_PACKAGES} packages")
            current = 0 if before is None or downgrade else before.manifest.version_code
            if current > manifest.version_code:
                raise InstallFailed(
                    "INSTALL_FAILED_VERSION_DOWNGRADE: Downgrade detected: Update version code "
                    f"{manifest.version_code} is older than current {current}"
                )
            folder = f"{DATA}/{name}"
            path = f"{folder}/base.apk"
            self._place(apk, self._host(folder) / "base.apk")
            package = self._package(manifest, path, system=before is not None and before.system)
            self._take(package)
            self._write_index()
        self._phone.log("PackageManager", "INFO", f"installed {name} {manifest.version_code}")
        return package

    def uninstall(self, name: str, *, keep_data: bool = False) -> None:
        """Uninstall a package; of one that belongs to the system image, its updates. Raises
        InstallFailed."""
        with self._lock:
            package = self._installed.get(name)
            if package is None or not package.path.startswith(f"{DATA}/"):
                raise InstallFailed("DELETE_FAILED_INTERNAL_ERROR")
            self._screen.stop(name)
            shutil.rmtree(self._host(f"{DATA}/{name}", make=False), ignore_errors=True)
            if package.system:
                self._scan_one(SYSTEM, name)
            else:
                self._screen.remove(name)
                self._installed = {k: v for k, v in self._installed.items() if k != name}
            if not keep_data:
                self._remove_data(package)
        self._phone.log("PackageManager", "INFO", f"uninstalled {name}")

    def clear(self, name: str) -> None:
        """End a package's process and delete what it stored. Raises InstallFailed, FileError."""
        package = self._installed.get(name)
        if package is None:
            raise InstallFailed("Failed")
        self._screen.stop(name)
        self._remove_data(package)

    def _ship(self, manifests: Sequence[Manifest]) -> None:
        """Lay down what the phone comes with, once: what is uninstalled later stays so."""
        for manifest in manifests:
            name = manifest.package
            app = self._built_in.get(name)
            folder = SYSTEM if app is not None and app.system else DATA
            if name in self._came:
                continue
            self._came.append(name)
            try:
                self._host(f"{folder}/{name}").joinpath("base.apk").write_bytes(build(manifest))
            except OSError as error:
                self._complain(f"{name} cannot be laid down: {error.strerror}")

    def _scan(self) -> None:
        """Find out what is installed; an update counts, not what it updates."""
        for folder in (SYSTEM, DATA):
            try:
                entries = sorted(self._host(folder).iterdir())
            except OSError as error:
                self._complain(f"{folder} cannot be read: {error.strerror}")
                continue
            for entry in entries:
                if entry.name.startswith(_ARRIVING):
                    shutil.rmtree(entry, ignore_errors=True)
                elif len(self._installed) < MAX_PACKAGES:
                    self._scan_one(folder, entry.name)
        for name in self._built_in:
            if name not in self._installed:
                self._screen.remove(name)

    def _scan_one(self, folder: str, name: str) -> None:
        path = f"{folder}/{name}/base.apk"
        host = self._phone.files.host_path(path)
        try:
            manifest = read_manifest(host)
            if manifest.package != name:
                raise BadApk("INSTALL_FAILED_INVALID_APK", f"it is of {manifest.package}")
        except BadApk as error:
            self._complain(f"Failed to parse {path}: {error}")
            return
        before = self._installed.get(name)
        system = folder == SYSTEM or (before is not None and before.system)
        self._take(self._package(manifest, path, system=system))

    def _package(self, manifest: Manifest, path: str, *, system: bool) -> Package:
        name = manifest.package
        if name in SYSTEM_USER and system:
            uid = number_of("system")
        else:
            uid = self._uids.get(name) or self._free_uid()
            self._uids[name] = uid
        updated = self._phone.files.host_path(path).stat().st_mtime
        return Package(manifest, uid, path, system, updated)

    def _free_uid(self) -> int:
        taken = set(self._uids.values())
        for uid in range(_FIRST_UID, LAST_APP + 1):
            if uid not in taken:
                return uid
        raise InstallFailed("INSTALL_FAILED_INSUFFICIENT_STORAGE: no user id is free")

    def _take(self, package: Package) -> None:
        self._installed = {**self._installed, package.name: package}
        app = self._built_in.get(package.name)
        if app is None:
            return
        manifest = package.manifest
        # What runs is what the phone came with, whatever was installed over it.
        shown = replace(app, version=manifest.version_name, version_code=manifest.version_code)
        if not any(app == shown for app in self._screen.apps):
            self._screen.add(shown)

    def _place(self, apk: Path, target: Path) -> None:
        try:
            apk.replace(target)
            at = self._phone.now()
            os.utime(target, (at, at))
        except OSError as error:
            raise _no_room(error) from None

    def _remove_data(self, package: Package) -> None:
        if self._host(package.storage, make=False).exists():
            self._phone.files.remove(package.storage, recursive=True)

    def _host(self, folder: str, *, make: bool = True) -> Path:
        """Return where a folder is kept. The package manager's own are there whatever is mounted
        read-only."""
        host = self._phone.files.host_path(folder)
        if make:
            host.mkdir(mode=0o700, parents=True, exist_ok=True)
        return host

    def _read_index(self) -> tuple[list[str], dict[str, int]]:
        try:
            read = json.loads(self._phone.files.read(INDEX))
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

    def _write_index(self) -> None:
        content = json.dumps({"came": self._came, "uids": self._uids}, indent=1)
        try:
            self._phone.files.write(INDEX, content.encode(), mode=0o640)
        except FileError as error:
            self._complain(str(error))

    def _complain(self, message: str) -> None:
        self._phone.log("PackageManager", "ERROR", message)


def _manifest_of(app: App) -> Manifest:
    activity = app.activity if "." in app.activity[1:] else app.package + app.activity
    return Manifest(app.package, app.version_code, app.version, (activity,), activity)


def _no_room(error: OSError) -> InstallFailed:
    return InstallFailed(f"INSTALL_FAILED_INSUFFICIENT_STORAGE: {os.strerror(error.errno or 28)}")
