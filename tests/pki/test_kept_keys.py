from __future__ import annotations

import contextlib
import functools
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.pki import kept_keys
from lab.pki.kept_keys import kept_key, nearest_key, share_keys
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


ELSEWHERE = """
import sys
from pathlib import Path
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lab.pki.kept_keys import kept_key, share_keys
from lab.pki.keys import KeyType
share_keys(Path(sys.argv[1]))
key = kept_key(KeyType(sys.argv[2])).public_key()
print(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex())
"""


def in_another_process(folder: Path, kind: KeyType) -> str:
    command = [sys.executable, "-c", ELSEWHERE, str(folder), str(kind)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Path]:
    def forget() -> None:
        kept_keys._made.cache_clear()
        kept_keys._other.cache_clear()

    folder = tmp_path / "keys"
    forget()
    share_keys(folder)
    yield folder
    kept_keys._Shelf.folder = None
    forget()


def test_processes_share_rsa_keys(shelf: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        others = pool.map(lambda _: in_another_process(shelf, KeyType.RSA2048), range(2))
        assert {spki(kept_key(KeyType.RSA2048)).hex()} == set(others)
    assert in_another_process(shelf, KeyType.P256) != spki(kept_key(KeyType.P256)).hex()
    assert stat.S_IMODE(shelf.stat().st_mode) == 0o700
    assert stat.S_IMODE((shelf / "rsa2048.pem").stat().st_mode) == 0o600


@pytest.mark.parametrize("left", [b"", b"-----BEGIN PRIVATE KEY-----\nMIIE"])
def test_what_a_killed_process_left_half_written_is_made_anew(shelf: Path, left: bytes) -> None:
    (shelf / "rsa2048.pem").write_bytes(left)
    assert spki(kept_key(KeyType.RSA2048)).hex() == in_another_process(shelf, KeyType.RSA2048)
