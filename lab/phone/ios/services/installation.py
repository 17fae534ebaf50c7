"""``com.apple.mobile.installation_proxy``: which apps there are, and their coming and going."""

from __future__ import annotations

import posixpath
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from lab.phone.files import FileError
from lab.phone.ios.lockdown.handset import Handset, InstalledApp, InstallRefused
from lab.phone.ios.lockdown.ipa import read_ipa
from lab.phone.ios.lockdown.messages import send
from lab.phone.ios.lockdown.plist import Plist
from lab.phone.ios.lockdown.wire import Wire
from lab.phone.ios.services.afc_files import MEDIA
from lab.phone.ios.services.notifications import INSTALLED, UNINSTALLED, Notifications
from lab.phone.ios.services.wiring import Message, below, next_message, text, texts

COMPLETE: Message = {"Status": "Complete"}
INSTALLING = (
    ("CreatingStagingDirectory", 5),
    ("ExtractingPackage", 15),
    ("InspectingPackage", 20),
    ("PreflightingApplication", 30),
    ("VerifyingApplication", 40),
)
"""What is told, with a percentage, before an app is there."""
FINISHING = (("InstallingApplication", 60), ("GeneratingApplicationMap", 90))
REMOVING = (("RemovingApplication", 50), ("GeneratingApplicationMap", 90))
PAGE = 20
"""Apps in one answer to ``Browse``."""
_SPELLINGS = {
    "returnattributes": "ReturnAttributes",
    "applicationtype": "ApplicationType",
    "bundleids": "BundleIDs",
}
"""Names of options in small letters: over RemoteXPC some come in another spelling."""


class InstallationProxy:
    """The service."""

    def __init__(self, handset: Handset, notifications: Notifications) -> None:
        self._handset = handset
        self._notifications = notifications
        self._commands: dict[str, Callable[[Message], Iterable[Message]]] = {
            "Lookup": self._look_up,
            "Browse": self._browse,
            "Install": self._install,
            "Upgrade": self._install,
            "Uninstall": self._uninstall,
        }

    def __call__(self, wire: Wire) -> None:
        while True:
            request = next_message(wire)
            command = self._commands.get(text(request, "Command"))
            try:
                if command is None:
                    raise InstallRefused("UnknownCommand", "the command is not known")
                for answer in command(request):
                    send(wire, answer)
            except InstallRefused as error:
                send(wire, {"Error": error.name, "ErrorDescription": str(error)})

    def _look_up(self, request: Message) -> Iterator[Message]:
        options = _options(request)
        wanted = texts(options.get("BundleIDs")) if "BundleIDs" in options else None
        found = {
            app.bundle_id: _attributes(app, options)
            for app in self._chosen(options)
            if wanted is None or app.bundle_id in wanted
        }
        yield {"LookupResult": found, "Status": "Complete"}

    def _browse(self, request: Message) -> Iterator[Message]:
        options = _options(request)
        apps = [_attributes(app, options) for app in self._chosen(options)]
        for start in range(0, len(apps), PAGE):
            page = apps[start : start + PAGE]
            yield {
                "CurrentAmount": len(page),
                "CurrentIndex": start,
                "CurrentList": page,
                "Status": "BrowsingApplications",
                "Total": len(apps),
            }
        yield COMPLETE

    def _chosen(self, options: Message) -> list[InstalledApp]:
        kind = text(options, "ApplicationType")
        apps = self._handset.apps.installed()
        if kind in ("", "Any"):
            return list(apps)
        return [app for app in apps if app.system == (kind == "System")]

    def _install(self, request: Message) -> Iterator[Message]:
        path = posixpath.normpath("/" + text(request, "PackagePath"))
        try:
            package = self._handset.files.host_path(MEDIA + path)
            is_there = path != "/" and package.is_file()
        except (FileError, OSError, ValueError):
            is_there = False
        if not is_there:
            raise InstallRefused("InvalidPackagePath", f"{path[:200]} is not there")
        yield from _progress(INSTALLING)
        with tempfile.TemporaryDirectory(prefix="ipa") as folder:
            ipa = Path(folder) / "app.ipa"
            try:
                # What is installed is what was read: a client can still write to the file.
                shutil.copyfile(package, ipa)
                package.unlink()
            except OSError as error:
                raise InstallRefused("APIInternalError", str(error.strerror)) from None
            app = read_ipa(ipa)
            yield from _progress(FINISHING)
            self._handset.apps.install(app, ipa)
        self._handset.log("installd", "INFO", f"installed {app.bundle_id} {app.version}")
        self._notifications.post(INSTALLED)
        yield COMPLETE

    def _uninstall(self, request: Message) -> Iterator[Message]:
        bundle_id = text(request, "ApplicationIdentifier")
        if not bundle_id:
            raise InstallRefused("APIInternalError", "no ApplicationIdentifier")
        yield from _progress(REMOVING)
        self._handset.apps.uninstall(bundle_id)
        self._handset.log("installd", "INFO", f"uninstalled {bundle_id[:255]}")
        self._notifications.post(UNINSTALLED)
        yield COMPLETE


def _progress(steps: Iterable[tuple[str, int]]) -> Iterator[Message]:
    for status, percent in steps:
        yield {"Status": status, "PercentComplete": percent}


def _options(request: Message) -> dict[str, Plist]:
    options = below(request, "ClientOptions")
    return {_SPELLINGS.get(key.lower(), key): value for key, value in options.items()}


def _attributes(app: InstalledApp, options: Mapping[str, Plist]) -> dict[str, Plist]:
    """Return what is told of an app: what was asked for, all of it where nothing was."""
    bundle = f"/private/var/containers/Bundle/Application/{app.bundle_id}/{app.executable}.app"
    found: dict[str, Plist] = {
        **app.info,
        "ApplicationType": "System" if app.system else "User",
        "CFBundleDisplayName": app.name,
        "CFBundleExecutable": app.executable,
        "CFBundleIdentifier": app.bundle_id,
        "CFBundleName": app.name,
        "CFBundleShortVersionString": app.version,
        "CFBundleVersion": app.build,
        "Container": app.container,
        "Path": f"/Applications/{app.executable}.app" if app.system else bundle,
    }
    wanted = texts(options.get("ReturnAttributes"))
    return {key: value for key, value in found.items() if key in wanted} if wanted else found
