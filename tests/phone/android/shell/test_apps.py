from __future__ import annotations

import pytest

from lab.phone.android.apk import Manifest, build
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.android.shell.conftest import Run

SAMPLE = "cloud.trustpin.android.sample"
BROWSER = "com.android.browser"
SETTINGS = "io.appium.settings"
OTHER = Manifest("com.acme", 1, "1", ("com.acme.Main",), "com.acme.Main")


def front(screen: Screen) -> str | None:
    return None if screen.foreground is None else screen.foreground.package


def test_starting(run: Run, screen: Screen) -> None:
    assert run(f"am start -n {SAMPLE}/.MainActivity") == (
        f"Starting: Intent {{ cmp={SAMPLE}/.MainActivity }}\n",
        "",
        0,
    )
    assert front(screen) == SAMPLE
    first = screen.foreground
    screen.home()
    out, err, code = run(
        f"am start-activity -W -n {SAMPLE}/.MainActivity -a android.intent.action.MAIN "
        "-c android.intent.category.LAUNCHER -f 0x10200000"
    )
    assert (err, code) == ("", 0)
    lines = out.splitlines()
    assert lines[1:4] == ["Status: ok", "LaunchState: HOT", f"Activity: {SAMPLE}/.MainActivity"]
    assert lines[-1] == "Complete"
    assert screen.foreground is first
    assert run(f"am start -n {SAMPLE}/.MainActivity")[1:] == (
        "Warning: Activity not started, intent has been delivered to currently running top-most "
        "instance.\n",
        0,
    )
    run(f"am start -S -n {SAMPLE}/.MainActivity")
    assert screen.foreground is not first


@pytest.mark.parametrize("target", ["", BROWSER, f"-n {BROWSER}/.BrowserActivity", f"-p {BROWSER}"])
def test_viewing(run: Run, screen: Screen, target: str) -> None:
    url = "http://nowhere.invalid/?a=1&b"
    out, err, code = run(f"am start -a android.intent.action.VIEW -d '{url}' {target}")
    assert (err, code) == ("", 0)
    assert out.startswith(f"Starting: Intent {{ act=android.intent.action.VIEW dat={url}")
    assert front(screen) == BROWSER
    assert screen.node("address").text == url


def test_an_address_alone_will_do(run: Run, screen: Screen) -> None:
    out, err, code = run("am start http://nowhere.invalid/ --es a b --ez c true")
    assert out == "Starting: Intent { dat=http://nowhere.invalid/ (has extras) }\n"
    assert (err, code, front(screen)) == ("", 0, BROWSER)


def test_an_action_alone_will_do(run: Run, screen: Screen) -> None:
    assert run("am start -a android.settings.SETTINGS")[1:] == ("", 0)
    assert front(screen) == "com.android.settings"


def test_what_cannot_be_started(run: Run, screen: Screen) -> None:
    out, err, code = run("am start -n no.such/.Activity")
    assert out == "Starting: Intent { cmp=no.such/.Activity }\n"
    assert err == "Error type 3\nError: Activity class {no.such/.Activity} does not exist.\n"
    assert code == 1
    assert run("am start -a x -d tel:1")[1:] == (
        "Error: Activity not started, unable to resolve Intent { act=x dat=tel:1 }\n",
        1,
    )
    assert front(screen) is None


def test_apps_that_this_phone_cannot_run(run: Run, phone: PhoneState, screen: Screen) -> None:
    phone.files.write("/data/local/tmp/a.apk", build(OTHER))
    assert run("pm install /data/local/tmp/a.apk") == ("Success\n", "", 0)
    for component in ("com.acme", "com.acme/.Main", "com.acme/com.acme.Main"):
        assert run(f"am start -n {component}")[1:] == (
            "Error: Activity not started, this phone cannot run DEX code\n",
            1,
        )
    assert run("am start -n com.acme/.None")[1:] == (
        "Error type 3\nError: Activity class {com.acme/.None} does not exist.\n",
        1,
    )
    assert front(screen) is None


