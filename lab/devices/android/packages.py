"""Which apps are installed, as items of the undo journal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from lab.devices.android.apps import (
    AppVersion,
    package_name,
    read_packages,
    read_version,
    uninstall,
)
from lab.devices.android.facts import LARGEST_APK
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.values import mapping, text, texts
from lab.devices.item import Value

APPIUM = "io.appium."
"""How the packages begin that Appium brings along."""


class PackageItem:
    """One app: not installed, or in which build. The APK of a build that was there is kept in
    ``folder``, for it cannot be had from anywhere else. Raises ValueError for a name that is
    none."""

    kind = "package"

    def __init__(self, link: AdbLink, package: str, folder: Path) -> None:
        self._link = link
        self._package = package_name(package)
        self._folder = folder

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"package": self._package}

    def read(self) -> Value:
        """Return None where it is not installed, else its version and the hash of its APK, which
        is kept. An app that came in several APKs has no hash: it could not be put back."""
        version = read_version(self._link, self._package)
        if version is None:
            return None
        return {
            "version": version.name,
            "code": version.code,
            "apks": len(version.apks),
            "sha256": self._kept(version),
        }

    def put_back(self, value: Value) -> None:
        if value is None:
            if read_version(self._link, self._package) is not None:
                uninstall(self._link, self._package)
            return
        before, now = mapping(value), self.read()
        if now == value:
            return
        digest = text(before.get("sha256"))
        build = self._file(digest)
        if not digest or not build.is_file():
            raise CommandRefused(
                f"{self._package} {before.get('version')} was installed, and its APK was not kept: "
                "install it by hand"
            )
        if now is not None:
            # Neither an older version nor one of another signer goes over what is there.
            uninstall(self._link, self._package)
        self._link.install(build)

    def same(self, before: Value, now: Value) -> bool:
        return before == now

    def _kept(self, version: AppVersion) -> str:
        if len(version.apks) != 1:
            return ""
        content = self._link.pull(version.apks[0], limit=LARGEST_APK)
        digest = hashlib.sha256(content).hexdigest()
        kept = self._file(digest)
        if not kept.exists():
            kept.write_bytes(content)
        return digest

    def _file(self, digest: str) -> Path:
        if digest and (len(digest) != 64 or not digest.isalnum()):
            raise ValueError("'sha256' is no hash")
        return self._folder / f"{digest or 'none'}.apk"


class PackagesItem:
    """Which packages of a family are installed. Others come and go as they like."""

    kind = "packages"

    def __init__(self, link: AdbLink, prefix: str = APPIUM) -> None:
        if not prefix.endswith(".") or len(prefix) < 4:
            raise ValueError(f"{prefix!r} is no family of packages")
        self._link = link
        self._prefix = prefix

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"prefix": self._prefix}

    def read(self) -> Value:
        return list(read_packages(self._link, self._prefix))

    def put_back(self, value: Value) -> None:
        """Remove what was not there. What was there is never removed by the lab."""
        before = texts(value)
        for package in read_packages(self._link, self._prefix):
            if package not in before:
                uninstall(self._link, package)

    def same(self, before: Value, now: Value) -> bool:
        return texts(before) == texts(now)
