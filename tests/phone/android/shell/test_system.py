from __future__ import annotations

import time

import pytest

from lab.model.device import Endpoint
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.android.shell.conftest import Run
from tests.phone.scripted import NOON

SAMPLE = "cloud.trustpin.android.sample"


def test_properties(run: Run) -> None:
    assert run("getprop ro.build.version.release") == ("14\n", "", 0)
    assert run("getprop ro.serialno")[0] == "phone-1\n"
    assert run("getprop no.such")[0] == "\n"
    assert run("getprop no.such other")[0] == "other\n"
    assert "[ro.product.model]: [VirtualPhone]\n" in run("getprop")[0]


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


@pytest.mark.parametrize(
    ("argument", "epoch"),
    [
        ("@1782907200", NOON),
        ("@1782907200.5", NOON + 0.5),
        ("@0", 0.0),
        ("070112002026", NOON),
        ("070112002026.30", NOON + 30),
        ("0701120026", NOON),
        ("07011200", NOON),
        ("0701120070", 15681600.0),
    ],
)
def test_the_clock_is_set(run: Run, phone: PhoneState, argument: str, epoch: float) -> None:
    out, err, code = run(f"date -u {argument}")
    assert (err, code) == ("", 0)
    assert epoch <= phone.now() < epoch + 2
    assert out.endswith(time.strftime("UTC %Y\n", time.gmtime(epoch)))


def test_the_clock_is_read(run: Run) -> None:
    assert run("date +%Y-%m-%dT%H:%M")[0] == "2026-07-01T12:00\n"
    assert run("date")[0].startswith("Wed Jul  1 12:00:0")


@pytest.mark.parametrize(
    "argument",
    [
        "@",
        "@-1",
        "@1e9",
        "@99999999999",
        "13011200",
        "02301200",
        "0701",
        "now",
        "07011200²",
        "@\u0661",
    ],
)
def test_a_date_that_is_none(run: Run, phone: PhoneState, argument: str) -> None:
    assert run(f"date {argument}") == ("", f"date: bad date '{argument}'\n", 1)
    assert NOON <= phone.now() < NOON + 5


def test_other_mistakes_about_dates(run: Run) -> None:
    assert run("date a b")[1:] == ("date: Max 1 argument\n", 1)
    assert run(f"date +{'%Y' * 200}")[1:] == ("date: the format is too long\n", 1)
    assert run("date -s a")[1:] == ("date: Unknown option 's'\n", 1)


def test_the_log(run: Run, phone: PhoneState) -> None:
    phone.logcat.clear()
    for number in range(3):
        phone.log("One", "INFO", f"first {number}")
        phone.log("Two", "ERROR", f"second {number}")
    lines = run("logcat -d")[0].splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("07-01 12:00:0")
    assert lines[1].endswith("E Two     : second 0")
    assert run("logcat -d -s Two | wc -l")[0] == "3\n"
    assert run("logcat -d -s Two:V")[0] == run("logcat -d Two:I '*:S'")[0]
    assert run("logcat -d Two:I | wc -l")[0] == "6\n"
    assert run("logcat -t 2")[0].splitlines() == lines[-2:]
    assert run("logcat -v threadtime -t 1")[0].splitlines() == lines[-1:]
    assert run("logcat -c; logcat -d") == ("", "", 0)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("logcat", "logcat: this phone does not stream its log"),
        ("logcat -d -v json", "logcat: this phone has the format 'threadtime' only"),
        ("logcat -t x", "logcat: not a number of lines: x"),
        ("logcat -f a", "logcat: Unknown option 'f'"),
    ],
)
def test_logs_that_there_are_not(run: Run, line: str, message: str) -> None:
    out, err, code = run(line)
    assert (out, code) == ("", 1)
    assert err.startswith(message)


def test_what_is_in_front(run: Run, screen: Screen) -> None:
    screen.launch(SAMPLE)
    out = run("dumpsys window displays")[0]
    assert f"mCurrentFocus=Window{{1 u0 {SAMPLE}/{SAMPLE}.MainActivity}}" in out
    assert f"mFocusedApp=ActivityRecord{{1 u0 {SAMPLE}/.MainActivity t1}}" in out
    screen.home()
    assert "mCurrentFocus=Window{1 u0 null}" in run("dumpsys window")[0]


def test_other_dumps(run: Run) -> None:
    assert run(f"dumpsys package {SAMPLE} | grep versionName")[0] == "    versionName=1.0.0\n"
    assert run("dumpsys package no.such")[0] == "Unable to find package: no.such\n"
    assert "SSID: <none>" in run("dumpsys wifi")[0]
    assert run("dumpsys power") == ("", "Can't find service: power\n", 1)


def test_who_one_is(run: Run) -> None:
    assert run("id")[0].startswith("uid=0(root)")
    assert run("id -u; whoami")[0] == "0\nroot\n"
