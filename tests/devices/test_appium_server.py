from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import urllib3

from lab.devices.adb_server import AdbServer
from lab.devices.appium import android_options, begin
from lab.devices.appium_server import (
    AppiumServer,
    AppiumUnavailable,
    DriverName,
    Installation,
    find_installation,
)
from lab.model.device import DeviceLost
from tests.devices.appium_rig import PROJECT, start_adb, start_appium
from tests.devices.test_kept import session_of
from tests.patience import CAP, LONG, eventually, not_waiting

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def adb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdbServer]:
    server = start_adb(tmp_path_factory.mktemp("adb"))
    yield server
    server.close()


@pytest.fixture
def appium(tmp_path: Path, adb: AdbServer) -> Iterator[AppiumServer]:
    server = start_appium(tmp_path, adb)
    yield server
    server.close()


def lost(appium: AppiumServer, adb: AdbServer, port: int) -> str:
    """Ask for a session with a phone that there is not, and return what that comes to."""
    options = android_options(f"127.0.0.1:{port}", adb_port=adb.port)
    with pytest.raises(DeviceLost) as caught:
        begin(appium.address, options, cap=LONG, obituary=lambda: appium.obituary(CAP))
    return str(caught.value)


def test_it_is_the_one_that_the_project_pins(appium: AppiumServer) -> None:
    pinned = json.loads((PROJECT / "package.json").read_text())["dependencies"]
    found = appium.installation
    assert (found.appium, found.driver) == (pinned["appium"], pinned[DriverName.UIAUTOMATOR2])
    assert found.description == f"Appium {found.appium}, UiAutomator2 driver {found.driver}"
    with urllib3.PoolManager() as client:
        told = json.loads(client.request("GET", f"{appium.address}/status").data)
    assert told["value"]["build"]["version"] == found.appium
    assert f"uiautomator2@{found.driver}" in appium.log.read_text()


def test_nothing_leaves_this_machine(appium: AppiumServer) -> None:
    """It is told of a proxy that is none, for whatever it asks the internet."""
    (server,) = set(session_of(appium.pid)) - {appium.pid}
    environment = psutil.Process(server).environ()
    assert environment["HTTPS_PROXY"] == environment["HTTP_PROXY"] == "http://127.0.0.1:9"
    assert environment["NO_PROXY"] == "127.0.0.1,localhost"
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(server).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_nothing_is_left_in_the_end(appium: AppiumServer) -> None:
    assert len(session_of(appium.pid)) >= 2
    assert appium.obituary() is None
    appium.close()
    assert eventually(lambda: session_of(appium.pid) == [])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", appium.port))
    appium.close()


def test_a_server_that_is_killed_is_told_at_once(appium: AppiumServer, adb: AdbServer) -> None:
    """In the middle of a command: here one that waits for a phone for 20 seconds."""
    (server,) = set(session_of(appium.pid)) - {appium.pid}

    def kill() -> None:
        assert eventually(lambda: "POST /session" in appium.log.read_text())
        os.kill(server, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with not_waiting():
        said = lost(appium, adb, 9)
    killer.join()
    assert said.startswith("the Appium server ended (signal 9): ")


def test_a_server_that_is_gone(appium: AppiumServer, adb: AdbServer) -> None:
    appium.close()
    assert lost(appium, adb, 9) == "the Appium server has been ended by the lab"


# -- what is missing ----------------------------------------------------------------------


def fake_node(folder: Path, version: str, rest: str = "exit 1") -> dict[str, str]:
    """Return an environment whose Node is of some version, and otherwise does ``rest``."""
    folder.mkdir(exist_ok=True)
    node = folder / "node"
    node.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo {version} && exit 0\n{rest}\n')
    node.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def fake_project(folder: Path, *packages: str) -> Path:
    for package in packages:
        home = folder / "node_modules" / package
        home.mkdir(parents=True)
        (home / "package.json").write_text('{"version": "1.2.3"}')
    return folder


def test_without_node(tmp_path: Path) -> None:
    with pytest.raises(AppiumUnavailable, match=r"no Node\.js: install version 20\.19"):
        find_installation(PROJECT, {"PATH": str(tmp_path)})


@pytest.mark.parametrize("version", ["v18.20.0", "v20.18.9", "v21.7.0", "v22.11.0", "v23.1.0"])
def test_an_old_node(tmp_path: Path, version: str) -> None:
    with pytest.raises(AppiumUnavailable, match=r"is version \d+\.\d+: Appium needs 20\.19"):
        find_installation(PROJECT, fake_node(tmp_path, version))


@pytest.mark.parametrize("version", ["v20.19.0", "v22.12.1", "v24.0.0", "v31.2.0"])
def test_a_node_that_will_do(tmp_path: Path, version: str) -> None:
    project = fake_project(tmp_path / "project", "appium", DriverName.UIAUTOMATOR2)
    found = find_installation(project, fake_node(tmp_path / "bin", version))
    assert found == Installation(tmp_path / "bin" / "node", project, "1.2.3", "1.2.3")


@pytest.mark.parametrize("said", ["", "hello", "v.1"])
def test_a_node_that_is_none(tmp_path: Path, said: str) -> None:
    with pytest.raises(AppiumUnavailable, match="does not say which version it is"):
        find_installation(PROJECT, fake_node(tmp_path, said))


def test_without_the_packages(tmp_path: Path) -> None:
    environment = fake_node(tmp_path / "bin", "v24.1.0")
    with pytest.raises(AppiumUnavailable, match="appium is not installed: run 'npm ci' in /"):
        find_installation(tmp_path, environment)
    project = fake_project(tmp_path / "project", "appium")
    with pytest.raises(
        AppiumUnavailable, match=f"{DriverName.UIAUTOMATOR2} is not installed: run 'npm ci'"
    ):
        find_installation(project, environment)
    (project / "node_modules" / "appium" / "package.json").write_text("[")
    with pytest.raises(AppiumUnavailable, match="appium is not installed"):
        find_installation(project, environment)


def fake_installation(folder: Path, rest: str) -> Installation:
    fake_node(folder / "bin", "v24.1.0", rest)
    return Installation(folder / "bin" / "node", folder, "1", "1")


def test_a_server_that_ends_at_once(tmp_path: Path, adb: AdbServer) -> None:
    broken = fake_installation(tmp_path, "echo 'Error: no'; exit 4")
    with pytest.raises(AppiumUnavailable, match=r"ended \(exit code 4\): Error: no"):
        AppiumServer(broken, tmp_path, adb)


def test_a_server_that_does_not_get_ready(tmp_path: Path, adb: AdbServer) -> None:
    dull = fake_installation(tmp_path, "echo $$ > pid; exec sleep 600")
    with pytest.raises(AppiumUnavailable, match=r"not ready within 3 seconds; see .*appium\.log"):
        AppiumServer(dull, tmp_path, adb, start_cap=3.0)
    pid = int((tmp_path / "pid").read_text())
    assert eventually(lambda: not psutil.pid_exists(pid))


def test_the_packages_are_pinned_and_nobodys_address_is_in_the_lock_file() -> None:
    manifest = json.loads((PROJECT / "package.json").read_text())
    lock = json.loads((PROJECT / "package-lock.json").read_text())
    assert manifest["private"] is True
    assert sorted(manifest["dependencies"]) == sorted(["appium", *DriverName])
    for name, version in manifest["dependencies"].items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    for name, package in lock["packages"].items():
        assert "resolved" not in package
        whole = bool(name) and not package.get("inBundle")
        assert not whole or package["integrity"].startswith("sha512-")
