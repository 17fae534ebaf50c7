from __future__ import annotations

import threading

import pytest

from lab.phone.android.apk import Manifest, build
from lab.phone.android.shell import Shell
from lab.phone.android.shell.streams import Given, Output
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.android.shell.conftest import Run

SAMPLE = "cloud.trustpin.android.sample"
BROWSER = "com.android.browser"
SERVER = "io.appium.uiautomator2.server"
OTHER = Manifest(
    "com.acme",
    2,
    "2.0",
    ("com.acme.Main",),
    "com.acme.Main",
    (("com.acme.Runner", SAMPLE),),
    26,
    34,
)
APK = build(OTHER)


def test_streamed_installation(run: Run) -> None:
    assert run("pm path com.acme") == ("", "", 1)
    # As adb sends it: with quotes, and the APK behind the command line.
    assert run(f"cmd package 'install' '-r' -S {len(APK)}", APK) == ("Success\n", "", 0)
    assert run("pm path com.acme") == ("package:/data/app/com.acme/base.apk\n", "", 0)
    assert run("cat /data/app/com.acme/base.apk | sha256sum")[0] == run("sha256sum", APK)[0]
    assert run("pm list packages --show-versioncode acme")[0] == "package:com.acme versionCode:2\n"


def test_only_the_apk_is_read(run: Run) -> None:
    assert run(f"cmd package install -S {len(APK)}; cat", APK + b"more")[0] == "Success\nmore"


def test_installation_of_a_file(run: Run, phone: PhoneState) -> None:
    phone.files.write("/data/local/tmp/a.apk", APK)
    assert run("pm install -r -t -g -d --user 0 /data/local/tmp/a.apk") == ("Success\n", "", 0)
    phone.files.write("/data/local/tmp/a.apk", build(Manifest("com.acme", 1, "1")))
    out, err, code = run("pm install /data/local/tmp/a.apk")
    assert out.startswith("Failure [INSTALL_FAILED_VERSION_DOWNGRADE: ")
    assert (err, code) == ("", 1)
    assert run("pm install -d /data/local/tmp/a.apk")[0] == "Success\n"


@pytest.mark.parametrize(
    ("line", "content", "out"),
    [
        ("cmd package install -S 5", b"hello", "Failure [INSTALL_PARSE_FAILED_NOT_APK: "),
        ("cmd package install -S 50", b"hello", "Failure [INSTALL_FAILED_ABORTED: 5 of 50 bytes"),
        ("cmd package install -S 0", b"", "Failure [INSTALL_FAILED_INSUFFICIENT_STORAGE: 0 bytes"),
        ("cmd package install -S 99999999999", b"", "Failure [INSTALL_FAILED_INSUFFICIENT_"),
        ("pm install /etc/hosts", b"", ""),
    ],
)
def test_what_cannot_be_installed(
    run: Run, phone: PhoneState, line: str, content: bytes, out: str
) -> None:
    before = run("pm list packages")
    told, _, code = run(line, content)
    assert code == 1
    assert told.startswith(out)
    assert run("pm list packages") == before
    assert not [name for name in phone.files.names("/data/app") if name.startswith("vmdl")]


def test_a_client_that_goes_away(system: AndroidSystem) -> None:
    hung_up = threading.Event()
    hung_up.set()
    out = Output()
    command = f"cmd package install -S {len(APK)}"
    assert Shell(system).execute(command, Given(APK[:100]), out, Output(), hung_up=hung_up) != 0
    assert system.packages.get("com.acme") is None


def test_updating_ends_the_app(run: Run, screen: Screen) -> None:
    run(f"am start {SAMPLE}")
    apk = build(Manifest(SAMPLE, 5, "5.0"))
    assert run(f"cmd package install -S {len(apk)}", apk)[0] == "Success\n"
    assert not screen.running(SAMPLE)
    assert "versionName=5.0\n" in run(f"dumpsys package {SAMPLE}")[0]


def test_uninstalling(run: Run) -> None:
    before = run("pm list packages")
    run(f"cmd package install -S {len(APK)}", APK)
    assert run("cmd package 'uninstall' 'com.acme'") == ("Success\n", "", 0)
    assert run("pm list packages") == before
    for name in ("com.acme", BROWSER):
        failed = ("Failure [DELETE_FAILED_INTERNAL_ERROR]\n", "", 1)
        assert run(f"pm uninstall -k --user 0 {name}") == failed


def test_put_back_as_it_was(run: Run, phone: PhoneState, screen: Screen) -> None:
    before = run("pm list packages -f --show-versioncode -U")
    run(f"mkdir -p /data/local/tmp; cp /data/app/{SAMPLE}/base.apk /data/local/tmp/kept.apk")
    assert run(f"pm uninstall {SAMPLE}")[0] == "Success\n"
    assert run(f"am start {SAMPLE}")[2] == 1
    assert run("pm install /data/local/tmp/kept.apk")[0] == "Success\n"
    assert run("pm list packages -f --show-versioncode -U") == before
    assert run(f"am start {SAMPLE}")[2] == 0
    assert screen.running(SAMPLE)


