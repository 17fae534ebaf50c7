from __future__ import annotations

import io

import pytest
from PIL import Image

from lab.phone.android.shell import Shell
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.android.shell.conftest import Run


def test_folders(run: Run) -> None:
    assert run("mkdir -p /d/e/f; ls /d") == ("e\n", "", 0)
    assert run("mkdir /d/e/g && ls /d/e")[0] == "f\ng\n"
    assert run("echo abc > /d/file; ls -l /d")[0] == (
        "drwxr-xr-x 1 root root        0 e\n-rw-r--r-- 1 root root        4 file\n"
    )
    assert run("ls -d /d")[0] == "/d\n"
    assert run("ls /d/file")[0] == "/d/file\n"
    assert run("ls -l /d/file")[0] == "-rw-r--r-- 1 root root        4 /d/file\n"
    assert "d\n" in run("ls")[0]


def test_removing(run: Run) -> None:
    run("mkdir -p /d/e; echo a > /d/a; echo b > /d/b")
    assert run("rm /d/a /d/b; ls /d")[0] == "e\n"
    assert run("rm /d/e") == ("", "rm: /d/e: Is a directory\n", 1)
    assert run("rm /none") == ("", "rm: /none: No such file or directory\n", 1)
    assert run("rm -f /none /d/*.x") == ("", "", 0)
    assert run("rm -rf /d; ls /d")[1:] == ("ls: /d: No such file or directory\n", 1)
    assert run("rm -f") == ("", "", 0)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mkdir", "mkdir: Needs 1 argument"),
        ("mkdir /system", "mkdir: /system: File exists"),
        ("mkdir /no/such", "mkdir: /no/such: No such file or directory"),
        ("mkdir relative", "mkdir: relative: Invalid argument"),
        ("rm", "rm: Needs 1 argument"),
        ("rm -rf /", "rm: /: Device or resource busy"),
        ("rm -f relative", "rm: relative: Invalid argument"),
        ("ls /none", "ls: /none: No such file or directory"),
    ],
)
def test_mistakes(run: Run, line: str, message: str) -> None:
    assert run(line) == ("", f"{message}\n", 1)


def test_one_mistake_does_not_hide_the_rest(run: Run) -> None:
    run("mkdir -p /d; echo a > /d/a")
    assert run("ls /none /d") == ("a\n", "ls: /none: No such file or directory\n", 1)


def test_pictures(phone: PhoneState, screen: Screen) -> None:
    shell = Shell(AndroidSystem(phone, screen))
    for picture in (
        shell.run("screencap -p").stdout,
        (shell.run("screencap -p /sdcard/a.png"), phone.files.read("/sdcard/a.png"))[1],
    ):
        assert Image.open(io.BytesIO(picture)).size == (1080, 2400)
