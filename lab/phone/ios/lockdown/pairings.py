"""Which computers the phone trusts: kept in its files, where lockdownd keeps them.

``pair_records/HOSTID.plist`` holds what a computer sent in ``Pair``, ``device_private_key.pem``
the key that it is certified for.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from OpenSSL import SSL, crypto

from lab.phone.files import FileError, PhoneFiles
from lab.phone.ios.lockdown.keys import new_key, private_pem, public_pem, read_private
from lab.phone.ios.lockdown.plist import BadPlist, Plist, decode, encode

FOLDER = "/private/var/root/Library/Lockdown"
KEY_FILE = f"{FOLDER}/device_private_key.pem"
RECORDS = f"{FOLDER}/pair_records"
MAX_PEM = 16 * 1024
_HOST_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")
_CERTIFICATES = ("RootCertificate", "HostCertificate", "DeviceCertificate")


class PairingRefused(Exception):
    """A computer cannot be paired; ``str()`` is lockdownd's name for why."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """A computer that the phone trusts."""

    host_id: str
    system_buid: str
    host: bytes
    """The certificate (DER) that it shows in every session; libimobiledevice shows the root's
    instead."""
    root: bytes
    device: bytes
    """The certificate (PEM) that the phone shows to it."""
    key: rsa.RSAPublicKey
    """What that is for."""


class Pairings:
    """The computers that the phone trusts, ``limit`` at most. May be used from any thread."""

    def __init__(self, files: PhoneFiles, limit: int) -> None:
        self._files = files
        self._limit = limit
        self._lock = threading.RLock()
        self._key: rsa.RSAPrivateKey | None = None

    @property
    def public_key(self) -> bytes:
        """DevicePublicKey. The key is made when it is first asked for."""
        return public_pem(self._device_key())

    def add(self, record: Mapping[str, Plist]) -> None:
        """Trust a computer from now on. Raises PairingRefused, FileError."""
        pairing = _read(record)
        if pairing is None or not self._certifies_us(pairing):
            raise PairingRefused("InvalidPairRecord")
        kept: dict[str, Plist] = {
            key: record[key] for key in ("HostID", "SystemBUID", *_CERTIFICATES) if key in record
        }
        with self._lock:
            if pairing.host_id not in self._known() and len(self._known()) >= self._limit:
                raise PairingRefused("InvalidPairRecord")
            self._files.write(_path(pairing.host_id), encode(kept), mode=0o600)

    def find(self, host_id: str) -> Pairing | None:
        """Return the pairing with a computer, None where the phone does not know it."""
        if _HOST_ID.fullmatch(host_id) is None:
            return None
        try:
            pairing = _read(decode(self._files.read(_path(host_id))))
        except (FileError, BadPlist):
            return None
        # A phone whose key is another one by now could not show that certificate.
        return pairing if pairing is not None and self._certifies_us(pairing) else None

    def remove(self, host_id: str) -> bool:
        """Trust a computer no longer; False where the phone does not know it."""
        with self._lock:
            if self.find(host_id) is None:
                return False
            self._files.remove(_path(host_id))
            return True

    def tls(self, pairing: Pairing) -> SSL.Context:
        """Return what TLS with this computer needs: the phone serves, and demands a
        certificate of the pairing, byte for byte."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        # Computers sign their certificates as their tools did years ago, with SHA-1.
        context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        with tempfile.NamedTemporaryFile() as file:
            file.write(pairing.device)
            file.flush()
            context.use_certificate_file(file.name)
        context.use_privatekey(self._device_key())
        known = (pairing.host, pairing.root)

        def is_paired(
            _: SSL.Connection, served: crypto.X509, __: int, depth: int, ___: int
        ) -> bool:
            return depth > 0 or crypto.dump_certificate(crypto.FILETYPE_ASN1, served) in known

        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, is_paired)
        return context

    def _certifies_us(self, pairing: Pairing) -> bool:
        return pairing.key == self._device_key().public_key()

    def _known(self) -> set[str]:
        try:
            names = self._files.names(RECORDS)
        except FileError:
            return set()
        return {name.removesuffix(".plist") for name in names}

    def _device_key(self) -> rsa.RSAPrivateKey:
        with self._lock:
            if self._key is None:
                self._key = self._kept_key() or self._new_key()
            return self._key

    def _kept_key(self) -> rsa.RSAPrivateKey | None:
        try:
            return read_private(self._files.read(KEY_FILE))
        except (FileError, ValueError, TypeError):
            return None

    def _new_key(self) -> rsa.RSAPrivateKey:
        key = new_key()
        self._files.write(KEY_FILE, private_pem(key), mode=0o600)
        return key


def _path(host_id: str) -> str:
    return f"{RECORDS}/{host_id}.plist"


def _read(record: Mapping[str, Plist]) -> Pairing | None:
    """Read what a computer sent; None where something is missing or broken."""
    host_id, buid = record.get("HostID"), record.get("SystemBUID")
    if not isinstance(host_id, str) or _HOST_ID.fullmatch(host_id) is None:
        return None
    pems: list[bytes] = []
    certificates: list[crypto.X509] = []
    for name in _CERTIFICATES:
        pem = record.get(name)
        if not isinstance(pem, bytes) or len(pem) > MAX_PEM:
            return None
        try:
            # Not by ``cryptography``: it takes no serial number 0, as libimobiledevice's have.
            certificates.append(crypto.load_certificate(crypto.FILETYPE_PEM, pem))
        except crypto.Error:
            return None
        pems.append(pem)
    root, host = (crypto.dump_certificate(crypto.FILETYPE_ASN1, each) for each in certificates[:2])
    try:
        key = certificates[2].get_pubkey().to_cryptography_key()
    except (crypto.Error, ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    return Pairing(host_id, buid if isinstance(buid, str) else "", host, root, pems[2], key)
