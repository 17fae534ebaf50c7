from __future__ import annotations

import pytest

from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.android.shell.conftest import Run

SAMPLE = "cloud.trustpin.android.sample"
BROWSER = "com.android.browser"


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
    out, err, code = run(
        f"am start-activity -W -n {SAMPLE}/.MainActivity -a android.intent.action.MAIN "
        "-c android.intent.category.LAUNCHER -f 0x10200000"
    )
    assert (err, code) == ("", 0)
    assert f"Status: ok\nActivity: {SAMPLE}/.MainActivity\nComplete\n" in out
    assert screen.foreground is first
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


def test_what_cannot_be_started(run: Run, screen: Screen) -> None:
    out, err, code = run("am start -n no.such/.Activity")
    assert out == "Starting: Intent { cmp=no.such/.Activity }\n"
    assert err == "Error type 3\nError: Activity class {no.such/.Activity} does not exist.\n"
    assert code == 1
    assert run("am start -a x -d tel:1")[1:] == (
        "Error: Activity not started, unable to resolve Intent\n",
        1,
    )
    assert front(screen) is None


def test_stopping(run: Run, screen: Screen) -> None:
    run(f"am start {SAMPLE}")
    assert run(f"am force-stop --user 0 {SAMPLE}") == ("", "", 0)
    assert not screen.running(SAMPLE)
    assert run("am force-stop no.such") == ("", "", 0)


def test_packages(run: Run) -> None:
    assert run("pm list packages")[0] == f"package:{SAMPLE}\npackage:{BROWSER}\n"
    assert run("cmd package list packages trustpin")[0] == f"package:{SAMPLE}\n"
    assert run(f"pm path {SAMPLE}")[0] == f"package:/data/app/{SAMPLE}/base.apk\n"
    assert run("pm path no.such") == ("", "", 1)
    assert "versionName=1.0.0" in run(f"pm dump {SAMPLE}")[0]


def test_clearing(run: Run, phone: PhoneState, screen: Screen) -> None:
    run(f"am start {SAMPLE}; echo a > /data/data/{SAMPLE}/a")
    assert run(f"pm clear {SAMPLE}") == ("Success\n", "", 0)
    assert not screen.running(SAMPLE)
    assert not phone.files.host_path(f"/data/data/{SAMPLE}/a").exists()
    assert run("pm clear no.such") == ("Failed\n", "", 1)


def test_cmd_is_another_way_to_say_it(run: Run, screen: Screen) -> None:
    run(f"cmd activity start -n {SAMPLE}/.MainActivity")
    assert front(screen) == SAMPLE
    assert run("cmd vibrator") == ("", "cmd: Can't find service: vibrator\n", 20)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("am", "Unknown command: ;"),
        ("am broadcast", "Unknown command: broadcast;"),
        ("am start -d", 'Error: Argument expected after "-d"'),
        ("am start --es a", 'Error: Argument expected after "--es"'),
        ("am start --fly", "Error: Unknown option: --fly"),
        ("am force-stop", "Error: no package specified"),
        ("pm", "Unknown command: ;"),
        ("pm install /a", "Unknown command: install;"),
        ("pm clear", "Error: no package specified"),
    ],
)
def test_mistakes(run: Run, line: str, message: str) -> None:
    out, err, code = run(line)
    assert (out, code) == ("", 255)
    assert err.startswith(message)
