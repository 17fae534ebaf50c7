from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from adb_shell.auth.keygen import keygen
from adb_shell.auth.sign_pythonrsa import PythonRSASigner
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from lab.devices.android.keys import find_keys
from lab.model.device import DeviceLost
from tests.patience import CAP


def _environ(folder: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(folder), "TRUSTPIN_LAB_STATE": str(folder / "state"), **more}


@pytest.fixture(scope="module")
def adbkey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that adb-shell made, with its public half beside it."""
    path = tmp_path_factory.mktemp("made") / "adbkey"
    keygen(str(path))
    return path


def test_adbs_own_key_comes_first(adbkey: Path, tmp_path: Path) -> None:
    (tmp_path / ".android").mkdir()
    (tmp_path / ".android" / "adbkey").write_bytes(adbkey.read_bytes())
    (found,) = find_keys(environ=_environ(tmp_path))
    assert found.path == tmp_path / ".android" / "adbkey"
    assert not (tmp_path / "state").exists()


def test_a_key_signs_and_is_written_as_others_do(adbkey: Path) -> None:
    (key,) = find_keys(adbkey)
    other = PythonRSASigner.FromRSAKeyPath(str(adbkey))
    token = os.urandom(20)
    assert key.Sign(token) == other.Sign(token)
    theirs = adbkey.with_suffix(".pub").read_bytes()
    assert key.GetPublicKey().split(b" ")[0] == theirs.split(b" ")[0]
    assert b"@" in key.GetPublicKey().split(b" ")[1]


def test_vendor_keys_are_files_and_folders(adbkey: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vendors"
    folder.mkdir()
    for name in ("b.adb_key", "a.adb_key", "a.txt"):
        (folder / name).write_bytes(adbkey.read_bytes())
    listed = os.pathsep.join([str(adbkey), str(folder), str(tmp_path / "none")])
    found = find_keys(environ=_environ(tmp_path, ADB_VENDOR_KEYS=listed))
    assert [key.path.name for key in found] == ["adbkey", "a.adb_key", "b.adb_key"]


def test_the_labs_own_key_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    (made,) = find_keys(environ=_environ(tmp_path))
    assert made.path == tmp_path / "state" / "adbkey"
    assert made.path.stat().st_mode & 0o777 == 0o600
    (again,) = find_keys(environ=_environ(tmp_path))
    assert again.GetPublicKey() == made.GetPublicKey()
    assert [path.name for path in made.path.parent.iterdir()] == ["adbkey"]


def test_who_comes_at_once_gets_the_same_key(tmp_path: Path) -> None:
    found: list[bytes] = []
    starting = threading.Barrier(4)

    def find() -> None:
        starting.wait(CAP)
        found.append(find_keys(environ=_environ(tmp_path))[0].GetPublicKey())

    threads = [threading.Thread(target=find) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CAP)
    assert len(found) == 4
    assert len(set(found)) == 1


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    lock = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no private key"),
        (b"\xff" * 100_000, "no private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), "RSA keys of 2048 bits"),
        (_pem(rsa.generate_private_key(65537, 1024)), "RSA keys of 2048 bits"),
        (_pem(rsa.generate_private_key(65537, 2048), b"secret"), "without a password"),
    ],
)
def test_a_key_that_is_none_is_told_with_its_file(
    tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "my.key"
    file.write_bytes(content)
    with pytest.raises(DeviceLost, match=rf"my\.key: .*{words}"):
        find_keys(file)


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeviceLost, match=r"none\.key: the adb key cannot be read: No such file"):
        find_keys(tmp_path / "none.key")
