from __future__ import annotations

import pytest

from lab.phone.android.screen_lock import ScreenLock
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.android.shell.conftest import Run

SAMPLE = "cloud.trustpin.android.sample"


def test_what_appium_sets_up(run: Run) -> None:
    for line in (
        "appops set io.appium.settings android:mock_location allow",
        "appops set io.appium.settings PROJECT_MEDIA allow",
        "cmd notification allow_listener io.appium.settings/.NLService",
        "cmd statusbar collapse",
        "settings put global hidden_api_policy_pre_p_apps 1;settings put global "
        "hidden_api_policy_p_apps 1;settings put global hidden_api_policy 1",
    ):
        assert run(line) == ("", "", 0)
    assert run(f"appops get {SAMPLE}")[0] == "No operations.\n"


def test_the_screen_lock(run: Run, phone: PhoneState) -> None:
    assert run("cmd lock_settings get-disabled")[0] == "true\n"
    assert run("locksettings verify")[0] == "Lock credential verified successfully\n"
    assert run("locksettings set-pin 1234")[0] == "Pin set to '1234'\n"
    assert ScreenLock(phone.files).fits("1234")
    assert run("locksettings get-disabled")[0] == "false\n"
    assert run("locksettings verify")[::2] == ("Old password not provided but expected\n", 255)
    assert run("locksettings verify --old 4321")[::2] == (
        "Old password provided but didn't match\n",
        255,
    )
    assert run("locksettings verify --old 1234")[2] == 0
    assert run("locksettings clear --old 1234")[0] == "Lock credential cleared\n"
    assert run("locksettings get-disabled")[0] == "true\n"


def test_staying_on(run: Run, system: AndroidSystem) -> None:
    system.power.awake = False
    assert run("svc power stayon true") == ("", "", 0)
    assert system.power.awake
    assert run("settings get global stay_on_while_plugged_in")[0] == "7\n"
    run("svc power stayon usb")
    assert "mStayOnWhilePluggedInSetting=2" in run("dumpsys power")[0]
    run("svc power stayon false")
    assert run("settings get global stay_on_while_plugged_in")[0] == "0\n"


def test_wifi(run: Run, phone: PhoneState) -> None:
    run("cmd wifi connect-network Home open")
    assert run("svc wifi disable")[2] == 0
    assert phone.joined is None
    assert run("svc wifi enable")[2] == 0
    assert phone.joined is not None


def test_the_display(run: Run) -> None:
    assert run("wm size") == ("Physical size: 1080x2400\n", "", 0)
    assert run("wm density") == ("Physical density: 420\n", "", 0)
    assert run("wm dismiss-keyguard") == ("", "", 0)


def test_services(run: Run) -> None:
    lines = run("service list")[0].splitlines()
    assert lines[0] == f"Found {len(lines) - 1} services:"
    assert lines[1] == "0\tactivity: [android.app.IActivityManager]"
    assert run("service check wifi")[0] == "Service wifi: found\n"
    assert run("service check none")[0] == "Service none: not found\n"


def test_the_machine(run: Run) -> None:
    assert run("uname") == ("Linux\n", "", 0)
    assert run("uname -a")[0] == (
        "Linux localhost 6.1.23-android14-4 #1 SMP PREEMPT aarch64 Toybox\n"
    )
    assert run("uname -rs")[0] == "Linux 6.1.23-android14-4\n"
    assert run("uptime")[0].startswith(" 12:00:0")
    assert " up 0 min,  0 users," in run("uptime")[0]
    assert run("uptime -s")[0].startswith("2026-07-01 1")


def test_a_phone_that_has_long_been_up(run: Run, system: AndroidSystem) -> None:
    system.power.started -= 90_000
    assert " up 1 day,  1:00," in run("uptime")[0]


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("appops fly", "Unknown command: fly", 255),
        ("appops set a", "Error: usage: appops set", 255),
        ("appops set no.such X allow", "Error: No UID for no.such in user 0", 255),
        ("cmd notification post a", "Unknown command: post", 255),
        ("cmd notification allow_listener a/.b", "Error: no such component: a/.b", 255),
        ("cmd statusbar fly", "Unknown command: fly", 255),
        ("locksettings fly", "Unknown command: fly", 255),
        ("locksettings set-pin abc", "Error: a PIN has 4 to 17 digits", 255),
        ("svc power fly", "usage: svc power", 1),
        ("svc power stayon", "usage: svc power stayon", 255),
        ("svc", "usage: svc", 1),
        ("wm size 100x100", "Error: this phone's 'wm' tells", 255),
        ("service call a 1", "usage: service list", 10),
    ],
)
def test_mistakes(run: Run, line: str, message: str, code: int) -> None:
    out, err, found = run(line)
    assert (out, found) == ("", code)
    assert err.startswith(message)


