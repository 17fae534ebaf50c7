from __future__ import annotations

import shutil
import subprocess
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.phone.android.shell import Shell
from lab.phone.android.shell.streams import Given, Output
from lab.phone.android.system import AndroidSystem
from tests.patience import CAP
from tests.phone.android.shell.conftest import Run

FORMATS = [
    "%s",
    "%d",
    "%5s",
    "%-5d",
    "%x",
    "%o",
    "%c",
    "%%",
    "a",
    " ",
    "\\n",
    "\\t",
    "%.1s",
    "%03d",
]
GIVEN = ["", "a", "12", "-3", "0x10", "b c", "010", "+5"]


@pytest.mark.skipif(shutil.which("printf") is None, reason="no printf to compare with")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(FORMATS), min_size=1, max_size=5), st.lists(st.sampled_from(GIVEN)))
def test_printf_prints_what_it_prints_elsewhere(
    run: Run, formats: list[str], given: list[str]
) -> None:
    words = ["".join(formats), *given]
    if not words[0].strip("-"):
        words[0] = f"x{words[0]}"
    expected = subprocess.run(["printf", *words], capture_output=True, check=False, env={})
    quoted = " ".join("'" + word + "'" for word in words)
    out, _, code = run(f"printf {quoted}")
    assert (out.encode(), code) == (expected.stdout, expected.returncode)


def test_what_is_no_number(run: Run) -> None:
    assert run("printf '%d.' 1 x 2") == ("1.0.2.", "printf: bad %d x\n", 1)


def test_sleeping(run: Run) -> None:
    began = time.monotonic()
    assert run("sleep 0.01 0.01s && echo up") == ("up\n", "", 0)
    assert time.monotonic() - began >= 0.02
    assert run("sleep 1d", cap=0.05)[2] == 129


def test_sleep_ends_with_its_client(system: AndroidSystem) -> None:
    hung_up = threading.Event()
    codes: list[int] = []

    def run() -> None:
        codes.append(
            Shell(system).execute("sleep 100", Given(), Output(), Output(), hung_up=hung_up)
        )

    sleeper = threading.Thread(target=run)
    sleeper.start()
    hung_up.set()
    sleeper.join(CAP)
    assert codes == [129]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sleep", "sleep: Needs 1 argument"),
        ("sleep x", "sleep: bad duration 'x'"),
        ("sleep 1 -1", "sleep: bad duration '-1'"),
        ("seq", "seq: Needs 1 to 3 arguments"),
        ("seq 1 0 2", "seq: bad increment 0"),
        ("seq x", "seq: not a number: x"),
        ("seq 1e9", "seq: not a number: 1e9"),
        ("seq 10000000", "seq: more than 1000000 numbers"),
        ("printf", "printf: Needs 1 argument"),
        ("printf %z", "printf: bad %z"),
        ("printf %2000d 1", "printf: too wide"),
        ("basename", "basename: Needs 1 or 2 arguments"),
        ("dirname", "dirname: Needs 1 argument"),
    ],
)
def test_mistakes(run: Run, line: str, message: str) -> None:
    assert run(line) == ("", f"{message}\n", 1)


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("sed", "sed: no pattern", 1),
        ("sed s/a", "sed: bad pattern 's/a'", 1),
        ("sed 's/a/b/x'", "sed: bad pattern", 1),
        ("sed y/a/b/", "sed: this phone's sed has d, p, q and s, not 'y'", 1),
        ("sed 's/(a*)*/b/' -E", "sed: too much repetition", 2),
        (r"sed 's/a/\1/'", "sed: no group 1 in the pattern", 1),
        ("sed 's/[/b/'", "sed: bad REGEX", 2),
        ("tr a", "tr: Needs 2 arguments", 1),
        ("tr z-a b", "tr: z-a is in reverse order", 1),
        ("tr '[:nope:]' b", "tr: unknown class [:nope:]", 1),
        ("echo '!!' | base64 -d", "base64: bad input", 1),
        ("md5sum /none", "md5sum: /none: No such file or directory", 1),
    ],
)
def test_other_mistakes(run: Run, line: str, message: str, code: int) -> None:
    out, err, found = run(line, b"text\n")
    assert (out, found) == ("", code)
    assert err.startswith(message)


def test_digests_of_files(run: Run) -> None:
    run("printf abc > /sdcard/a")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert run("sha256sum /sdcard/a")[0] == f"{digest}  /sdcard/a\n"
    assert run("sha256sum -b /sdcard/a")[0] == f"{digest}\n"
    assert run("sha256sum /none /sdcard/a")[::2] == (f"{digest}  /sdcard/a\n", 1)
