"""The adb-shell library: an implementation of the protocol that nobody here wrote."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from adb_shell.adb_device import AdbDeviceTcp
from adb_shell.auth.keygen import keygen
from adb_shell.auth.sign_pythonrsa import PythonRSASigner
from adb_shell.exceptions import (
    AdbCommandFailureException,
    DeviceAuthError,
    TcpTimeoutException,
)

from lab.phone.android.adbd import Adbd, KeyPolicy
from lab.phone.android.adbd.auth import KEYS_FILE
from lab.phone.state import PhoneState
from tests.patience import CAP
from tests.phone.android.adbd.conftest import HASTY, Start

BIG = bytes(range(256)) * 12_000


def device(daemon: Adbd) -> AdbDeviceTcp:
    return AdbDeviceTcp("127.0.0.1", daemon.port, default_transport_timeout_s=CAP)


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> list[PythonRSASigner]:
    folder: Path = tmp_path_factory.mktemp("keys")
    made = []
    for name in ("one", "two"):
        keygen(str(folder / name))
        made.append(PythonRSASigner.FromRSAKeyPath(str(folder / name)))
    return made


@pytest.fixture
def connected(open_adbd: Adbd) -> Iterator[AdbDeviceTcp]:
    made = device(open_adbd)
    assert made.connect()
    yield made
    made.close()


def test_commands(connected: AdbDeviceTcp) -> None:
    assert connected.shell("echo a; cat /none") == "a\ncat: /none: No such file or directory\n"
    assert connected.exec_out("echo b") == "b\n"
    streamed = connected.streaming_shell("for x in 1 2 3; do echo $x; done")
    assert "".join(streamed) == "1\n2\n3\n"


def test_files(connected: AdbDeviceTcp, phone: PhoneState) -> None:
    connected.push(io.BytesIO(BIG), "/data/local/tmp/big", mtime=1_000_000_000)
    assert phone.files.read("/data/local/tmp/big") == BIG
    back = io.BytesIO()
    connected.pull("/data/local/tmp/big", back)
    assert back.getvalue() == BIG
    mode, size, modified = connected.stat("/data/local/tmp/big")
    assert (mode & 0o170000, size, modified) == (0o100000, len(BIG), 1_000_000_000)
    assert connected.stat("/none") == (0, 0, 0)
    (entry,) = connected.list("/data/local/tmp")
    assert (entry.filename, entry.size, entry.mtime) == (b"big", len(BIG), 1_000_000_000)
    with pytest.raises(AdbCommandFailureException, match="/none: No such file or directory"):
        connected.pull("/none", io.BytesIO())


def test_a_key_is_accepted_and_kept(
    start: Start, signers: list[PythonRSASigner], phone: PhoneState
) -> None:
    for keys in (KeyPolicy.ACCEPT, KeyPolicy.REFUSE):
        made = device(start(keys=keys))
        assert made.connect(rsa_keys=signers[:1])
        assert made.shell("echo a") == "a\n"
        made.close()
    assert len(phone.files.read(KEYS_FILE).splitlines()) == 1


def test_the_right_one_of_several_keys(start: Start, signers: list[PythonRSASigner]) -> None:
    first = device(start())
    first.connect(rsa_keys=signers[1:])
    first.close()
    second = device(start(keys=KeyPolicy.REFUSE))
    assert second.connect(rsa_keys=signers)
    second.close()


def test_a_wrong_key(start: Start, signers: list[PythonRSASigner], phone: PhoneState) -> None:
    first = device(start())
    first.connect(rsa_keys=signers[:1])
    first.close()
    refused = device(start(keys=KeyPolicy.REFUSE, limits=HASTY))
    # Nobody taps: either the library loses patience, or the phone does.
    with pytest.raises((TcpTimeoutException, ConnectionError)):
        refused.connect(rsa_keys=signers[1:], auth_timeout_s=0.2)
    refused.close()
    assert len(phone.files.read(KEYS_FILE).splitlines()) == 1


def test_no_key(start: Start) -> None:
    refused = device(start())
    with pytest.raises(DeviceAuthError):
        refused.connect()
    refused.close()
