"""Installing a CA certificate by hand: Settings, the file picker and the installer."""

from __future__ import annotations

from functools import partial

from lab.phone.android.settings_stack import SettingsStack
from lab.phone.android.settings_view import PICKER, Dialog, Sheet
from lab.phone.android.user_cas import NoAuthority

NOT_PRIVATE = "Your data won't be private"
NOT_PRIVATE_TEXT = (
    "CA certificates are used by websites, apps, and VPNs for encryption. Only install CA "
    "certificates from organizations you trust.\n\nIf you install a CA certificate, the "
    "certificate owner could access your data, such as passwords or credit card details, from "
    "websites you visit or apps you use - even if your data is encrypted."
)
INSTALLED = "CA certificate installed"
CANNOT = "Can't install CA certificate"
ONLY_HERE = "CA certificates can put your privacy at risk and must be installed in Settings"
NAME_IT = "Name the certificate"
SHOW_ROOTS = "Show roots"


class InstallPages(SettingsStack):
    """Installs what was downloaded, once the user has been warned and has shown who they are."""

    # -- in Settings ----------------------------------------------------------------------

    def _kinds(self) -> Sheet:
        sheet = Sheet(self._words.install)
        sheet.row("CA certificate", self._to(self._warning))
        sheet.row("VPN & app user certificate")
        sheet.row("Wi-Fi certificate")
        return sheet

    def _warning(self) -> Sheet:
        sheet = Sheet(NOT_PRIVATE)
        sheet.text(NOT_PRIVATE_TEXT)
        sheet.button("Don't install", self._close_page)
        confirm = self._confirm if self._screen_lock.is_set else self._pick
        sheet.button("Install anyway", lambda: self._replace(confirm))
        return sheet

    def _confirm(self) -> Sheet:
        sheet = Sheet("Confirm your PIN")

        def entered() -> None:
            if self._screen_lock.fits(field.text):
                self._replace(self._pick)
            else:
                field.text = ""
                self._say("Wrong PIN")

        sheet.text("Use your device PIN to continue")
        field = sheet.field("PIN", entered, password=True)
        return sheet

    def _only_here(self) -> Sheet:
        dialog = Dialog(CANNOT, ONLY_HERE)
        dialog.answers(("Close", self._close_page))
        return dialog

    # -- the file picker ------------------------------------------------------------------

    def _pick(self) -> Sheet:
        sheet = Sheet("Recent", package=PICKER, up=SHOW_ROOTS)
        sheet.actions[sheet.up] = self._to(self._roots)
        sheet.text("No items")
        return sheet

    def _roots(self) -> Sheet:
        sheet = Sheet("Open from", package=PICKER, up="")
        sheet.row("Recent", self._close_page)
        sheet.row("Downloads", lambda: self._replace(self._downloads))
        return sheet

    def _downloads(self) -> Sheet:
        sheet = Sheet("Downloads", package=PICKER, up=SHOW_ROOTS)
        names = self._cas.offered()
        for name in names:
            sheet.row(name, partial(self._picked, name))
        if not names:
            sheet.text("No items")
        return sheet

    def _picked(self, name: str) -> None:
        # The picker is left, and with it the list of where to pick from.
        self._close_page(2)
        if self._words.kinds:
            self._install(name)
        else:
            self._open(partial(self._name_it, name))

    # -- the installer --------------------------------------------------------------------

    def _name_it(self, name: str) -> Sheet:
        dialog = Dialog(NAME_IT, "")
        dialog.field("Certificate name").text = name.rpartition(".")[0]

        def install() -> None:
            self._close_page()
            self._install(name)

        dialog.answers(("OK", install), ("Cancel", self._close_page))
        return dialog

    def _install(self, name: str) -> None:
        try:
            names = self._cas.install(name)
        except NoAuthority as error:
            self._open(partial(self._refused, str(error)))
            return
        self._phone.log("CertInstaller", "INFO", f"{INSTALLED}: {names.summary or names.title}")
        self._say(INSTALLED)

    def _refused(self, why: str) -> Sheet:
        dialog = Dialog(CANNOT, why)
        dialog.answers(("OK", self._close_page))
        return dialog