def front(screen: Screen) -> str | None:
    return None if screen.foreground is None else screen.foreground.package


def middle(screen: Screen, key: str) -> str:
    left, top, right, bottom = screen.node(key).bounds
    return f"{(left + right) // 2} {(top + bottom) // 2}"


def test_touching_and_typing(run: Run, screen: Screen) -> None:
    screen.launch(SAMPLE)
    assert run(f"input tap {middle(screen, 'organization')}") == ("", "", 0)
    assert screen.node("organization").focused
    run("input text acme%sshop; input keyevent KEYCODE_A 8 PERIOD")
    assert screen.node("organization").text == "acme shopa1."
    run("input keyevent DEL DEL; input text 'x y'")
    assert screen.node("organization").text == "acme shopax y"
    run("input touchscreen tap 0 0; input keyboard keyevent 3")
    assert front(screen) is None
    assert run("input text lost") == ("", "", 0)


def test_keys(run: Run, screen: Screen) -> None:
    for line in ("input keyevent HOME", "input keyevent BACK", "input keyevent 4"):
        screen.launch(SAMPLE)
        assert run(line) == ("", "", 0)
        assert front(screen) is None
    assert run("input keyevent VOLUME_UP --longpress 25") == ("", "", 0)


def test_swiping(run: Run, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    screen.launch(SAMPLE)
    ways: list[bool] = []

    def scroll(*, down: bool) -> bool:
        ways.append(down)
        return True

    monkeypatch.setattr(screen, "scroll", scroll)
    run("input swipe 500 2000 500 500 300; input swipe 500 500 500 2000")
    assert ways == [True, False]
    x, y = middle(screen, "project").split()
    run(f"input swipe {x} {y} {x} {y} 1000")
    assert screen.node("project").focused
    run("input swipe 0 500 1000 500")
    assert ways == [True, False]


def test_a_phone_that_sleeps_takes_no_touches(run: Run, screen: Screen) -> None:
    screen.launch(SAMPLE)
    point = middle(screen, "organization")
    run(f"input keyevent POWER; input tap {point}; input text a; input keyevent HOME")
    assert not screen.node("organization").focused
    run("input keyevent SLEEP")
    assert run("dumpsys power | grep -c mWakefulness=Asleep")[0] == "1\n"
    run(f"input keyevent WAKEUP; input tap {point}")
    assert screen.node("organization").focused


def test_monkey(run: Run, screen: Screen) -> None:
    out, err, code = run(f"monkey -p {SAMPLE} -c android.intent.category.LAUNCHER 1")
    assert out.startswith("Events injected: 1\n")
    assert (err, code, front(screen)) == ("", 0, SAMPLE)
    for target in ("-p no.such", ""):
        assert run(f"monkey {target} 1") == (
            "** No activities found to run, monkey aborted.\n",
            "",
            252,
        )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("input", "Error: Unknown command: ;"),
        ("input fly", "Error: Unknown command: fly;"),
        ("input tap 1", "Error: 2 numbers are needed"),
        ("input tap a b", "Error: 2 numbers are needed"),
        ("input swipe 1 2 3", "Error: 4 numbers are needed"),
        ("input swipe 1 2 3 4 x", "Error: 1 numbers are needed"),
        ("input text", "Error: no text specified"),
        ("input keyevent", "Error: no key specified"),
        ("input keyevent 9999", "Error: this phone has no key 9999"),
        ("input keyevent FLY", "Error: this phone has no key FLY"),
        ("monkey", "** Error: Count not specified"),
        ("monkey -p a 99999", "** Error: Count not specified"),
    ],
)
def test_mistakes_of_users(run: Run, line: str, message: str) -> None:
    out, err, code = run(line)
    assert (out, code) == ("", 255)
    assert err.startswith(message)
