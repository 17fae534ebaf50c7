"""The user's trust store on a phone as it is sold: a hand in Settings."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from cryptography import x509
from selenium.common.exceptions import WebDriverException

from lab.apps.android import NotOnScreen, ScreenUnreadable, said
from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.values import texts
from lab.devices.item import Value
from lab.devices.journal_entry import shown
from lab.pki.store_names import subject_hash_old

DOWNLOADS = "/sdcard/Download"
"""Where Settings looks for a certificate to install."""


class SettingsPage(Protocol):
    """Settings on the phone's screen (``lab.apps.settings_android.AndroidSettingsApp``). Methods
    raise DeviceLost, NotOnScreen, ScreenUnreadable and WebDriverException."""

    def install_ca(self, name: str, file_name: str) -> None:
        """Install the certificate in this file of the Download folder."""

    def remove_ca(self, name: str) -> None:
        """Remove the CA of this name."""

    def user_cas(self) -> list[str]:
        """Return the names of the user's CAs."""


class SettingsUserStore:
    """Implements ``CaStore`` on phones as they are sold: a hand in Settings."""

    def __init__(self, link: AdbLink, page: SettingsPage) -> None:
        self._link = link
        self._page = page
        self._ours: dict[bytes, str] = {}

    def hold(self, certificates: Sequence[bytes]) -> None:
        names = {der: ca_name(x509.load_der_x509_certificate(der)) for der in certificates}
        if len(set(names.values())) < len(names):
            raise CommandRefused("Settings cannot tell two CAs of one name from each other")
        for der, name in list(self._ours.items()):
            if der not in names:
                with by_hand(f"removing the CA {name}"):
                    self._page.remove_ca(name)
                del self._ours[der]
        for der, name in names.items():
            if der not in self._ours:
                self._install(der, name)

    def _install(self, der: bytes, name: str) -> None:
        subject = subject_hash_old(x509.load_der_x509_certificate(der))
        path = f"{DOWNLOADS}/trustpin-lab-{subject}.crt"
        self._link.push(ssl.DER_cert_to_PEM_cert(der).encode("ascii"), path)
        try:
            with by_hand(f"installing the CA {name}"):
                self._page.install_ca(name, path.rpartition("/")[2])
            self._ours[der] = name
        finally:
            self._link.run(f"rm -f {path}")


class SettingsUserStoreItem:
    """The user's store as Settings shows it."""

    kind = "user_store"

    def __init__(self, page: SettingsPage | None) -> None:
        self._page = page

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"by": "settings"}

    def read(self) -> Value:
        with by_hand("reading the user's CAs"):
            return sorted(self._screen().user_cas())

    def put_back(self, value: Value) -> None:
        before = texts(value)
        page = self._screen()
        with by_hand("removing the user's new CAs"):
            for name in page.user_cas():
                if name not in before:
                    page.remove_ca(name)

    def same(self, before: Value, now: Value) -> bool:
        return sorted(texts(before)) == sorted(texts(now))

    def _screen(self) -> SettingsPage:
        if self._page is None:
            raise CommandRefused(
                "a CA that was installed by Settings is removed by Settings: with Appium, as the "
                "devices.yaml says that lists the phone (--devices-file), or by hand (Settings, "
                "search for: trusted credentials, User)"
            )
        return self._page


@contextmanager
def by_hand(doing: str) -> Iterator[None]:
    """Tell what goes wrong on the screen as what the phone refused."""
    try:
        yield
    except (NotOnScreen, ScreenUnreadable) as error:
        raise CommandRefused(f"{doing}: {shown(str(error))}") from None
    except WebDriverException as error:
        raise CommandRefused(f"{doing}: {shown(said(error))}") from None


def ca_name(certificate: x509.Certificate) -> str:
    """Return what tells a CA from others in Settings: its common name, else its organization."""
    for kind in (x509.NameOID.COMMON_NAME, x509.NameOID.ORGANIZATION_NAME):
        if found := certificate.subject.get_attributes_for_oid(kind):
            return str(found[0].value)
    return certificate.subject.rfc4514_string()
