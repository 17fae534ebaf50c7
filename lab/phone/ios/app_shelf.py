"""The apps of an iPhone: those that it came with, and what was installed."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab.phone.activity import BaseActivity
from lab.phone.files import FileError
from lab.phone.ios.lockdown.handset import InstalledApp, InstallRefused
from lab.phone.kept import Json, Kept
from lab.phone.node import FRAME, HEIGHT, WIDTH, Node
from lab.phone.services import PhoneServices
from lab.phone.ui import App, Changes, Screen

CONTAINERS = "/private/var/mobile/Containers/Data/Application"
RUNNER = "com.facebook.WebDriverAgentRunner.xctrunner"
"""The automation server, which is an app to iOS."""
MAX_APPS = 200

_INSTALLED, _REMOVED = "apps installed", "apps removed"


def container_of(bundle_id: str) -> str:
    """Return the path of an app's private directory. A real iPhone makes up another one with each
    installation; what is in it is gone all the same."""
    return f"{CONTAINERS}/{str(uuid.uuid5(uuid.NAMESPACE_DNS, bundle_id)).upper()}"


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """What is known of an app that the phone plays itself."""

    name: str
    executable: str
    system: bool = False
    build: str = "1"


class AppShelf:
    """Installs and removes apps (``handset.Apps``). May be used from any thread.

    ``built_in`` says by their bundle ids which apps the phone can play: these come with it, and
    an .ipa with one of their ids is that app again. Any other one is there, with an empty screen.
    """

    def __init__(
        self,
        kept: Kept,
        screen: Screen,
        built_in: Mapping[str, BuiltIn],
        open_process: Callable[[str], PhoneServices],
    ) -> None:
        self._kept = kept
        self._screen = screen
        self._shipped = {app.package: app for app in screen.shipped}
        self._built_in = built_in
        self._open_process = open_process
        self._lock = threading.RLock()
        before = kept.load()
        self._installed = _apps(before.get(_INSTALLED))
        removed = before.get(_REMOVED)
        self._removed = {str(each) for each in removed} if isinstance(removed, list) else set()
        for bundle_id in self._removed:
            screen.remove(bundle_id)
        for app in self._installed.values():
            if app.bundle_id in self._shipped:
                continue
            screen.add(self._blank(app))

    def installed(self) -> tuple[InstalledApp, ...]:
        there = {
            name: InstalledApp(
                bundle_id=name,
                name=known.name,
                version=self._shipped[name].version if name in self._shipped else "1.0",
                build=known.build,
                executable=known.executable,
                system=known.system,
                container="" if known.system else container_of(name),
            )
            for name, known in self._built_in.items()
            if name not in self._removed
        }
        there |= self._installed
        return tuple(there[name] for name in sorted(there))

    def install(self, app: InstalledApp, ipa: Path) -> None:
        ipa.unlink(missing_ok=True)
        known = self._built_in.get(app.bundle_id)
        with self._lock:
            if known is not None and known.system:
                raise InstallRefused("ApplicationVerificationFailed", "It belongs to iOS.")
            if app.bundle_id not in self._installed and len(self._installed) >= MAX_APPS:
                raise InstallRefused("InstallFailed", "There is no room for another app.")
            played = self._shipped.get(app.bundle_id)
            if played is not None:
                self._screen.add(played)
            elif app.bundle_id != RUNNER:
                self._screen.add(self._blank(app))
            placed = InstalledApp(
                bundle_id=app.bundle_id,
                name=app.name,
                version=app.version,
                build=app.build,
                executable=app.executable,
                container=container_of(app.bundle_id),
                info=app.info,
            )
            self._installed = {**self._installed, app.bundle_id: placed}
            self._removed.discard(app.bundle_id)
            self._keep()

    def uninstall(self, bundle_id: str) -> None:
        known = self._built_in.get(bundle_id)
        with self._lock:
            if known is not None and known.system:
                raise InstallRefused("UninstallProhibited", "It belongs to iOS.")
            if bundle_id not in {app.bundle_id for app in self.installed()}:
                return
            with suppress(ValueError, FileError):
                self._screen.clear(bundle_id)
            self._screen.remove(bundle_id)
            self._installed = {k: v for k, v in self._installed.items() if k != bundle_id}
            if known is not None:
                self._removed.add(bundle_id)
            self._keep()

    def _blank(self, app: InstalledApp) -> App:
        def start(_: Path, changes: Changes) -> BlankActivity:
            return BlankActivity(app.bundle_id, self._open_process(app.bundle_id), changes)

        return App(
            app.bundle_id,
            app.version,
            BlankActivity.name,
            start,
            label=app.name,
            container=container_of(app.bundle_id),
        )

    def _keep(self) -> None:
        installed: list[Json] = [
            [app.bundle_id, app.name, app.version, app.build, app.executable]
            for app in self._installed.values()
        ]
        self._kept.set(_INSTALLED, installed)
        removed: list[Json] = [*sorted(self._removed)]
        self._kept.set(_REMOVED, removed)


class BlankActivity(BaseActivity):
    """An app that this phone cannot play: there, and without anything on its screen."""

    name = ".Main"

    def __init__(self, bundle_id: str, phone: PhoneServices, changes: Changes) -> None:
        self.package = bundle_id
        super().__init__(phone, changes, Node("root", FRAME, (0, 0, WIDTH, HEIGHT), bundle_id))


def _apps(told: Json) -> dict[str, InstalledApp]:
    found: dict[str, InstalledApp] = {}
    for each in told if isinstance(told, list) else []:
        match each:
            case [str(bundle_id), str(name), str(version), str(build), str(executable)]:
                found[bundle_id] = InstalledApp(
                    bundle_id, name, version, build, executable, container=container_of(bundle_id)
                )
    return found
