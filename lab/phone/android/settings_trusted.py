"""Settings > Trusted credentials: the CAs that the phone came with, and those of its user."""

from __future__ import annotations

from functools import partial

from lab.phone.android.settings_stack import SettingsStack
from lab.phone.android.settings_view import Dialog, Sheet
from lab.phone.android.user_cas import UserCa, shown
from lab.pinning.pins import read_certificate


class TrustedPages(SettingsStack):
    """Shows what is trusted, and removes what the user installed."""

    def _trusted(self, tab: str) -> Sheet:
        sheet = Sheet("Trusted credentials")
        sheet.tabs(
            ("System", "User"), tab, lambda name: self._replace(partial(self._trusted, name))
        )
        if tab == "User":
            for ca in self._cas.installed():
                sheet.row(
                    ca.shown.title, self._to(partial(self._certificate, ca)), ca.shown.summary
                )
        else:
            for der in self._state.trust_anchors(user_store=False):
                names = shown(read_certificate(der))
                sheet.row(names.title, None, names.summary)
        return sheet

    def _certificate(self, ca: UserCa) -> Sheet:
        dialog = Dialog("Security certificate", ca.shown.detail)
        remove = self._to(partial(self._sure, ca))
        dialog.answers(("Uninstall", remove), ("OK", self._close_page))
        return dialog

    def _sure(self, ca: UserCa) -> Sheet:
        dialog = Dialog("", "Permanently remove the user CA certificate?")

        def remove() -> None:
            self._cas.remove(ca)
            self._phone.log("Settings", "INFO", f"CA certificate removed: {ca.path}")
            self._close_page(2)

        dialog.answers(("OK", remove), ("Cancel", self._close_page))
        return dialog
