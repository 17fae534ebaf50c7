"""Apps on an iPhone, over USB: installation_proxy's client, with AFC to bring an .ipa there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.devices.android.link import CommandRefused
from lab.devices.ios import afc
from lab.devices.ios.reach import Reach
from lab.devices.journal_entry import shown
from lab.devices.state_folder import reason
from lab.phone.ios.lockdown.handset import InstallRefused
from lab.phone.ios.lockdown.ipa import read_ipa
from lab.phone.ios.lockdown.plist import Plist

SERVICE = "com.apple.mobile.installation_proxy"
STAGED = "PublicStaging/trustpin-lab.ipa"
INSTALL_CAP = 180.0
"""Seconds that an installation may take."""
LARGEST = 1024 * 1024 * 1024
"""Bytes of an .ipa."""
_WANTED = (
    "CFBundleIdentifier",
    "CFBundleShortVersionString",
    "CFBundleVersion",
    "ApplicationType",
)


@dataclass(frozen=True, slots=True)
class AppFacts:
    """The build of an app that is installed."""

    bundle_id: str
    version: str
    """CFBundleShortVersionString."""
    build: str
    """CFBundleVersion."""


@dataclass(frozen=True, slots=True)
class Build:
    """An .ipa of the app under test."""

    file: Path
    content: bytes = field(repr=False)
    sha256: str
    app: AppFacts
    """What it says of itself."""

    @classmethod
    def read(cls, file: Path) -> Build:
        """Read a file. Raises CommandRefused."""
        try:
            if file.stat().st_size > LARGEST:
                raise CommandRefused(f"{file}: longer than {LARGEST} bytes")
            content = file.read_bytes()
        except OSError as error:
            raise CommandRefused(f"the build cannot be read: {reason(error)}") from None
        try:
            found = read_ipa(file)
        except InstallRefused as error:
            raise CommandRefused(f"{file} is no build of an app: {error}") from None
        digest = hashlib.sha256(content).hexdigest()
        return cls(file, content, digest, AppFacts(found.bundle_id, found.version, found.build))


class AppService:
    """Looks apps up, installs and removes them. Methods raise DeviceLost, CommandRefused."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def find(self, bundle_id: str) -> AppFacts | None:
        """Return what is installed of an app, None for nothing."""
        with self._reach.service(SERVICE) as service:
            answer = service.ask(
                {
                    "Command": "Lookup",
                    "ClientOptions": {
                        "BundleIDs": [bundle_id],
                        "ReturnAttributes": list(_WANTED),
                    },
                }
            )
        found = answer.get("LookupResult")
        if not isinstance(found, dict):
            raise CommandRefused(f"the iPhone does not say which apps it has: {_words(answer)}")
        told = found.get(bundle_id)
        if not isinstance(told, dict):
            return None
        version, build = (told.get(name) for name in _WANTED[1:3])
        return AppFacts(bundle_id, shown(str(version or "")), shown(str(build or "")))

    def install(self, build: Build) -> None:
        """Install an .ipa; an app of its bundle id is replaced and keeps its data."""
        afc.push(self._reach, STAGED, build.content)
        self._run(
            {
                "Command": "Install",
                "PackagePath": STAGED,
                "ClientOptions": {"PackageType": "Developer"},
            }
        )

    def uninstall(self, bundle_id: str) -> None:
        """Remove an app with its data; one that is not installed is no matter."""
        self._run({"Command": "Uninstall", "ApplicationIdentifier": bundle_id})

    def _run(self, command: Mapping[str, Plist]) -> None:
        """Let a command be carried out to its end."""
        with self._reach.service(SERVICE) as service:
            service.send(command)
            while True:
                answer = service.receive(INSTALL_CAP)
                if "Error" in answer:
                    raise CommandRefused(
                        f"the iPhone refuses {command['Command']!s}: {_words(answer)}"
                    )
                if answer.get("Status") == "Complete":
                    return


def _words(answer: Mapping[str, Plist]) -> str:
    parts = (answer.get("Error"), answer.get("ErrorDescription"))
    return shown(": ".join(str(part) for part in parts if part)) or "and does not say why"
