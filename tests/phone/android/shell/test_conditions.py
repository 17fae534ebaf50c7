from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.phone.android.shell.conftest import Run


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("[ -e /sdcard/d/file ]", 0),
        ("[ -e /sdcard/d/none ]", 1),
        ("[ -e '/data/local/tmp/mock_apps.json' ]", 1),
        ("[ -f /sdcard/d/file ] && [ ! -f /sdcard/d ]", 0),
        ("[ -d /sdcard/d ] && [ ! -d /sdcard/d/file ]", 0),
        ("[ -s /sdcard/d/file ] && [ ! -s /sdcard/d/empty ]", 0),
        ("[ -r /sdcard/d/file -a -w /sdcard/d/file ]", 0),
        ("[ -w /system/etc ]", 1),
        ("[ -x /system/bin/ls ]", 0),
        ("[ -x /system/bin/none ]", 1),
        ("[ -L /sdcard/d/file ]", 1),
        ("test -d /sdcard/d", 0),
    ],
)
def test_files(run: Run, line: str, code: int) -> None:
    run("mkdir -p /d; echo a > /sdcard/d/file; > /sdcard/d/empty")
    assert run(line) == ("", "", code)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[ a", "[: missing ]"),
        ("[ a -eq 1 ]", "[: a: bad number"),
        ("test a b", "test: b: unexpected operator/operand"),
        ("[ ( a b c ]", "/system/bin/sh: syntax error"),
        ("[ '(' a b c ]", "[: missing )"),
        ("[ a -a ]", "[: expression expected"),
        ("[ ! ! ! ! ]", ""),
        (f"[ {'! ' * 5000} a ]", ""),
        (f"[ {chr(39)}({chr(39)} {(chr(39) + '(' + chr(39) + ' ') * 5000} a ]", "[: too many"),
    ],
)
def test_mistakes(run: Run, line: str, message: str) -> None:
    out, err, code = run(line)
    assert out == ""
    assert err.startswith(message)
    assert code in ((0, 1, 2) if message in ("", "/system/bin/sh: syntax error") else (2,))


WORDS = ["!", "=", "!=", "-n", "-z", "-eq", "-lt", "-ge", "a", "", "1", "-5", "(", ")"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="no shell to compare with")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=4))
@example(["(", "=", ")"])
@example(["!", "=", "!"])
def test_few_words_mean_what_they_mean_elsewhere(run: Run, words: list[str]) -> None:
    line = f"test {shlex.join(words)}"
    expected = subprocess.run(["bash", "-c", line], capture_output=True, check=False)
    assert run(line)[2] == expected.returncode