def test_appiums_helper_runs_in_the_background(run: Run) -> None:
    assert "isForeground" not in run(f"dumpsys activity services {SETTINGS}")[0]
    assert run(f"am start-activity -n {SETTINGS}/.Settings -a android.intent.action.MAIN")[1:] == (
        "",
        0,
    )
    pid = run(f"pidof {SETTINGS}")[0]
    assert "isForeground=true" in run(f"dumpsys activity services {SETTINGS}")[0]
    # That it records is a thing of its own.
    recorder = f"{SETTINGS}/.recorder.RecorderService"
    assert "isForeground" not in run(f"dumpsys activity services {recorder}")[0]
    assert run(f"am start-foreground-service -n {SETTINGS}/.ForegroundService")[1:] == ("", 0)
    assert run(f"pidof {SETTINGS}")[0] == pid
    assert run(f"am stop-service {SETTINGS}/.ForegroundService")[2] == 0
    assert run(f"pidof {SETTINGS}") == ("", "", 1)
    assert run(f"am stop-service {SETTINGS}/.ForegroundService")[1:] == (
        "Service not stopped: was not running.\n",
        255,
    )
    run(f"am start {SETTINGS}; am force-stop {SETTINGS}")
    assert run(f"pidof {SETTINGS}")[2] == 1
    assert run(f"pm uninstall {SETTINGS}")[0] == "Success\n"
    assert run(f"am startservice {SETTINGS}/.ForegroundService")[1:] == (
        "Error: Not found; no service started.\n",
        255,
    )


def test_stopping(run: Run, screen: Screen) -> None:
    run(f"am start {SAMPLE}")
    assert run(f"am force-stop --user 0 {SAMPLE}") == ("", "", 0)
    assert not screen.running(SAMPLE)
    assert run("am force-stop no.such") == ("", "", 0)


def test_killing_what_is_in_the_background(run: Run, screen: Screen) -> None:
    run(f"am start {SAMPLE}; am kill {SAMPLE}")
    assert screen.running(SAMPLE)
    run(f"am start {BROWSER}; am kill {SAMPLE}")
    assert not screen.running(SAMPLE)
    run(f"am start {SAMPLE}; am kill-all")
    assert (screen.running(SAMPLE), screen.running(BROWSER)) == (True, False)


def test_crashing(run: Run, screen: Screen) -> None:
    run(f"am start {SAMPLE}; am crash {SAMPLE}")
    assert not screen.running(SAMPLE)
    assert "FATAL EXCEPTION" in run("logcat -d -s AndroidRuntime:E")[0]


def test_the_automation_server(run: Run, system: AndroidSystem) -> None:
    server = "io.appium.uiautomator2.server"
    runner = f"{server}.test/androidx.test.runner.AndroidJUnitRunner"
    for package in (server, f"{server}.test"):
        assert run(f"am instrument {runner}")[1:] == ("", 0)
        assert len(system.processes.pids(server)) == 1
        run(f"am force-stop {package}")
        assert not system.automation.running
        assert system.processes.pids(server) == ()
    run(f"pm uninstall {server}")
    assert "Unable to find instrumentation" in run(f"am instrument -w {runner}")[0]


def test_broadcasts(run: Run) -> None:
    assert run("am broadcast -a com.acme.PING --es a b -n com.acme/.Receiver") == (
        "Broadcasting: Intent { act=com.acme.PING cmp=com.acme/.Receiver (has extras) }\n"
        "Broadcast completed: result=0\n",
        "",
        0,
    )


def test_users(run: Run) -> None:
    assert run("am get-current-user") == ("0\n", "", 0)


def test_cmd_is_another_way_to_say_it(run: Run, screen: Screen) -> None:
    run(f"cmd activity start -n {SAMPLE}/.MainActivity")
    assert front(screen) == SAMPLE
    assert run("cmd vibrator") == ("", "cmd: Can't find service: vibrator\n", 20)
    assert "  package\n" in run("cmd -l")[0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("am", "Unknown command: ;"),
        ("am fly", "Unknown command: fly;"),
        ("am start -d", 'Error: Argument expected after "-d"'),
        ("am start --es a", 'Error: Argument expected after "--es"'),
        ("am start --fly", "Error: Unknown option: --fly"),
        ("am force-stop", "Error: no package specified"),
        ("am force-stop a b", "Error: no package specified"),
    ],
)
def test_mistakes(run: Run, line: str, message: str) -> None:
    out, err, code = run(line)
    assert (out, code) == ("", 255)
    assert err.startswith(message)
