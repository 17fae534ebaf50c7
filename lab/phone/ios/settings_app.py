"""The iPhone's Settings, as far as the lab and its users need them: profiles, trust, Wi-Fi.

Words and order of the pages are those of iOS 18 in English, from Apple's support articles ("Install
a configuration profile", 102400; "Trust manually installed certificate profiles", 102390).
"""

from __future__ import annotations

from functools import partial

from lab.phone.ios.screen_seam import RootSwitch
from lab.phone.ios.settings_profiles import GENERAL, MANAGEMENT, ProfilePages
from lab.phone.ios.settings_stack import CANCEL
from lab.phone.ios.settings_view import NAME, SettingsPage
from lab.phone.ios.settings_wifi import WIFI, WifiPages

ABOUT, TRUST = "About", "Certificate Trust Settings"
DOWNLOADED = "Profile Downloaded"
FULL_TRUST = (
    "Warning: enabling this certificate for websites will allow third parties to view any private "
    "data sent to websites."
)


class SettingsActivity(ProfilePages, WifiPages):
    """Settings."""

    def _top(self) -> SettingsPage:
        page = SettingsPage(NAME)
        below = self._phone_below
        if below.profiles.waiting() is not None:
            page.row(DOWNLOADED, self._to(self._install))
        page.row("Airplane Mode")
        joined = below.joined
        page.row(WIFI, self._to(self._wifi), joined.ssid if joined is not None else "Not Connected")
        for title in ("Bluetooth", "Cellular", "Notifications", "Sounds & Haptics", "Focus"):
            page.row(title)
        page.row(GENERAL, self._to(self._general))
        for title in ("Display & Brightness", "Wallpaper", "Face ID & Passcode", "Privacy"):
            page.row(title)
        return page

    def _general(self) -> SettingsPage:
        page = SettingsPage(GENERAL, back=NAME)
        page.row(ABOUT, self._to(self._about))
        for title in ("Software Update", "AirDrop", "Date & Time", "Keyboard", "Language & Region"):
            page.row(title)
        page.row(MANAGEMENT, self._to(self._management))
        page.row("Transfer or Reset iPhone")
        return page

    def _about(self) -> SettingsPage:
        page = SettingsPage(ABOUT, back=GENERAL)
        identity = self._phone_below.identity
        page.row("Name", None, identity.name)
        page.row("iOS Version", None, f"{identity.version} ({identity.build})")
        page.row("Model Name", None, identity.model_name)
        page.row("Model Number", None, identity.product_type)
        page.row("Serial Number", None, identity.serial)
        page.row(TRUST, self._to(self._trust))
        return page

    def _trust(self) -> SettingsPage:
        page = SettingsPage(TRUST, back=ABOUT)
        roots = self._phone_below.trust_switches.roots()
        if roots:
            page.header("Enable Full Trust For Root Certificates")
        for root in roots:
            page.switch(root.name, partial(self._flip_trust, root), on=root.trusted)
        page.note("Learn more about trusted certificates")
        return page

    def _flip_trust(self, root: RootSwitch, trusted: bool) -> None:
        switches = self._phone_below.trust_switches

        def flip() -> None:
            switches.switch(root.sha256, trusted=trusted)
            self._phone.log(NAME, "INFO", f"full trust of {root.name}: {trusted}")
            self._show()

        if trusted:
            self._ask("Root Certificate", FULL_TRUST, (CANCEL, self._show), ("Continue", flip))
        else:
            flip()
