"""The keys that a phone knows this machine by (adb's AUTH messages)."""

from __future__ import annotations

import base64
import getpass
import os
import secrets
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lab.devices.state_folder import reason, state_folder
from lab.model.device import DeviceLost

OWN = "adbkey"
"""Name of the lab's own key in its state folder."""
BITS = 2048
"""Android takes no other size."""
MOST_KEYS = 20
LONGEST_FILE = 64 * 1024

_WORDS = BITS // 32
_PUBLIC = struct.Struct(f"<LL{BITS // 8}s{BITS // 8}sL")


@dataclass(frozen=True, slots=True)
class AdbKey:
    """One key, as adb-shell asks for it."""

    path: Path
    private: rsa.RSAPrivateKey

    def Sign(self, data: bytes) -> bytes:  # noqa: N802 - adb-shell's name
        """Return the signature of a token, which stands for a SHA-1 digest. Raises ValueError
        for a token that is not as long as one."""
        token = bytes(data)
        return self.private.sign(token, padding.PKCS1v15(), Prehashed(hashes.SHA1()))  # noqa: S303

    def GetPublicKey(self) -> bytes:  # noqa: N802 - adb-shell's name
        """Return the public key as a phone keeps it: base64, a space, who it is."""
        return public_key(self.private.public_key()) + b" " + _who().encode("utf-8", "replace")


def public_key(key: rsa.RSAPublicKey) -> bytes:
    """Return base64 of Android's own structure of an RSA key (AOSP, libcrypto_utils
    android_pubkey.cpp): what a phone would compute with it is in there, too."""
    numbers = key.public_numbers()
    size = BITS // 8
    return base64.b64encode(
        _PUBLIC.pack(
            _WORDS,
            pow(-numbers.n, -1, 1 << 32),
            numbers.n.to_bytes(size, "little"),
            pow(2, 2 * BITS, numbers.n).to_bytes(size, "little"),
            numbers.e,
        )
    )


def find_keys(
    named: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[AdbKey, ...]:
    """Return the keys to try on a phone, the best first.

    ``named`` alone where it is given; else adb's own (``~/.android/adbkey``, and those that
    ``ADB_VENDOR_KEYS`` lists); where there are none, the lab's own, which is made the first time.
    Raises DeviceLost, which says which file, for a key that cannot be used: without it no phone
    is reached; and StateError where the lab's own cannot be kept.
    """
    seen = os.environ if environ is None else environ
    if named is not None:
        return (_read(named),)
    return tuple(_read(path) for path in _of_adb(seen)) or (_own(state_folder(seen) / OWN),)


def _of_adb(environ: Mapping[str, str]) -> list[Path]:
    """Return the files in which adb itself would look for keys (``adb help``)."""
    home = environ.get("ANDROID_USER_HOME") or environ.get("ANDROID_SDK_HOME")
    folder = Path(home) if home else Path(environ.get("HOME") or "/nonexistent") / ".android"
    found = [folder / "adbkey"]
    for name in filter(None, environ.get("ADB_VENDOR_KEYS", "").split(os.pathsep)):
        path = Path(name)
        found += sorted(path.glob("*.adb_key")) if path.is_dir() else [path]
    return [path for path in found if path.is_file()][:MOST_KEYS]


def _own(path: Path) -> AdbKey:
    """Return the lab's own key. Raises DeviceLost."""
    try:
        if not path.exists():
            _make(path)
    except OSError as error:
        raise DeviceLost(f"{path}: the lab's adb key cannot be kept: {reason(error)}") from None
    return _read(path)


def _make(path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    begun = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
        # Not replaced where another process was first: a phone may know that one already.
        os.link(begun, path)
    except FileExistsError:
        pass
    finally:
        begun.unlink(missing_ok=True)


def _read(path: Path) -> AdbKey:
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_FILE)
    except OSError as error:
        raise DeviceLost(f"{path}: the adb key cannot be read: {reason(error)}") from None
    try:
        key = load_pem_private_key(text, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise DeviceLost(
            f"{path}: no private key as adb makes them (PEM, without a password)"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size != BITS:
        raise DeviceLost(f"{path}: Android takes RSA keys of {BITS} bits only")
    return AdbKey(path, key)


def _who() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
