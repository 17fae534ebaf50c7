"""Android's Settings, as far as they are about trust: installing CA certificates by hand.

Words and order of the pages are those of AOSP, Android 10 to 16: android:res of
packages/apps/Settings and packages/apps/CertInstaller.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from lab.phone.activity import BaseActivity
from lab.phone.android.screen_lock import ScreenLock
from lab.phone.android.settings_view import PACKAGE, PICKER, Dialog, Sheet
from lab.phone.android.user_cas import NoAuthority, UserCa, UserCas, shown
from lab.phone.state import PhoneState
from lab.phone.ui import Changes
from lab.pinning.pins import read_certificate

SETTINGS = "android.settings.SETTINGS"
SECURITY = "android.settings.SECURITY_SETTINGS"
TRUSTED = "com.android.settings.TRUSTED_CREDENTIALS_USER"
INSTALL = "android.credentials.INSTALL"
ACTIONS = frozenset({SETTINGS, SECURITY, TRUSTED, INSTALL})

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
ENCRYPTION = "Encryption & credentials"
NAME_IT = "Name the certificate"
SHOW_ROOTS = "Show roots"

MakeSheet = Callable[[], Sheet]


@dataclass(frozen=True, slots=True)
class Wording:
    """What an Android version calls the way to its certificates."""

    security: str
    more: str
    """The page between; empty where there is none."""
    install: str
    kinds: bool
    """Whether one says first what the certificate is for."""


def wording_of(release: int) -> Wording:
    """Return the words of an Android version."""
    if release >= 14:
        return Wording(
            "Security & privacy", "More security & privacy", "Install a certificate", True
        )
    if release == 13:
        return Wording(
            "Security & privacy", "More security settings", "Install a certificate", True
        )
    if release == 12:
        return Wording("Security", "Advanced settings", "Install a certificate", True)
    if release == 11:
        return Wording("Security", "", "Install a certificate", True)
    return Wording("Security", "", "Install from storage", False)


class SettingsActivity(BaseActivity):
    """Settings, together with the file picker and the installer that they open."""

    package = PACKAGE
    name = ".Settings"

    def __init__(
        self, phone: PhoneState, changes: Changes | None = None, release: int = 14
    ) -> None:
        self._state = phone
        self._words = wording_of(release)
        self._cas = UserCas(phone.files)
        self._screen_lock = ScreenLock(phone.files)
        self._stack: list[MakeSheet] = [self._top]
        self._sheet = self._top()
        super().__init__(phone, changes or Changes(), self._sheet.root)
        self._show()

    def act(self, action: str) -> None:
        """Begin at the page that an intent means."""
        pages: dict[str, MakeSheet] = {
            SECURITY: self._security,
            TRUSTED: partial(self._trusted, "User"),
            INSTALL: self._only_here if self._words.kinds else self._pick,
        }
        with self._changes.edit():
            self._stack = [self._top, *([pages[action]] if action in pages else [])]
            self._show()

    def back(self) -> bool:
        with self._changes.edit():
            if len(self._stack) == 1:
                return False
            self._close_page()
            return True

    def scroll(self, *, down: bool) -> bool:
        with self._changes.edit():
            return self._sheet.scroll(down=down)

    # -- going from page to page ----------------------------------------------------------

    def _show(self) -> None:
        self._sheet = self._stack[-1]()
        self._root = self._sheet.root
        self._buttons = {self._sheet.up: self._close_page, **self._sheet.actions}

    def _open(self, page: MakeSheet) -> None:
        self._stack.append(page)
        self._show()

    def _to(self, page: MakeSheet) -> Callable[[], None]:
        return partial(self._open, page)

    def _close_page(self, count: int = 1) -> None:
        del self._stack[max(1, len(self._stack) - count) :]
        self._show()

    def _replace(self, page: MakeSheet) -> None:
        self._stack[-1] = page
        self._show()

    # -- the pages ------------------------------------------------------------------------

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

    # -- what is installed ----------------------------------------------------------------

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
