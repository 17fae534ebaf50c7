from __future__ import annotations

import base64
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from adb_shell.auth.keygen import keygen
from adb_shell.auth.sign_pythonrsa import PythonRSASigner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.phone.android.adbd.auth import (
    KEYS_FILE,
    MAX_KEYS,
    AuthorizedKeys,
    decode_public_key,
    encode_public_key,
    is_signed_by,
)
from lab.phone.files import PhoneFiles
from tests.patience import CAP

TOKEN = bytes(range(20))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the key of a library, ``library``, and its public half."""
    made = tmp_path_factory.mktemp("keys")
    keygen(str(made / "library"))
    return made


@pytest.fixture
def files(tmp_path: Path) -> PhoneFiles:
    return PhoneFiles(tmp_path / "files")


def private(path: Path) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def test_the_structure_is_the_one_that_a_library_writes(folder: Path) -> None:
    written = (folder / "library.pub").read_bytes()
    key = decode_public_key(written)
    assert key.public_numbers() == private(folder / "library").public_key().public_numbers()
    comment = written.strip().partition(b" ")[2].decode()
    assert encode_public_key(key, comment) == written.strip()


@pytest.mark.skipif(shutil.which("adb") is None, reason="needs adb")
def test_the_structure_is_the_one_that_adb_writes(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path)}
    subprocess.run(["adb", "keygen", tmp_path / "key"], check=True, env=environment, timeout=CAP)
    written = (tmp_path / "key.pub").read_bytes()
    key = decode_public_key(written)
    assert key.public_numbers() == private(tmp_path / "key").public_key().public_numbers()
    assert encode_public_key(key).split()[0] == written.split()[0]


def test_signatures(folder: Path) -> None:
    key = private(folder / "library").public_key()
    signature = PythonRSASigner.FromRSAKeyPath(str(folder / "library")).Sign(TOKEN)
    assert is_signed_by(key, TOKEN, signature)
    assert not is_signed_by(key, TOKEN[::-1], signature)
    assert not is_signed_by(key, TOKEN, signature[:-1] + bytes([signature[-1] ^ 1]))
    for wrong in (b"", b"x", signature[:-1], signature + b"\0", bytes(4096)):
        assert not is_signed_by(key, TOKEN, wrong)


def test_only_keys_that_were_accepted_count(folder: Path, files: PhoneFiles) -> None:
    keys = AuthorizedKeys(files)
    signature = PythonRSASigner.FromRSAKeyPath(str(folder / "library")).Sign(TOKEN)
    assert not keys.has_signed(TOKEN, signature)
    keys.accept((folder / "library.pub").read_bytes() + b"\0")
    assert keys.has_signed(TOKEN, signature)
    assert not keys.has_signed(bytes(20), signature)
    # The file is the phone's memory: another daemon on the same phone knows the key, too.
    assert AuthorizedKeys(files).has_signed(TOKEN, signature)
    files.remove(KEYS_FILE)
    assert not keys.has_signed(TOKEN, signature)


def test_what_others_have_written_into_the_file(folder: Path, files: PhoneFiles) -> None:
    written = (folder / "library.pub").read_bytes()
    files.write(KEYS_FILE, b"\n# a remark\nAAAA broken\n" + bytes(50) + b"\n" + written + b"\xff\n")
    keys = AuthorizedKeys(files)
    signature = PythonRSASigner.FromRSAKeyPath(str(folder / "library")).Sign(TOKEN)
    assert keys.has_signed(TOKEN, signature)


def test_the_file_does_not_grow_without_end(folder: Path, files: PhoneFiles) -> None:
    keys = AuthorizedKeys(files)
    line = (folder / "library.pub").read_bytes().split()[0]
    for number in range(MAX_KEYS + 5):
        keys.accept(line + f" user{number}\n second line".encode())
    lines = files.read(KEYS_FILE).splitlines()
    assert len(lines) == MAX_KEYS
    assert lines[-1].endswith(b" user104? second line")


def with_fields(
    packed: bytes, *, words: int = 64, n: bytes | None = None, e: int | None = None
) -> bytes:
    changed = bytearray(packed)
    struct.pack_into("<I", changed, 0, words)
    if n is not None:
        changed[8 : 8 + 256] = n
    if e is not None:
        struct.pack_into("<I", changed, len(changed) - 4, e)
    return bytes(changed)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda packed: packed[:-1], id="short"),
        pytest.param(lambda packed: packed + b"\0", id="long"),
        pytest.param(lambda packed: with_fields(packed, words=32), id="another size"),
        pytest.param(lambda packed: with_fields(packed, n=bytes(256)), id="no modulus"),
        pytest.param(lambda packed: with_fields(packed, n=b"\2" + b"\xff" * 255), id="even"),
        pytest.param(lambda packed: with_fields(packed, n=b"\xff" * 200 + bytes(56)), id="small"),
        pytest.param(lambda packed: with_fields(packed, e=0), id="no exponent"),
        pytest.param(lambda packed: with_fields(packed, e=1), id="an exponent of one"),
        pytest.param(lambda packed: with_fields(packed, e=2), id="an even exponent"),
    ],
)
def test_what_is_no_key(spoil: object, folder: Path, files: PhoneFiles) -> None:
    packed = base64.b64decode((folder / "library.pub").read_bytes().split()[0])
    assert callable(spoil)
    line = base64.b64encode(spoil(packed)) + b" a@b"
    with pytest.raises(ValueError, match="an adb key that"):
        AuthorizedKeys(files).accept(line)
    assert not files.host_path(KEYS_FILE).exists()


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_no_bytes_are_more_than_an_error(content: bytes) -> None:
    for line in (content, base64.b64encode(content) + b" x"):
        with pytest.raises(ValueError, match="an adb key that"):
            decode_public_key(line)


def test_keys_of_other_sizes_are_not_written() -> None:
    key = rsa.generate_private_key(65537, 1024).public_key()
    with pytest.raises(ValueError, match="1024 bits"):
        encode_public_key(key)
