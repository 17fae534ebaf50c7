"""The CA certificates that the phone's user installed, as Settings works them.

Files are named and filled as Android's TrustedCertificateStore does: the old subject hash, a
number, DER.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from lab.phone.files import FileError, PhoneFiles
from lab.phone.node import one_line
from lab.phone.trust import MAX_ANCHORS, USER_STORE
from lab.pinning.pins import read_certificate
from lab.pki.store_names import subject_hash_old

DOWNLOADS = "/sdcard/Download"
ENDINGS = (".crt", ".cer", ".pem", ".der")
"""The files that the picker offers: those of a certificate's media types."""
MAX_NAME = 100


class NoAuthority(Exception):
    """A file is not a CA's certificate; the message says why."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate as the lists of Settings show it."""

    title: str
    """The organization, else the common name."""
    summary: str
    """The common name, where the title is not that."""
    detail: str
    """Who it was issued to and by, and when it is valid."""


@dataclass(frozen=True, slots=True)
class UserCa:
    """A certificate in the user's store."""

    path: str
    shown: Shown


class UserCas:
    """Installs, lists and removes. May be used from any thread."""

    def __init__(self, files: PhoneFiles) -> None:
        self._files = files

    def offered(self) -> list[str]:
        """Return the names of the files that can be picked."""
        try:
            names = self._files.names(DOWNLOADS)
        except FileError:
            return []
        return [name for name in names if name.lower().endswith(ENDINGS)]

    def install(self, name: str) -> Shown:
        """Install the certificate in the downloaded file ``name``; one that is there already is
        not installed twice. Raises NoAuthority."""
        certificate, names = self._authority(name)
        content = certificate.public_bytes(Encoding.DER)
        stem = f"{USER_STORE}/{subject_hash_old(certificate)}"
        for number in range(MAX_ANCHORS):
            held = self._content(f"{stem}.{number}")
            if held is None:
                self._write(f"{stem}.{number}", content)
            if held is None or _is(held, certificate):
                return names
        raise NoAuthority("There are too many certificates of this name.")

    def installed(self) -> list[UserCa]:
        """Return what is in the store."""
        found = []
        try:
            names = self._files.names(USER_STORE)
        except FileError:
            return []
        for name in names[:MAX_ANCHORS]:
            path = f"{USER_STORE}/{name}"
            try:
                found.append(UserCa(path, shown(read_certificate(self._files.read(path)))))
            except (FileError, ValueError):
                # What cannot be read vouches for nothing, and Settings does not show it.
                continue
        return found

    def remove(self, ca: UserCa) -> None:
        """Remove a certificate; one that has gone already is no matter.

        Numbers are read up to the first gap: an empty file stays where others follow, and goes
        with the last of them.
        """
        stem, _, number = ca.path.rpartition(".")
        with suppress(FileError, ValueError):
            at = int(number)
            if self._content(f"{stem}.{at + 1}") is not None:
                self._files.write(ca.path, b"")
                return
            self._files.remove(ca.path)
            while self._content(f"{stem}.{at - 1}") == b"":
                at -= 1
                self._files.remove(f"{stem}.{at}")

    def _content(self, path: str) -> bytes | None:
        try:
            return self._files.read(path)
        except FileError:
            return None

    def _authority(self, name: str) -> tuple[x509.Certificate, Shown]:
        try:
            certificate = read_certificate(self._files.read(f"{DOWNLOADS}/{name}"))
            names = shown(certificate)
        except (FileError, ValueError):
            raise NoAuthority("The file holds no certificate.") from None
        if not _is_authority(certificate):
            raise NoAuthority("The certificate is not that of a CA.")
        return certificate, names

    def _write(self, path: str, content: bytes) -> None:
        try:
            self._files.write(path, content)
        except FileError as error:
            raise NoAuthority(str(error)) from None


def _is(content: bytes, certificate: x509.Certificate) -> bool:
    try:
        return read_certificate(content) == certificate
    except ValueError:
        return False


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    return found.value.ca


def shown(certificate: x509.Certificate) -> Shown:
    """Return what Settings shows of a certificate."""
    common = _part(certificate.subject, NameOID.COMMON_NAME)
    title = _part(certificate.subject, NameOID.ORGANIZATION_NAME) or common or "(unnamed)"
    issuer = _part(certificate.issuer, NameOID.COMMON_NAME)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    dates = f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}"
    detail = f"Issued to: {common or title}\nIssued by: {issuer}\nValidity: {dates}"
    return Shown(title, common if common != title else "", detail)


def _part(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return one_line(str(found[0].value), MAX_NAME) if found else ""
