"""Keys that take long to make: one of a kind in a process, made when it is first asked for.

An RSA key of 4096 bits costs the better part of a second, more than the scenario that needs it.
"""

from __future__ import annotations

import functools
import threading
from math import gcd

from cryptography.hazmat.primitives.asymmetric import rsa

from lab.pki.keys import KeyType, PrivateKey, new_key

_EXPONENTS = (65539, 65543, 65551, 65557)
"""The primes that follow 65537."""

_making = threading.RLock()


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
    return new_key(kind)


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
