"""``date``: every form that toybox takes, and what is left of the others."""

from __future__ import annotations

import time

import pytest

from lab.phone.state import PhoneState
from tests.phone.android.shell.conftest import Run
from tests.phone.scripted import NOON


@pytest.mark.parametrize(
    ("arguments", "epoch"),
    [
        ("@1782907200", NOON),
        ("-u @1782907200.5", NOON + 0.5),
        ("@0", 0.0),
        ("070112002026", NOON),
        ("070112002026.30", NOON + 30),
        ("0701120026", NOON),
        ("07011200", NOON),
        ("0701120070", 15681600.0),
        ("--set=@1782907260", NOON + 60),
        ("-s 070112002026", NOON),
        ("--set '2026-07-01 12:00:05'", NOON + 5),
        ("-s '2026-07-01 12:00'", NOON),
        ("-s 2026-07-01T12:00:07", NOON + 7),
        ("-s 2026-07-01", NOON - 12 * 3600),
    ],
)
def test_the_clock_is_set(run: Run, phone: PhoneState, arguments: str, epoch: float) -> None:
    out, err, code = run(f"date {arguments}")
    assert (err, code) == ("", 0)
    assert epoch <= phone.now() < epoch + 5
    assert out.endswith(time.strftime("UTC %Y\n", time.gmtime(epoch)))


def test_the_clock_is_read(run: Run) -> None:
    assert run("date +%Y-%m-%dT%H:%M")[0] == "2026-07-01T12:00\n"
    assert run("date")[0].startswith("Wed Jul  1 12:00:0")
    assert run("date -u +%s")[0].startswith("178290720")
    seconds, fraction = run("date +%s.%N")[0].strip().split(".")
    assert NOON <= float(f"{seconds}.{fraction}") < NOON + 5
    assert len(fraction) == 9
    assert run("date '+%% %q'")[0].startswith("% ")


def test_another_date_is_shown_without_being_set(run: Run, phone: PhoneState) -> None:
    assert run("date -d @86400 +%Y-%m-%d; date --date=@1e9")[::2] == ("1970-01-02\n", 1)
    assert NOON <= phone.now() < NOON + 5


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


def test_other_mistakes(run: Run) -> None:
    assert run("date a b")[1:] == ("date: Max 1 argument\n", 1)
    assert run(f"date +{'%Y' * 200}")[1:] == ("date: the format is too long\n", 1)
    assert run("date -x a")[1:] == ("date: Unknown option 'x'\n", 1)
    assert run("date -s")[1:] == ("date: Missing argument to -s\n", 1)


def test_true_time_comes_back(run: Run, phone: PhoneState) -> None:
    run("settings put global auto_time 0; date @1782907200")
    assert abs(phone.now() - NOON) < 5
    run("settings put global auto_time 1")
    assert abs(phone.now() - time.time()) < 2
