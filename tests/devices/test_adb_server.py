from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.devices.adb_server import AdbServer, AdbUnavailable, find_adb
from lab.model.device import DeviceLost
from lab.phone.android.adbd import Adbd, KeyPolicy
from tests.devices.appium_rig import start_adb
from tests.patience import LONG, eventually, not_waiting
from tests.phone.android.webdriver.rigs import Rig


@pytest.fixture
def adb(tmp_path: Path) -> Iterator[AdbServer]:
    server = start_adb(tmp_path / "adb")
    yield server
    server.close()


def processes(port: int) -> list[psutil.Process]:
    """Return the adb processes of a server's port that are alive."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if str(port) in " ".join(process.info["cmdline"] or ())
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def gone(port: int) -> bool:
    return eventually(lambda: not processes(port))


def test_a_phone_is_connected(adb: AdbServer, tmp_path: Path) -> None:
    with Rig(tmp_path / "phone") as rig:
        daemon = Adbd(rig.system)
        serial = f"127.0.0.1:{daemon.port}"
        adb.connect(serial)
        adb.connect(serial)
        code, listed = adb.run("devices")
        assert code == 0
        assert listed.splitlines()[1:] == [f"{serial}\tdevice"]
        assert adb.run("-s", serial, "shell", "echo hello; false") == (1, "hello")
        daemon.close()


def test_its_home_and_its_key_are_its_own(adb: AdbServer, tmp_path: Path) -> None:
    with Rig(tmp_path / "phone") as rig:
        daemon = Adbd(rig.system)
        adb.connect(f"127.0.0.1:{daemon.port}")
        key = tmp_path / "adb" / ".android" / "adbkey"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "adb").stat().st_mode) == 0o700
        daemon.close()
    assert adb.environment["ANDROID_ADB_SERVER_PORT"] == str(adb.endpoint.port)
    assert adb.port != 5037


def test_a_phone_that_does_not_take_the_key(adb: AdbServer, tmp_path: Path) -> None:
    with Rig(tmp_path / "phone") as rig:
        daemon = Adbd(rig.system, keys=KeyPolicy.REFUSE)
        with pytest.raises(DeviceLost, match=r"did not reach .* within 3 seconds: .*unauthorized"):
            adb.connect(f"127.0.0.1:{daemon.port}", cap=3)
        daemon.close()


def test_a_phone_that_is_not_there(adb: AdbServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(DeviceLost, match=r"cannot reach .*: failed to connect"), not_waiting():
        adb.connect(f"127.0.0.1:{port}", cap=LONG)


def test_a_phone_that_is_silent(adb: AdbServer) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(DeviceLost, match=r"did not (reach|end)"),
    ):
        adb.connect(f"127.0.0.1:{listener.getsockname()[1]}", cap=1)


def test_a_command_that_does_not_end(adb: AdbServer) -> None:
    with pytest.raises(DeviceLost, match=r"'adb wait-for-device' did not end within 0\.3 seconds"):
        adb.run("wait-for-device", cap=0.3)


def test_nothing_is_left_in_the_end(adb: AdbServer) -> None:
    assert processes(adb.port)
    assert adb.obituary() is None
    adb.close()
    assert gone(adb.port)
    assert adb.obituary() is not None
    adb.close()


def test_a_server_that_was_killed_is_told_and_revived(adb: AdbServer) -> None:
    adb.revive()
    code, _ = adb.run("kill-server")
    assert code == 0
    said = adb.obituary(5)
    assert said is not None
    assert "the adb server ended (exit code 0): " in said
    adb.revive()
    assert adb.obituary() is None
    assert adb.run("devices")[0] == 0
    adb.close()
    assert gone(adb.port)


def test_one_that_a_command_started_instead_is_ended_too(adb: AdbServer) -> None:
    """adb starts a server where there is none: one that belongs to nobody."""
    adb.run("kill-server")
    assert adb.obituary(5) is not None
    assert adb.run("start-server")[0] == 0
    assert processes(adb.port)
    adb.close()
    assert gone(adb.port)


def test_no_adb(tmp_path: Path) -> None:
    with pytest.raises(AdbUnavailable, match="apt-get install adb"):
        find_adb({"PATH": str(tmp_path)})
    tools = tmp_path / "sdk" / "platform-tools"
    tools.mkdir(parents=True)
    (tools / "adb").write_text("#!/bin/sh\necho no >&2; exit 3\n")
    (tools / "adb").chmod(0o755)
    found = find_adb({"PATH": str(tmp_path), "ANDROID_HOME": str(tmp_path / "sdk")})
    assert found == tools / "adb"
    with pytest.raises(AdbUnavailable, match=r"the adb server ended \(exit code 3\): no"):
        AdbServer(tmp_path / "home", adb=found)
    assert "adb.log" in os.listdir(tmp_path / "home")
