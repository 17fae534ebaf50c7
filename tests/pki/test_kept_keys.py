from __future__ import annotations

import contextlib
import functools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.pki.kept_keys import kept_key, nearest_key
from lab.pki.keys import KeyType, PrivateKey, new_key


def spki(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("kind", [KeyType.P384, KeyType.ED25519, KeyType.RSA2048])
def test_a_key_is_made_once(kind: KeyType) -> None:
    assert kept_key(kind) is kept_key(kind)
    assert nearest_key(kind) is nearest_key(kind)
    assert type(nearest_key(kind)) is type(kept_key(kind))
    assert spki(nearest_key(kind)) != spki(kept_key(kind))


def test_who_asks_at_once_gets_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)

    def patient(kind: KeyType) -> PrivateKey:
        # Broken where nobody else is let in meanwhile.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.05)
        return new_key(kind)

    monkeypatch.setattr("lab.pki.kept_keys._made", functools.cache(patient))
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(kept_key, [KeyType.P256] * 2)
    assert first is second


def test_the_nearest_rsa_key_differs_in_its_last_bytes_and_works() -> None:
    kept, nearest = kept_key(KeyType.RSA2048), nearest_key(KeyType.RSA2048)
    assert isinstance(kept, rsa.RSAPrivateKey)
    assert isinstance(nearest, rsa.RSAPrivateKey)
    assert spki(kept)[:-3] == spki(nearest)[:-3]
    signature = nearest.sign(b"said", padding.PKCS1v15(), hashes.SHA256())
    nearest.public_key().verify(signature, b"said", padding.PKCS1v15(), hashes.SHA256())
    assert kept.public_key().public_numbers().e != nearest.public_key().public_numbers().e


def test_the_nearest_key_of_a_curve_is_any_other() -> None:
    key = nearest_key(KeyType.P384)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp384r1"
