"""The packages that are installed, kept in the phone's files.

``/data/app/PACKAGE/base.apk`` is what is installed, ``/system/app/PACKAGE/base.apk`` what belongs
to the system image. Signatures of APKs are not looked at.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lab.phone.android.accounts import number_of
from lab.phone.android.apk import BadApk, Manifest, read_manifest
from lab.phone.android.package_folders import DATA, SYSTEM, PackageFolders, apk_path
from lab.phone.android.package_index import PackageIndex
from lab.phone.state import PhoneState
from lab.phone.ui import App, Screen

MAX_APK = 256 * 1024 * 1024
"""Bytes of one APK."""
MAX_PACKAGES = 500


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
        self._folders = PackageFolders(phone)
        self._index = PackageIndex(phone.files, self._complain)
        self._ship([*(_manifest_of(app) for app in screen.shipped), *shipped])
        self._installed: dict[str, Package] = {}
        self._scan()
        self._index.write()

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
        with _room():
            apk = self._folders.arrival()
        try:
            yield apk
        finally:
            self._folders.discard(apk)

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
            with _room():
                path = self._folders.place(apk, name)
            package = self._package(manifest, path, system=before is not None and before.system)
            self._take(package)
            self._index.write()
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
            self._folders.remove(name)
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
            if not self._index.comes(name):
                continue
            app = self._built_in.get(name)
            try:
                self._folders.ship(manifest, system=app is not None and app.system)
            except OSError as error:
                self._complain(f"{name} cannot be laid down: {error.strerror}")

    def _scan(self) -> None:
        """Find out what is installed; an update counts, not what it updates."""
        for folder in (SYSTEM, DATA):
            try:
                names = self._folders.names(folder)
            except OSError as error:
                self._complain(f"{folder} cannot be read: {error.strerror}")
                continue
            for name in names:
                if len(self._installed) < MAX_PACKAGES:
                    self._scan_one(folder, name)
        for name in self._built_in:
            if name not in self._installed:
                self._screen.remove(name)

    def _scan_one(self, folder: str, name: str) -> None:
        path = apk_path(folder, name)
        try:
            manifest = self._folders.read(folder, name)
        except BadApk as error:
            self._complain(f"Failed to parse {path}: {error}")
            return
        before = self._installed.get(name)
        system = folder == SYSTEM or (before is not None and before.system)
        self._take(self._package(manifest, path, system=system))

    def _package(self, manifest: Manifest, path: str, *, system: bool) -> Package:
        uid = self._index.uid(manifest.package, system=system)
        if uid is None:
            raise InstallFailed("INSTALL_FAILED_INSUFFICIENT_STORAGE: no user id is free")
        return Package(manifest, uid, path, system, self._folders.updated(path))

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

    def _remove_data(self, package: Package) -> None:
        if self._phone.files.host_path(package.storage).exists():
            self._phone.files.remove(package.storage, recursive=True)

    def _complain(self, message: str) -> None:
        self._phone.log("PackageManager", "ERROR", message)


def _manifest_of(app: App) -> Manifest:
    activity = app.activity if "." in app.activity[1:] else app.package + app.activity
    return Manifest(app.package, app.version_code, app.version, (activity,), activity)


@contextmanager
def _room() -> Iterator[None]:
    """Turn what the disk fails with into InstallFailed."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno or errno.ENOSPC)
        raise InstallFailed(f"INSTALL_FAILED_INSUFFICIENT_STORAGE: {reason}") from None
