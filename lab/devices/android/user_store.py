"""The user's trust store: what somebody added in Settings."""

from __future__ import annotations

import shlex
import ssl
from collections.abc import Mapping, Sequence
from typing import Protocol

from cryptography import x509

from lab.devices.android.link import AdbLink, CommandRefused
from lab.devices.android.marks import holds, succeeded
from lab.devices.android.root import RootShell
from lab.devices.android.stores import (
    as_value,
    listing,
    names_of,
    read_listing,
    store_files,
    write_command,
)
from lab.devices.android.values import texts
from lab.devices.item import Value
from lab.pki.store_names import subject_hash_old

FOLDER = "/data/misc/user/0/cacerts-added"
"""Of the phone's first user."""
DOWNLOADS = "/sdcard/Download"
"""Where Settings looks for a certificate to install."""


class FileUserStore:
    """Implements ``CaStore`` on rooted phones: the store's own files."""

    def __init__(self, shell: RootShell) -> None:
        self._shell = shell
        self._ours: set[str] = set()

    def hold(self, certificates: Sequence[bytes]) -> None:
        there = self._read()
        files = store_files(certificates, there.keys() - self._ours)
        if all(there.get(file.name) == file.sha256 for file in files) and (
            self._ours & there.keys() == {file.name for file in files}
        ):
            return
        # Whatever becomes of the command, these are the lab's from now on.
        unwanted = self._ours - {file.name for file in files}
        self._ours |= {file.name for file in files}
        change = (
            f"mkdir -p -m 755 {FOLDER} && {write_command(FOLDER, files, unwanted)} && "
            f"chown system:system {FOLDER} {' '.join(shlex.quote(file.name) for file in files)}"
        )
        # The security label that the folder's files have; without SELinux there is none.
        label = f"restorecon -R {FOLDER} 2>/dev/null"
        answers = self._shell.ask({"change": change, "label": label, "now": listing(FOLDER)})
        succeeded(f"writing {FOLDER}", answers["change"])
        now = read_listing(answers["now"])
        if any(now.get(file.name) != file.sha256 for file in files) or unwanted & now.keys():
            raise CommandRefused(f"{FOLDER} does not hold what was written there")
        self._ours = {file.name for file in files}

    def _read(self) -> dict[str, str]:
        return read_user_store(self._shell)


class SettingsPage(Protocol):
    """Settings on the phone's screen, as Appium drives it. Methods raise DeviceLost, and
    CommandRefused or NotReady where the screen is not what it should be."""

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
        for der, name in list(self._ours.items()):
            if der not in certificates:
                self._page.remove_ca(name)
                del self._ours[der]
        for der in certificates:
            if der in self._ours:
                continue
            certificate = x509.load_der_x509_certificate(der)
            path = f"{DOWNLOADS}/trustpin-lab-{subject_hash_old(certificate)}.crt"
            self._link.push(ssl.DER_cert_to_PEM_cert(der).encode("ascii"), path)
            name = ca_name(certificate)
            try:
                self._page.install_ca(name, path.rpartition("/")[2])
                self._ours[der] = name
            finally:
                self._link.shell(f"rm -f {path}")


class UserStoreItem:
    """The user's store on a rooted phone: its files."""

    kind = "user_store"

    def __init__(self, shell: RootShell) -> None:
        self._shell = shell

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"by": "files"}

    def read(self) -> Value:
        return [*as_value(read_user_store(self._shell))]

    def put_back(self, value: Value) -> None:
        """Remove what was not there: the lab takes nothing away."""
        before = texts(value)
        added = read_user_store(self._shell).keys() - names_of(before)
        if added:
            self._shell.shell(write_command(FOLDER, (), added))

    def same(self, before: Value, now: Value) -> bool:
        return texts(before) == texts(now)


class SettingsUserStoreItem:
    """The user's store as Settings shows it."""

    kind = "user_store"

    def __init__(self, page: SettingsPage | None) -> None:
        self._page = page

    @property
    def arguments(self) -> Mapping[str, str]:
        return {"by": "settings"}

    def read(self) -> Value:
        return sorted(self._screen().user_cas())

    def put_back(self, value: Value) -> None:
        before = texts(value)
        page = self._screen()
        for name in page.user_cas():
            if name not in before:
                page.remove_ca(name)

    def same(self, before: Value, now: Value) -> bool:
        return sorted(texts(before)) == sorted(texts(now))

    def _screen(self) -> SettingsPage:
        if self._page is None:
            raise CommandRefused(
                "a CA that was installed by Settings is removed by Settings: with Appium, or by "
                "hand (Settings, search for: trusted credentials, User)"
            )
        return self._page


def read_user_store(shell: RootShell) -> dict[str, str]:
    """Return the hash of each file of the user's store by its name; none where nobody ever added
    one. Raises DeviceLost, CommandRefused."""
    there = f"[ -d {FOLDER} ]"
    answers = shell.ask({"there": there, "files": listing(FOLDER)})
    return read_listing(answers["files"]) if holds(there, answers["there"]) else {}


def ca_name(certificate: x509.Certificate) -> str:
    """Return the name that Settings shows for a CA: its organization, or else its own name."""
    for kind in (x509.NameOID.ORGANIZATION_NAME, x509.NameOID.COMMON_NAME):
        if found := certificate.subject.get_attributes_for_oid(kind):
            return str(found[0].value)
    return certificate.subject.rfc4514_string()
