"""The phone's trust stores: folders of certificate files under Android's paths.

A certificate counts only under its right name, as in AOSP's TrustedCertificateStore: ``HASH.N``,
the hash of its subject and a number, from 0 on without a gap. Empty files keep a gap closed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.phone.files import FileError, PhoneFiles
from lab.pinning.pins import read_certificate
from lab.pki.store_names import subject_hash_old

SYSTEM_STORE = "/system/etc/security/cacerts"
APEX_STORE = "/apex/com.android.conscrypt/cacerts"
"""What is read instead of it by Android 14 and later."""
USER_STORE = "/data/misc/user/0/cacerts-added"
REMOVED_STORE = "/data/misc/user/0/cacerts-removed"
"""CAs of the system that the user has disabled."""
MAX_ANCHORS = 500

_NAME = re.compile(r"([0-9a-f]{8})\.(0|[1-9]\d{0,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Held:
    generation: int
    system: tuple[bytes, ...]
    user: tuple[bytes, ...]


class TrustStores:
    """What is trusted by those who see ``files`` as they are given, and read ``system_store``."""

    def __init__(
        self,
        files: PhoneFiles,
        complain: Callable[[str], None],
        *,
        system_store: str = SYSTEM_STORE,
    ) -> None:
        self._files = files
        self._complain = complain
        self._system_store = system_store
        self._said: frozenset[str] = frozenset()
        self._held: _Held | None = None

    def anchors(self, user_store: bool) -> tuple[bytes, ...]:
        """Return the trust anchors, DER; the user's as well where ``user_store`` says so."""
        held = self._held
        if held is None or held.generation != self._files.generation:
            held = self._held = self._read()
        return held.system + held.user if user_store else held.system

    def _read(self) -> _Held:
        # Taken first: a change while reading makes this reading stale, never the other way round.
        generation = self._files.generation
        complaints: list[str] = []
        system, user, removed = (
            read_store(self._files, folder, complaints)
            for folder in (self._system_store, USER_STORE, REMOVED_STORE)
        )
        for text in complaints:
            if text not in self._said:
                self._complain(text)
        self._said = frozenset(complaints)
        trusted = tuple(each for each in system if each not in removed)
        return _Held(generation, trusted, user)


def read_store(
    files: PhoneFiles, folder: str, complaints: list[str] | None = None
) -> tuple[bytes, ...]:
    """Return the certificates in a store, DER, and what is wrong with its other files."""
    complaints = [] if complaints is None else complaints
    try:
        names = files.names(folder)[:MAX_ANCHORS]
    except FileError:
        return ()
    anchors: dict[bytes, None] = {}
    numbers: dict[str, list[int]] = {}
    for name in names:
        match = _NAME.fullmatch(name)
        if match is None:
            complaints.append(f"{folder}/{name} is ignored: no name of a certificate's subject")
        else:
            numbers.setdefault(match[1], []).append(int(match[2]))
    for subject in numbers:
        for expected, number in enumerate(sorted(numbers[subject])):
            path = f"{folder}/{subject}.{number}"
            if number != expected:
                complaints.append(f"{path} is ignored: there is no {subject}.{expected}")
                break
            try:
                der = _certificate(files.read(path), subject)
            except (FileError, ValueError) as error:
                complaints.append(f"{path} is no certificate: {error}")
            else:
                anchors.update(dict.fromkeys(der))
    return tuple(anchors)


def install_factory(
    files: PhoneFiles, folder: str, certificates: Sequence[x509.Certificate]
) -> tuple[str, ...]:
    """Put what the phone ships with into a store and return the names of the files."""
    names: list[str] = []
    for certificate in certificates:
        subject = subject_hash_old(certificate)
        number = sum(name.startswith(subject) for name in names)
        names.append(f"{subject}.{number}")
        files.write(f"{folder}/{names[-1]}", certificate.public_bytes(Encoding.PEM))
    return tuple(names)


def _certificate(content: bytes, subject: str) -> list[bytes]:
    """Return the certificate in a file of this name, DER; nothing for an empty file. Raises
    ValueError."""
    if not content:
        return []
    certificate = read_certificate(content)
    if subject_hash_old(certificate) != subject:
        raise ValueError(f"its subject's name is {subject_hash_old(certificate)}")
    return [certificate.public_bytes(Encoding.DER)]
