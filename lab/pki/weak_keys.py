"""RSA keys that nobody should use any more, and of sizes that nobody uses."""

from __future__ import annotations

import functools
import math
import secrets

from cryptography.hazmat.primitives.asymmetric import rsa

_EXPONENT = 65537


@functools.cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    """Return an RSA key of any even size from 512 bits on, the same one for as long as the
    process lives.

    512 bits were factored in 1999 (RSA-155), 768 in 2009; no library makes such keys any more.
    """
    if bits >= 1024:
        return rsa.generate_private_key(public_exponent=_EXPONENT, key_size=bits)
    p, q = _prime(bits // 2), _prime(bits // 2)
    d = pow(_EXPONENT, -1, math.lcm(p - 1, q - 1))
    halves = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    public = rsa.RSAPublicNumbers(_EXPONENT, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, *halves, public).private_key()


def _prime(bits: int) -> int:
    """Return a prime whose product with another such one has as many bits as both together."""
    while True:
        # The two highest bits are set, so that the product cannot be a bit short.
        candidate = secrets.randbits(bits) | 3 << bits - 2 | 1
        if candidate % _EXPONENT != 1 and _is_prime(candidate):
            return candidate


def _is_prime(candidate: int) -> bool:
    """Tell primes by the Miller-Rabin test: wrong once in 4**32 times."""
    twos = ((candidate - 1) & (1 - candidate)).bit_length() - 1
    for _ in range(32):
        power = pow(2 + secrets.randbelow(candidate - 3), (candidate - 1) >> twos, candidate)
        if power == 1:
            continue
        if all(pow(power, 1 << n, candidate) != candidate - 1 for n in range(twos)):
            return False
    return True
