from __future__ import annotations

import pytest

from lab.phone.android.system import AndroidSystem
from lab.phone.ui import Screen
from tests.phone.android.shell.conftest import Run

SAMPLE = "cloud.trustpin.android.sample"
LAUNCHER = "com.android.launcher3"


def test_what_is_in_front(run: Run, screen: Screen) -> None:
    screen.launch(SAMPLE)
    out = run("dumpsys window displays")[0]
    assert f"mCurrentFocus=Window{{1 u0 {SAMPLE}/{SAMPLE}.MainActivity}}" in out
    assert f"mFocusedApp=ActivityRecord{{1 u0 {SAMPLE}/.MainActivity t1}}" in out
    assert (
        f"ResumedActivity: ActivityRecord{{1 u0 {SAMPLE}/.MainActivity t1}}"
        in (run("dumpsys activity activities")[0])
    )
    pid = run(f"pidof {SAMPLE}")[0].strip()
    assert run("dumpsys activity top")[0].endswith(
        f"  ACTIVITY {SAMPLE}/.MainActivity 1 pid={pid}\n"
    )
    screen.home()
    assert (
        f"mCurrentFocus=Window{{1 u0 {LAUNCHER}/{LAUNCHER}.Launcher}}" in (run("dumpsys window")[0])
    )


def test_the_lock(run: Run) -> None:
    out = run("dumpsys window")[0]
    assert "mScreenOnFully=true" in out
    assert "mShowingLockscreen=false" in out
    assert "showing=true" not in out
    assert "mWakefulness=Awake" in run("dumpsys power")[0]
    run("input keyevent SLEEP")
    assert "mScreenOnFully=false" in run("dumpsys window")[0]
    assert "mWakefulness=Asleep" in run("dumpsys power")[0]
    assert "state=OFF" in run("dumpsys power; dumpsys display")[0]


def test_processes(run: Run, screen: Screen, system: AndroidSystem) -> None:
    screen.launch(SAMPLE)
    pid = run(f"pidof {SAMPLE}")[0].strip()
    number = system.packages.uid(SAMPLE) - 10_000
    assert f"ProcessRecord{{1 {pid}:{SAMPLE}/u0a{number}}}" in run("dumpsys activity processes")[0]
    system.faults.freeze(SAMPLE)
    assert "mNotResponding=true" in run("dumpsys activity p")[0]
    screen.stop(SAMPLE)
    assert SAMPLE not in run("dumpsys activity processes")[0]


def test_the_keyboard(run: Run, screen: Screen) -> None:
    screen.launch(SAMPLE)
    assert "mServedView=null" in run("dumpsys input_method")[0]
    screen.tap("organization")
    out = run("dumpsys input_method")[0]
    assert "mServedView=EditText" in out
    assert "mInputShown=false" in out


def test_the_network(run: Run) -> None:
    run("cmd wifi connect-network Home open; settings put global http_proxy 127.0.0.1:8080")
    out = run("dumpsys connectivity; dumpsys wifi")[0]
    assert 'WIFI CONNECTED "Home"' in out
    assert "Global HTTP proxy: 127.0.0.1:8080" in out
    assert 'SSID: "Home"' in out
    run("settings put global http_proxy :0")
    assert "Global HTTP proxy: none" in run("dumpsys connectivity")[0]


def test_the_battery(run: Run) -> None:
    assert "  level: 100\n" in run("dumpsys battery")[0]
    assert "UPDATES STOPPED" not in run("dumpsys battery")[0]
    assert run("dumpsys battery set level 7") == ("", "", 0)
    out = run("dumpsys battery")[0]
    assert "  level: 7\n" in out
    assert "UPDATES STOPPED" in out
    assert run("cmd battery get level")[0] == "7\n"
    assert "mBatteryLevel=7" in run("dumpsys power")[0]
    assert "  USB powered: true\n" in out
    run("cmd battery unplug")
    out = run("dumpsys battery")[0]
    assert "  USB powered: false\n" in out
    assert "  status: 3\n" in out
    run("cmd battery set ac 1; cmd battery set temp 300")
    out = run("dumpsys battery")[0]
    assert "  AC powered: true\n" in out
    assert "  temperature: 300\n" in out
    run("dumpsys battery reset")
    assert "  level: 100\n" in run("dumpsys battery")[0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("set level 101", "Bad value: 101"),
        ("set level -1", "Bad value: -1"),
        ("set usb 2", "Bad value: 2"),
        ("set colour 1", "Unknown set option: colour"),
        ("fly", "Unknown option: fly"),
    ],
)
def test_batteries_that_there_are_not(run: Run, line: str, message: str) -> None:
    before = run("dumpsys battery")
    assert run(f"dumpsys battery {line}") == ("", f"{message}\n", 255)
    assert run("dumpsys battery") == before


def test_other_dumps(run: Run) -> None:
    assert run(f"dumpsys package {SAMPLE} | grep versionName")[0] == "    versionName=1.0.0\n"
    assert run("dumpsys package no.such")[0] == "Unable to find package: no.such\n"
    assert run("dumpsys package | grep -c 'Package \\['")[0] == "6\n"
    assert "SSID: <none>" in run("dumpsys wifi")[0]
    assert run("dumpsys bluetooth_manager | grep name: | cut -c9-")[0] == "phone-1\n"
    assert "mState=ACTIVE" in run("dumpsys deviceidle")[0]
    whitelist = f"dumpsys deviceidle whitelist +{SAMPLE} ; dumpsys deviceidle whitelist -a.b ;"
    assert run(whitelist)[0] == f"Added: {SAMPLE}\nUnknown package: a.b\n"
    assert "no activities match" in run("dumpsys activity planes")[0]
    assert "  window\n" in run("dumpsys -l")[0]
    assert run("dumpsys vibrator") == ("", "Can't find service: vibrator\n", 1)


@pytest.mark.parametrize("service", ["alarm", ""])
def test_services_that_there_are_not(run: Run, service: str) -> None:
    assert run(f"dumpsys {service}") == ("", f"Can't find service: {service}\n", 1)


def test_every_service_that_is_listed_can_be_asked(run: Run) -> None:
    listed = [line.strip() for line in run("dumpsys -l")[0].splitlines()[1:]]
    answered = [name for name in listed if run(f"dumpsys {name}")[2] == 0]
    refused = sorted(set(listed) - set(answered))
    # These take orders and have nothing to tell.
    assert refused == ["lock_settings", "notification", "statusbar"]
