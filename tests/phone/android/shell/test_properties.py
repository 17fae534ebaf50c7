from __future__ import annotations

import pytest

from lab.model.device import Endpoint
from lab.phone.android.access import RootMode
from lab.phone.android.properties import FILE, MAX_SET
from lab.phone.android.shell import Shell
from lab.phone.android.system import AndroidSystem
from lab.phone.android.version import RELEASES
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.android.shell.conftest import Run


def test_properties(run: Run) -> None:
    assert run("getprop ro.build.version.release") == ("14\n", "", 0)
    assert run("getprop ro.serialno")[0] == "phone-1\n"
    assert run("getprop no.such")[0] == "\n"
    assert run("getprop no.such other")[0] == "other\n"
    assert "[ro.product.model]: [VirtualPhone]\n" in run("getprop")[0]


@pytest.mark.parametrize("release", RELEASES)
def test_versions(phone: PhoneState, screen: Screen, release: str) -> None:
    system = AndroidSystem(phone, screen, android=release)
    told = Shell(system).run("getprop ro.build.version.release; getprop ro.build.version.sdk")
    sdk = {"10": 29, "12": 31, "13": 33, "14": 34, "15": 35, "16": 36}[release]
    assert told.stdout.decode() == f"{release}\n{sdk}\n"
    fingerprint = Shell(system).run("getprop ro.build.fingerprint").stdout.decode()
    assert f":{release}/{system.version.build}/" in fingerprint


def test_a_version_that_there_is_not(phone: PhoneState, screen: Screen) -> None:
    with pytest.raises(ValueError, match=r"no Android '9': there are 10, 12, 13, 14, 15, 16"):
        AndroidSystem(phone, screen, android="9")


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        (RootMode.NONE, ["user", "release-keys", "0", "green", "1"]),
        (RootMode.SU, ["user", "release-keys", "0", "orange", "0"]),
        (RootMode.ADBD, ["userdebug", "dev-keys", "1", "orange", "0"]),
    ],
)
def test_what_root_changes(
    phone: PhoneState, screen: Screen, root: RootMode, expected: list[str]
) -> None:
    names = (
        "build.type",
        "build.tags",
        "debuggable",
        "boot.verifiedbootstate",
        "boot.flash.locked",
    )
    line = "; ".join(f"getprop ro.{name}" for name in names)
    ran = Shell(AndroidSystem(phone, screen, root=root)).run(line)
    assert ran.stdout.decode().split() == expected


def test_setting_properties(run: Run, phone: PhoneState, system: AndroidSystem) -> None:
    assert run("setprop debug.lab 'a b'; getprop debug.lab") == ("a b\n", "", 0)
    assert run("setprop persist.lab 1; setprop sys.lab 2; getprop | grep '\\.lab'")[0] == (
        "[debug.lab]: [a b]\n[persist.lab]: [1]\n[sys.lab]: [2]\n"
    )
    system.properties.restart()
    assert run("getprop | grep '\\.lab'")[0] == "[persist.lab]: [1]\n"
    phone.files.write(FILE, b"[" * 10_000)
    system.properties.restart()
    assert run("getprop persist.lab")[0] == "\n"


@pytest.mark.parametrize(
    "arguments",
    [
        "ro.debuggable 0",
        "ro.new 1",
        "persist.sys.timezone Europe/Berlin",
        "init.svc.adbd stopped",
        "sys.boot_completed 0",
        "'a b' 1",
        "'' 1",
        f"debug.lab {'x' * 92}",
    ],
)
def test_properties_that_cannot_be_set(run: Run, arguments: str) -> None:
    before = run("getprop")
    out, err, code = run(f"setprop {arguments}")
    assert (out, code) == ("", 1)
    assert err.startswith("Failed to set property")
    assert run("getprop") == before


def test_without_root_few_can_be_set(phone: PhoneState, screen: Screen) -> None:
    shell = Shell(AndroidSystem(phone, screen, root=RootMode.NONE))
    assert shell.run("setprop debug.lab 1").code == 0
    assert shell.run("setprop log.tag.Lab VERBOSE").code == 0
    assert shell.run("setprop persist.lab 1").code == 1


def test_properties_do_not_grow_without_end(system: AndroidSystem) -> None:
    done = [system.properties.set(f"debug.n{n}", "1", root=True) for n in range(MAX_SET + 5)]
    assert done == [True] * MAX_SET + [False] * 5
    assert system.properties.set("debug.n1", "2", root=True)


def test_settings(run: Run, phone: PhoneState) -> None:
    assert run("settings get global http_proxy") == ("null\n", "", 0)
    assert run("settings put global http_proxy 127.0.0.1:8080") == ("", "", 0)
    assert run("settings get global http_proxy")[0] == "127.0.0.1:8080\n"
    assert phone.network.settings.http_proxy == Endpoint("127.0.0.1", 8080)
    assert run("settings --user 0 put secure a 'b c'; settings list secure")[0] == "a=b c\n"
    assert run("settings delete global http_proxy")[0] == "Deleted 1 rows\n"
    assert run("settings delete global http_proxy")[0] == "Deleted 0 rows\n"
    assert phone.network.settings.http_proxy is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("settings", "usage: settings"),
        ("settings get global", "usage: settings"),
        ("settings fly global a", "usage: settings"),
        ("settings get galaxy a", "Error: Invalid namespace 'galaxy'"),
        ("settings put global http_proxy nonsense", "Error: 'nonsense' is not host:port"),
        (f"settings put global a {'x' * 5000}", "Error: longer than 4096 characters"),
    ],
)
def test_settings_that_cannot_be(run: Run, line: str, message: str) -> None:
    out, err, code = run(line)
    assert (out, code) == ("", 255)
    assert err.startswith(message)


def test_setprop_needs_two(run: Run) -> None:
    assert run("setprop a") == ("", "usage: setprop NAME VALUE\n", 1)
