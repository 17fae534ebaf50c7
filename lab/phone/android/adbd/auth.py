"""Who may use adb: RSA keys in Android's own structure, and which of them the phone accepts.

The structure (AOSP, system/core/libcrypto_utils/android_pubkey.c) is five fields, little-endian:
the modulus' size in 32-bit words, ``-1/n[0] mod 2^32``, the modulus, ``R^2 mod n`` with
``R = 2^bits``, and the exponent. It travels as base64, a space and a comment.
"""

from __future__ import annotations

import base64
import binascii
import struct
import threading
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1

from lab.phone.files import FileError, PhoneFiles

KEYS_FILE = "/data/misc/adb/adb_keys"
"""Where Android keeps the keys that its user has accepted, one a line."""
TOKEN_SIZE = 20
MAX_KEYS = 100
"""Accepted keys that are read; the newest win."""
BITS = 2048
"""Size of an adb key; Android knows no other."""

_WORDS = BITS // 32
_SIZE = 4 + 4 + BITS // 8 + BITS // 8 + 4
_EXPONENTS = (3, 65537)


class KeyPolicy(StrEnum):
    """What happens to a key that the phone does not know."""

    ACCEPT = "accept"
    """It is kept, as if the user had tapped "always allow"."""
    REFUSE = "refuse"
    """It waits for a tap that never comes."""
    OPEN = "open"
    """Nobody is asked for a key, as on an emulator."""


def encode_public_key(key: rsa.RSAPublicKey, comment: str = "unknown@unknown") -> bytes:
    """Return a line of ``adbkey.pub``. Raises ValueError for a key of another size."""
    if key.key_size != BITS:
        raise ValueError(f"a key of {key.key_size} bits; adb knows {BITS} only")
    numbers = key.public_numbers()
    inverse = -pow(numbers.n, -1, 1 << 32) % (1 << 32)
    square = pow(1 << BITS, 2, numbers.n)
    packed = b"".join(
        (
            struct.pack("<II", _WORDS, inverse),
            numbers.n.to_bytes(BITS // 8, "little"),
            square.to_bytes(BITS // 8, "little"),
            struct.pack("<I", numbers.e),
        )
    )
    return base64.b64encode(packed) + b" " + comment.encode("utf-8", "replace")


def decode_public_key(line: bytes) -> rsa.RSAPublicKey:
    """Read a line of ``adbkey.pub``. Raises ValueError for anything else."""
    words = line.rstrip(b"\0\r\n ").split(b" ", 1)
    try:
        packed = base64.b64decode(words[0], validate=True)
    except binascii.Error:
        raise ValueError("an adb key that is not base64") from None
    if len(packed) != _SIZE or struct.unpack_from("<I", packed)[0] != _WORDS:
        raise ValueError("an adb key that has not 2048 bits")
    modulus = int.from_bytes(packed[8 : 8 + BITS // 8], "little")
    (exponent,) = struct.unpack_from("<I", packed, _SIZE - 4)
    if modulus.bit_length() != BITS or modulus % 2 == 0 or exponent not in _EXPONENTS:
        raise ValueError("an adb key that is no RSA key")
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def is_signed_by(key: rsa.RSAPublicKey, token: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is PKCS#1 v1.5 over ``token``, taken as a finished SHA-1 digest."""
    try:
        # The protocol's own choice; a fresh token of 20 bytes stands in for the digest.
        key.verify(signature, token, padding.PKCS1v15(), Prehashed(SHA1()))  # noqa: S303
    except InvalidSignature:
        return False
    return True


class AuthorizedKeys:
    """The keys that the phone accepts, kept in KEYS_FILE. May be used from any thread."""

    def __init__(self, files: PhoneFiles) -> None:
        self._files = files
        self._lock = threading.Lock()

    def has_signed(self, token: bytes, signature: bytes) -> bool:
        """Whether an accepted key made this signature."""
        return any(is_signed_by(key, token, signature) for key in self._keys())

    def accept(self, line: bytes) -> None:
        """Keep a key as it was sent. Raises ValueError where it is none, FileError."""
        key = decode_public_key(line)
        kept = encode_public_key(key, _comment(line)) + b"\n"
        with self._lock:
            lines = [*self._lines()[1 - MAX_KEYS :], kept]
            self._files.write(KEYS_FILE, b"".join(lines))

    def _keys(self) -> list[rsa.RSAPublicKey]:
        keys: list[rsa.RSAPublicKey] = []
        for line in self._lines()[-MAX_KEYS:]:
            try:
                keys.append(decode_public_key(line))
            except ValueError:
                # Not for adbd to judge: others write the file, too.
                continue
        return keys

    def _lines(self) -> list[bytes]:
        try:
            content = self._files.read(KEYS_FILE)
        except FileError:
            return []
        return [line.strip() + b"\n" for line in content.splitlines() if line.strip()]


def _comment(line: bytes) -> str:
    """Return a key's comment; it is the client's word, so it stays short and on one line."""
    _, _, comment = line.rstrip(b"\0\r\n ").partition(b" ")
    text = comment[:100].decode("ascii", "replace")
    return "".join(sign if sign.isprintable() else "?" for sign in text) or "unknown@unknown"
