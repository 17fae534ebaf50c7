"""An iPhone's profiles as a computer manages them over USB (``handset.Management``)."""

from __future__ import annotations

from collections.abc import Callable

from lab.phone.ios.lockdown.handset import InstalledProfile, ProfileRefused
from lab.phone.ios.profile import BadProfile
from lab.phone.ios.profile_shelf import ProfileShelf

Log = Callable[[str, str, str], None]
"""Writes a line to the phone's log: tag, level, message."""


class ProfileManagement:
    """May be used from any thread. ``supervisors``: certificates (DER) of who supervises the
    phone."""

    def __init__(self, shelf: ProfileShelf, supervisors: tuple[bytes, ...], log: Log) -> None:
        self._shelf = shelf
        self.supervisors = supervisors
        self._log = log

    def offer(self, content: bytes) -> None:
        try:
            profile = self._shelf.offer(content)
        except BadProfile as error:
            raise ProfileRefused(str(error)) from None
        self._log("profile", "INFO", f"profile {profile.identifier} waits for its user")

    def install(self, content: bytes) -> None:
        try:
            profile = self._shelf.install(content)
        except BadProfile as error:
            raise ProfileRefused(str(error)) from None
        self._log("profile", "INFO", f"profile {profile.identifier} was installed")

    def installed(self) -> tuple[InstalledProfile, ...]:
        return tuple(
            InstalledProfile(
                profile.identifier,
                profile.uuid,
                profile.version,
                profile.name,
                profile.description,
                profile.organization,
                profile.removable,
            )
            for profile in self._shelf.installed
        )

    def remove(self, identifier: str) -> None:
        try:
            self._shelf.remove(identifier)
        except BadProfile as error:
            raise ProfileRefused(str(error)) from None
        self._log("profile", "INFO", f"profile {identifier} was removed")
