"""Keys that take long to make: one of a kind in a process, made when it is first asked for.

An RSA key of 4096 bits costs the better part of a second, more than the scenario that needs it.
Processes of one run may share them, by a folder that is theirs alone.
"""

from __future__ import annotations

import fcntl
import functools
import threading
from math import gcd
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lab.pki.credential import write_private
from lab.pki.keys import KeyType, PrivateKey, key_pem, new_key

_EXPONENTS = (65539, 65543, 65551, 65557)
"""The primes that follow 65537."""

_making = threading.RLock()


class _Shelf:
    """Where the processes of a run leave keys for each other; nowhere while ``folder`` is None."""

    folder: Path | None = None


def share_keys(folder: Path) -> None:
    """Share the RSA keys that are made from now on with all processes that are given this folder,
    which none but their user may read."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _Shelf.folder = folder


def kept_key(kind: KeyType) -> PrivateKey:
    """Return this process's key of ``kind``; always the same one. May be called from any thread."""
    # Without the lock two threads that ask at once would get two keys.
    with _making:
        return _made(kind)


def nearest_key(kind: KeyType) -> PrivateKey:
    """Return another key of ``kind``: of RSA keys one with the modulus of ``kept_key`` and another
    exponent, so that they differ in the last bytes of their SubjectPublicKeyInfo alone."""
    with _making:
        return _other(kind)


@functools.cache
def _made(kind: KeyType) -> PrivateKey:
    if _Shelf.folder is None or not kind.startswith("rsa"):
        return new_key(kind)
    file = _Shelf.folder / f"{kind}.pem"
    with file.with_suffix(".lock").open("w") as lock:
        # Whoever comes second waits instead of making another one.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _read(file) or _put(file, new_key(kind))


def _read(file: Path) -> PrivateKey | None:
    """Return the key in ``file``; None where there is none, or none that is whole."""
    try:
        # Its numbers are not checked: that takes half as long as making them.
        key = load_pem_private_key(file.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    except (OSError, ValueError):
        return None
    return key if isinstance(key, rsa.RSAPrivateKey) else None


def _put(file: Path, key: PrivateKey) -> PrivateKey:
    write_private(file, key_pem(key))
    return key


@functools.cache
def _other(kind: KeyType) -> PrivateKey:
    key = _made(kind)
    if not isinstance(key, rsa.RSAPrivateKey):
        return new_key(kind)
    numbers = key.private_numbers()
    p, q = numbers.p, numbers.q
    order = (p - 1) * (q - 1)
    exponent = next(e for e in _EXPONENTS if gcd(e, order) == 1)
    private = pow(exponent, -1, order)
    return rsa.RSAPrivateNumbers(
        p,
        q,
        private,
        rsa.rsa_crt_dmp1(private, p),
        rsa.rsa_crt_dmq1(private, q),
        numbers.iqmp,
        rsa.RSAPublicNumbers(exponent, p * q),
    ).private_key(unsafe_skip_rsa_key_validation=True)