def test_lists(run: Run, system: AndroidSystem) -> None:
    uid = system.packages.uid(SAMPLE)
    assert run("pm list packages -s")[0] == f"package:{BROWSER}\npackage:com.android.settings\n"
    assert run("pm list packages -3 trust")[0] == f"package:{SAMPLE}\n"
    assert run("pm list packages trustpin -f")[0] == (
        f"package:/data/app/{SAMPLE}/base.apk={SAMPLE}\n"
    )
    assert run("cmd package list packages -U trustpin")[0] == f"package:{SAMPLE} uid:{uid}\n"
    assert run(f"pm list packages --uid {uid} -i")[0] == f"package:{SAMPLE} installer=null\n"
    assert run("pm list packages -d")[0] == ""
    assert run("pm list instrumentation")[0] == (
        f"instrumentation:{SERVER}.test/androidx.test.runner.AndroidJUnitRunner (target={SERVER})\n"
    )
    run(f"cmd package install -S {len(APK)}", APK)
    assert run(f"pm list instrumentation -f {SAMPLE}")[0] == (
        f"instrumentation:/data/app/com.acme/base.apk=com.acme/com.acme.Runner (target={SAMPLE})\n"
    )
    assert "UserInfo{0:" in run("pm list users")[0]
    assert "feature:android.hardware.wifi\n" in run("pm list features")[0]


def test_a_phone_without_appiums_packages(phone: PhoneState, screen: Screen) -> None:
    shell = Shell(AndroidSystem(phone, screen, automation_installed=False))
    assert shell.run("pm list packages -3").stdout.decode() == f"package:{SAMPLE}\n"
    assert shell.run("pm list instrumentation").stdout == b""
    assert shell.run("dumpsys package io.appium.settings").stdout == (
        b"Unable to find package: io.appium.settings\n"
    )


def test_what_is_known_of_a_package(run: Run) -> None:
    for line in (f"dumpsys package {SERVER}", f"pm dump {SERVER}"):
        lines = [part.strip() for part in run(line)[0].splitlines()]
        assert f"Package [{SERVER}]" in lines[1]
        assert "versionCode=278 minSdk=26 targetSdk=34" in lines
        assert "versionName=10.6.6" in lines
    assert "versionName=1.0.0" in run(f"pm dump {SAMPLE}")[0]
    assert " stopped=true " in run(f"pm dump {SAMPLE}")[0]
    assert " stopped=false " in run(f"am start {SAMPLE}; pm dump {SAMPLE}")[0]
    assert "flags=[ SYSTEM " in run(f"pm dump {BROWSER}")[0]


def test_what_is_started(run: Run) -> None:
    lines = run(f"cmd package resolve-activity --brief {SAMPLE}")[0].splitlines()
    assert lines[-1] == f"{SAMPLE}/.MainActivity"
    assert len(lines) == 2
    brief = "cmd package resolve-activity --components"
    assert run(f"{brief} -a android.intent.action.VIEW -d https://a.test/")[0] == (
        f"{BROWSER}/.BrowserActivity\n"
    )
    assert run(f"{brief} -a android.settings.SETTINGS")[0] == "com.android.settings/.Settings\n"
    for target in ("no.such", SERVER, "-d tel:1"):
        assert run(f"cmd package resolve-activity --brief {target}")[0] == "No activity found\n"


def test_clearing(run: Run, phone: PhoneState, screen: Screen) -> None:
    run(f"am start {SAMPLE}; echo a > /data/data/{SAMPLE}/a")
    assert run(f"pm clear {SAMPLE}") == ("Success\n", "", 0)
    assert not screen.running(SAMPLE)
    assert not phone.files.host_path(f"/data/data/{SAMPLE}/a").exists()
    assert run("pm clear --user 0 no.such") == ("Failed\n", "", 1)


def test_permissions(run: Run) -> None:
    for verb in ("grant", "revoke"):
        assert run(f"pm {verb} {SAMPLE} android.permission.CAMERA") == ("", "", 0)
        out, err, code = run(f"pm {verb} no.such android.permission.CAMERA")
        assert (out, code) == ("", 255)
        assert err.endswith("Unknown package: no.such\n")


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("pm", "Unknown command: ;", 255),
        ("pm fly", "Unknown command: fly;", 255),
        ("pm list planes", "Error: unknown list type 'planes'", 255),
        ("pm install", "Error: must either specify a package size or an APK file", 1),
        ("pm install /none", "Error: Unable to open file: /none: No such file or directory", 1),
        ("pm install /data", "Error: Unable to open file: /data: Is a directory", 1),
        ("pm install a b", "Error: this phone installs one APK at a time", 255),
        ("pm install -S x", "Error: not a number: x", 255),
        ("pm install -S", 'Error: Argument expected after "-S"', 255),
        ("pm install --fly a", "Error: Unknown option: --fly", 255),
        ("pm uninstall", "Error: package name not specified", 255),
        ("pm clear", "Error: no package specified", 255),
        ("pm grant a", "Error: no permission specified", 255),
    ],
)
def test_mistakes(run: Run, line: str, message: str, code: int) -> None:
    out, err, found = run(line)
    assert (out, found) == ("", code)
    assert err.startswith(message)
