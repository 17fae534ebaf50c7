from __future__ import annotations

import pytest

from tests.phone.android.shell.conftest import Run


def test_programs(run: Run) -> None:
    assert run("which ls") == ("/system/bin/ls\n", "", 0)
    assert run("which ls none") == ("/system/bin/ls\n", "", 1)
    assert run("command -v logcat || echo no")[0] == "/system/bin/logcat\n"
    assert run("command -v none || echo no")[0] == "no\n"
    assert run("command -v export")[0] == "export\n"
    assert run("command echo a b") == ("a b\n", "", 0)
    assert run("command none")[2] == 127
    assert run("which")[2] == 1


def test_the_environment(run: Run) -> None:
    assert "A=b c\n" in run("export A='b c'; B=no; env")[0]
    assert "B=" not in run("export A='b c'; B=no; env")[0]
    assert run("env A=b ls")[2] == 1


def test_finding(run: Run) -> None:
    run(
        "mkdir -p /sdcard/d/e/f; echo 1 > /sdcard/d/a.txt; "
        "echo 2 > /sdcard/d/e/B.TXT; echo 3 > /sdcard/d/e/f/c.txt"
    )
    assert run("find /sdcard/d")[0] == (
        "/sdcard/d\n/sdcard/d/a.txt\n/sdcard/d/e\n/sdcard/d/e/B.TXT\n/sdcard/d/e/f\n/sdcard/d/e/f/c.txt\n"
    )
    assert run("find /sdcard/d -name '*.txt'")[0] == "/sdcard/d/a.txt\n/sdcard/d/e/f/c.txt\n"
    assert run("find /sdcard/d -iname '*.txt' -type f | wc -l")[0] == "3\n"
    assert run("find /sdcard/d -type d -mindepth 1")[0] == "/sdcard/d/e\n/sdcard/d/e/f\n"
    assert run("find /sdcard/d -maxdepth 1 -type f")[0] == "/sdcard/d/a.txt\n"
    assert (
        run("find /sdcard/d/a.txt /sdcard/d/e/f -print")[0]
        == "/sdcard/d/a.txt\n/sdcard/d/e/f\n/sdcard/d/e/f/c.txt\n"
    )
    assert run("find /sdcard/d/e/f -print0")[0] == "/sdcard/d/e/f\0/sdcard/d/e/f/c.txt\0"
    assert run("find /sdcard/d/none /sdcard/d/a.txt") == (
        "/sdcard/d/a.txt\n",
        "find: /sdcard/d/none: No such file or directory\n",
        1,
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("find / -delete", "find: bad arg '-delete'"),
        ("find / -name", "find: -name needs 1 argument"),
        ("find / -type x", "find: bad -type 'x'"),
        ("find / -maxdepth x", "find: bad number 'x'"),
    ],
)
def test_mistakes(run: Run, line: str, message: str) -> None:
    assert run(line) == ("", f"{message}\n", 1)


def test_finding_comes_to_an_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.phone.android.shell.finding.MAX_FOUND", 2)
    run("mkdir -p /sdcard/d/e/f")
    assert run("find /sdcard/d") == ("/sdcard/d\n/sdcard/d/e\n", "find: too many files\n", 1)
