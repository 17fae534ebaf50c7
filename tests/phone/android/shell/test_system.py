from __future__ import annotations

import time

import pytest

from lab.phone.state import PhoneState
from tests.phone.android.shell.conftest import Run
from tests.phone.scripted import NOON


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


def test_who_one_is(run: Run) -> None:
    assert run("id")[0].startswith("uid=0(root)")
    assert run("id -u; whoami")[0] == "0\nroot\n"
