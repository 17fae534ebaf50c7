"""The phone's trust stores: folders of certificate files under Android's paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.phone.files import FileError, PhoneFiles
from lab.pinning.pins import read_certificate

SYSTEM_STORE = "/system/etc/security/cacerts"
USER_STORE = "/data/misc/user/0/cacerts-added"
MAX_ANCHORS = 500


@dataclass(frozen=True, slots=True)
class _Held:
    generation: int
    system: tuple[bytes, ...]
    user: tuple[bytes, ...]


class TrustStores:
    """What the phone trusts: every certificate file (PEM or DER) in the two stores."""

    def __init__(self, files: PhoneFiles, complain: Callable[[str], None]) -> None:
        self._files = files
        self._complain = complain
        files.make_folder(SYSTEM_STORE)
        files.make_folder(USER_STORE)
        self._held = self._read()

    def install_factory(self, certificates: Sequence[x509.Certificate]) -> None:
        """Put what the phone ships with into the system store."""
        for number, certificate in enumerate(certificates):
            path = f"{SYSTEM_STORE}/factory-{number}.0"
            self._files.write(path, certificate.public_bytes(Encoding.PEM))

    def anchors(self, user_store: bool) -> tuple[bytes, ...]:
        """Return the trust anchors, DER; the user's as well where ``user_store`` says so."""
        if self._held.generation != self._files.generation:
            self._held = self._read()
        held = self._held
        return held.system + held.user if user_store else held.system

    def _read(self) -> _Held:
        # Taken first: a change while reading makes this reading stale, never the other way round.
        generation = self._files.generation
        return _Held(generation, self._store(SYSTEM_STORE), self._store(USER_STORE))

    def _store(self, folder: str) -> tuple[bytes, ...]:
        anchors: dict[bytes, None] = {}
        try:
            names = self._files.names(folder)
        except FileError:
            return ()
        for name in names[:MAX_ANCHORS]:
            try:
                content = self._files.read(f"{folder}/{name}")
                certificate = read_certificate(content)
                anchors[certificate.public_bytes(Encoding.DER)] = None
            except (FileError, ValueError) as error:
                self._complain(f"{folder}/{name} is no certificate: {error}")
        return tuple(anchors)
