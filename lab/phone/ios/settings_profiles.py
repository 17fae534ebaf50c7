"""Settings > General > VPN & Device Management: configuration profiles."""

from __future__ import annotations

from functools import partial

from lab.phone.ios.screen_seam import Profile
from lab.phone.ios.settings_stack import CANCEL, SettingsStack
from lab.phone.ios.settings_view import NAME, SettingsPage
from lab.phone.node import Look

GENERAL, MANAGEMENT = "General", "VPN & Device Management"
INSTALL, DONE, REMOVE = "Install", "Done", "Remove"
NOT_TRUSTED_YET = (
    "Installing the profile will add its certificates to the list of trusted certificates on your "
    "iPhone. They will not be trusted for websites until you enable them in Certificate Trust "
    "Settings."
)


class ProfilePages(SettingsStack):
    """Installs the profile that waits, and removes what is installed."""

    def _management(self) -> SettingsPage:
        page = SettingsPage(MANAGEMENT, back=GENERAL)
        profiles = self._phone_below.profiles
        waiting = profiles.waiting()
        if waiting is not None:
            page.header("Downloaded Profile")
            page.row(waiting.name, self._to(self._install), waiting.organization)
        installed = profiles.installed()
        if installed:
            page.header("Configuration Profile")
        for profile in installed:
            shown = self._to(partial(self._profile, profile.identifier))
            page.row(profile.name, shown, profile.organization)
        if waiting is None and not installed:
            page.note("No profiles are installed.")
        return page

    def _install(self) -> SettingsPage:
        page = SettingsPage("Install Profile")
        profile = self._phone_below.profiles.waiting()
        page.row(CANCEL, self._close)
        if profile is None:
            page.note("The profile is no longer there.")
            return page
        page.done(INSTALL, self._to(self._warning))
        _describe(page, profile)
        page.button("Remove Downloaded Profile", self._drop, Look.DANGER)
        return page

    def _warning(self) -> SettingsPage:
        page = SettingsPage("Warning")
        page.row(CANCEL, partial(self._close, 2))
        page.done(INSTALL, self._really_install)
        profile = self._phone_below.profiles.waiting()
        if profile is not None and "Certificate" in profile.contains:
            page.header("Root Certificate")
            page.note(NOT_TRUSTED_YET)
        if profile is not None and not profile.signed_by:
            page.header("Unsigned Profile")
            page.note("The profile is not signed.")
        return page

    def _really_install(self) -> None:
        def install() -> None:
            def act() -> None:
                profile = self._phone_below.profiles.install_waiting()
                self._phone.log(NAME, "INFO", f"profile installed: {profile.identifier}")
                self._stack[-2:] = [partial(self._installed, profile)]

            self._attempt(act, self._show)

        self._ask("", "", (CANCEL, self._show), (INSTALL, install))

    def _installed(self, profile: Profile) -> SettingsPage:
        page = SettingsPage("Profile Installed")
        page.done(DONE, self._close)
        _describe(page, profile)
        return page

    def _drop(self) -> None:
        self._phone_below.profiles.drop_waiting()
        self._close()

    def _profile(self, identifier: str) -> SettingsPage:
        page = SettingsPage("Profile", back=MANAGEMENT)
        installed = self._phone_below.profiles.installed()
        profile = next((each for each in installed if each.identifier == identifier), None)
        if profile is None:
            page.note("The profile is no longer there.")
            return page
        _describe(page, profile)
        if profile.removable:
            page.button("Remove Profile", partial(self._remove, profile), Look.DANGER)
        return page

    def _remove(self, profile: Profile) -> None:
        def remove() -> None:
            self._attempt(
                lambda: self._phone_below.profiles.remove(profile.identifier), self._close
            )
            self._phone.log(NAME, "INFO", f"profile removed: {profile.identifier}")

        self._ask("Remove Profile", profile.name, (CANCEL, self._show), (REMOVE, remove))


def _describe(page: SettingsPage, profile: Profile) -> None:
    page.row(profile.name, None, profile.organization)
    page.row("Signed by", None, profile.signed_by or "Not Signed")
    page.row("Contains", None, ", ".join(profile.contains))
