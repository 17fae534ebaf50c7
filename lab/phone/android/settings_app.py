"""Android's Settings, as far as they are about trust: installing CA certificates by hand.

Words and order of the pages are those of AOSP, Android 10 to 16: android:res of
packages/apps/Settings and packages/apps/CertInstaller.
"""

from __future__ import annotations

from functools import partial

from lab.phone.android.settings_install import InstallPages
from lab.phone.android.settings_stack import MakeSheet
from lab.phone.android.settings_trusted import TrustedPages
from lab.phone.android.settings_view import Sheet

SETTINGS = "android.settings.SETTINGS"
SECURITY = "android.settings.SECURITY_SETTINGS"
TRUSTED = "com.android.settings.TRUSTED_CREDENTIALS_USER"
INSTALL = "android.credentials.INSTALL"
ACTIONS = frozenset({SETTINGS, SECURITY, TRUSTED, INSTALL})
ENCRYPTION = "Encryption & credentials"


class SettingsActivity(InstallPages, TrustedPages):
    """Settings, together with the file picker and the installer that they open."""

    def act(self, action: str) -> None:
        """Begin at the page that an intent means."""
        pages: dict[str, MakeSheet] = {
            SECURITY: self._security,
            TRUSTED: partial(self._trusted, "User"),
            INSTALL: self._only_here if self._words.kinds else self._pick,
        }
        with self._changes.edit():
            self._begin_at(*([pages[action]] if action in pages else []))

    def _top(self) -> Sheet:
        sheet = Sheet("Settings", up="")
        for title in (
            "Network & internet",
            "Connected devices",
            "Apps",
            "Notifications",
            "Battery",
        ):
            sheet.row(title)
        for title in ("Storage", "Sound & vibration", "Display", "Wallpaper & style"):
            sheet.row(title)
        for title in ("Accessibility", "Location", "Safety & emergency", "Passwords & accounts"):
            sheet.row(title)
        sheet.row(self._words.security, self._to(self._security), "App security, device lock")
        for title in ("Google", "System", "About phone"):
            sheet.row(title)
        return sheet

    def _security(self) -> Sheet:
        sheet = Sheet(self._words.security)
        for title in ("App security", "Device unlock", "Account security", "Device finders"):
            sheet.row(title)
        if self._words.more:
            sheet.row(self._words.more, self._to(self._more), ENCRYPTION)
        else:
            sheet.row(ENCRYPTION, self._to(self._encryption), "Encrypted")
        return sheet

    def _more(self) -> Sheet:
        sheet = Sheet(self._words.more)
        sheet.row("Smart Lock")
        sheet.row("Device admin apps")
        sheet.row(ENCRYPTION, self._to(self._encryption), "Encrypted")
        sheet.row("App pinning")
        return sheet

    def _encryption(self) -> Sheet:
        sheet = Sheet(ENCRYPTION)
        sheet.row("Encrypt phone", None, "Encrypted")
        trusted = self._to(partial(self._trusted, "System"))
        sheet.row("Trusted credentials", trusted, "Display trusted CA certificates")
        sheet.row("User credentials", None, "View and modify stored credentials")
        words = self._words
        install = self._to(self._kinds if words.kinds else self._pick)
        sheet.row(words.install, install, "Install certificates from storage")
        sheet.row("Clear credentials", None, "Remove all certificates")
        return sheet
