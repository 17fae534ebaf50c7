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
    assert run("mkdir -p /data/d/e/f; ls /data/d") == ("e\n", "", 0)
    assert run("mkdir /data/d/e/g && ls /data/d/e")[0] == "f\ng\n"
    assert run("echo abc > /data/d/file; touch -d @1782907200 /data/d/*; ls -l /data/d")[0] == (
        "total 5\n"
        "drwxr-xr-x 2 root root 4096 2026-07-01 12:00 e\n"
        "-rw-r--r-- 1 root root    4 2026-07-01 12:00 file\n"
    )
    assert run("ls -d /data/d")[0] == "/data/d\n"
    assert run("ls /data/d/file")[0] == "/data/d/file\n"
    assert run("ls -ln /data/d/file")[0] == "-rw-r--r-- 1 0 0 4 2026-07-01 12:00 /data/d/file\n"
    assert run("ls -p /data/d; ls -r /data/d; ls -S /data/d")[0] == "e/\nfile\nfile\ne\ne\nfile\n"
    assert run("touch /data/d/.h; ls /data/d; ls -A /data/d; ls -a /data/d")[0] == (
        "e\nfile\n.h\ne\nfile\n.\n..\n.h\ne\nfile\n"
    )
    assert run("ls /data/d/e /data/d/file /data/d/e/f")[0] == (
        "/data/d/file\n\n/data/d/e:\nf\ng\n\n/data/d/e/f:\n"
    )
    assert "data\n" in run("ls")[0]


def test_the_latest_first(run: Run) -> None:
    run("mkdir /data/d; cd /data/d; touch -d @100 a; touch -d @300 b; touch -d @200 c")
    assert run("ls -t /data/d")[0] == "b\nc\na\n"


def test_removing(run: Run) -> None:
    run("mkdir -p /data/d/e; echo a > /data/d/a; echo b > /data/d/b")
    assert run("rm /data/d/a /data/d/b; ls /data/d")[0] == "e\n"
    assert run("rm /data/d/e") == ("", "rm: /data/d/e: Is a directory\n", 1)
    assert run("rm /none") == ("", "rm: /none: No such file or directory\n", 1)
    assert run("rm -f /none /data/d/*.x") == ("", "", 0)
    assert run("rm -rf /data/d; ls /data/d")[1:] == (
        "ls: /data/d: No such file or directory\n",
        1,
    )
    assert run("rm -f") == ("", "", 0)


def test_copying(run: Run) -> None:
    run("mkdir -p /data/d/e; echo a > /data/d/a; echo b > /data/d/e/b; chmod 600 /data/d/a")
    assert run("cp /data/d/a /data/c && cat /data/c && stat -c %a /data/c")[0] == "a\n600\n"
    assert run("cp /data/d/a /data/d/e && ls /data/d/e")[0] == "a\nb\n"
    assert run("cp -r /data/d /data/copy && cat /data/copy/e/b && cp -r /data/d /data/copy")[0] == (
        "b\n"
    )
    assert run("cat /data/copy/d/e/b")[0] == "b\n"
    assert run("echo new > /data/c; cp -n /data/d/a /data/c; cat /data/c")[0] == "new\n"
    run("chown shell:log /data/d/a; chmod 666 /data/d/a; touch -d @1000 /data/d/a")
    assert run("cp /data/d/a /data/n; stat -c '%a %U %G' /data/n")[0] == "644 root root\n"
    assert run("cp -p /data/d/a /data/kept; stat -c '%a %U %G %Y' /data/kept")[0] == (
        "666 shell log 1000\n"
    )
    assert run("cp /data/d /data/x") == ("", "cp: /data/d: Is a directory\n", 1)
    assert run("cp /data/d/a /none/x")[1] == "cp: /none/x: No such file or directory\n"
    assert run("cp -r /data/d /data/d/e/more")[1] == "cp: /data/d/e/more: Invalid argument\n"
    assert run("cp /data/d/a")[1] == "cp: Needs 2 arguments\n"
    assert run("cp /data/d/a /data/c /data/kept")[1] == "cp: '/data/kept' not directory\n"


def test_moving(run: Run) -> None:
    run("mkdir -p /data/d/e; echo a > /data/d/a; echo b > /data/d/e/b; chmod 600 /data/d/e/b")
    assert run("cd /data/d; mv a z; mv e f; ls; stat -c %a f/b; mv z f; ls f")[0] == (
        "f\nz\n600\nb\nz\n"
    )
    assert run("cd /data/d; echo c > c; mv -f c f/b; cat f/b; stat -c %a f/b")[0] == "c\n644\n"
    assert run("mv /data/d /data/d/f/in")[1] == "mv: /data/d/f/in: Invalid argument\n"
    assert run("mv /none /data/x")[1] == "mv: /none: No such file or directory\n"
    assert run("mv /data/d/f/b /none/x")[1] == "mv: /none/x: No such file or directory\n"


def test_modes_and_owners(run: Run) -> None:
    run("mkdir -p /data/d; echo a > /data/d/a")
    for change, mode in (
        ("600", "600"),
        ("u+x,go=r", "744"),
        ("-x", "644"),
        ("a+X", "644"),
        ("g+s", "2644"),
        ("0644", "644"),
        ("+w", "644"),
        ("go-r", "600"),
        ("=r", "444"),
    ):
        assert run(f"chmod {change} /data/d/a; stat -c %a /data/d/a")[0] == f"{mode}\n"
    assert run("chmod -R 700 /data/d; stat -c '%A %a' /data/d /data/d/a")[0] == (
        "drwx------ 700\n-rwx------ 700\n"
    )
    assert run("chown shell /data/d/a; stat -c %U:%G /data/d/a")[0] == "shell:root\n"
    assert run("chown 1000:1007 /data/d/a; stat -c %u:%g:%U:%G /data/d/a")[0] == (
        "1000:1007:system:log\n"
    )
    assert run("chown -R u0_a100: /data/d; chgrp root /data/d/a; ls -l /data/d")[0].split()[
        4:6
    ] == [
        "u0_a100",
        "root",
    ]
    assert run("chmod 888 /data/d/a")[1:] == ("chmod: bad mode '888'\n", 1)
    assert run("chown nobody7 /data/d/a")[1:] == ("chown: bad user/group 'nobody7'\n", 1)
    assert run("chmod 600")[1:] == ("chmod: Needs 2 arguments\n", 1)
    assert run("chcon u:object_r:system_file:s0 /data/d/a; restorecon /data/d/a") == ("", "", 0)
    assert run("chcon label /none")[1:] == ("chcon: /none: No such file or directory\n", 1)


def test_attributes_outlive_the_process(run: Run, phone: PhoneState, screen: Screen) -> None:
    run("echo a > /data/a; chmod 600 /data/a; chown shell /data/a; echo b > /data/b; rm /data/b")
    again = PhoneState(phone.files.host_path("/").parent, phone.files.host_path("/"))
    shell = Shell(AndroidSystem(again, screen))
    assert shell.run("stat -c '%a %U' /data/a").stdout == b"600 shell\n"


def test_what_is_known_of_a_file(run: Run) -> None:
    run("echo a > /data/a; touch -d @1782907200 /data/a")
    out = run("stat /data/a")[0]
    assert "  File: /data/a\n  Size: 2\t regular file\n" in out
    assert "Modify: 2026-07-01 12:00:00.000000000 +0000" in out
    assert run("stat -c '%n %s %F %h %% %q' /data/a")[0] == "/data/a 2 regular file 1 % %q\n"
    assert run("stat /none")[1:] == ("stat: /none: No such file or directory\n", 1)


def test_paths(run: Run) -> None:
    assert run("mkdir /data/d; cd /data/d; realpath ../d/./x; readlink -f .; pwd")[0] == (
        "/data/d/x\n/data/d\n/data/d\n"
    )
    assert run("readlink /data/d")[1:] == ("readlink: /data/d: Invalid argument\n", 1)
    assert run("ln -s /data/d /data/l")[2] == 1
    assert run("rmdir /data/d; ls /data/d")[2] == 1
    run("mkdir /data/d; echo a > /data/d/a")
    assert run("rmdir /data/d")[1] == "rmdir: /data/d: Directory not empty\n"
    assert run("rmdir /data/d/a")[1] == "rmdir: /data/d/a: Not a directory\n"


def test_old_and_new(run: Run) -> None:
    assert run("touch -c /data/a; ls /data/a")[2] == 1
    assert run("touch /data/a; stat -c '%s %y' /data/a")[0].startswith("0 2026-07-01 12:00:")
    assert run("touch -d yesterday /data/a")[1:] == ("touch: bad date 'yesterday'\n", 1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mkdir", "mkdir: Needs 1 argument"),
        ("mkdir /system", "mkdir: /system: File exists"),
        ("mkdir /data/no/such", "mkdir: /data/no/such: No such file or directory"),
        ("mkdir relative", "mkdir: relative: Read-only file system"),
        ("mkdir -m rwx /data/x", "mkdir: bad mode 'rwx'"),
        ("rm", "rm: Needs 1 argument"),
        ("rm -rf /", "rm: /: Device or resource busy"),
        ("rm -rf /apex", "rm: /apex: Device or resource busy"),
        ("rm -rf /system", "rm: /system: Read-only file system"),
        ("rm -f '\\\ud800'", "rm: \\?: Invalid argument"),
        ("ls /none", "ls: /none: No such file or directory"),
        ("cp", "cp: Needs 2 arguments"),
        ("stat", "stat: Needs 1 argument"),
        ("chcon label", "chcon: Needs 2 arguments"),
        ("rmdir /none", "rmdir: /none: No such file or directory"),
    ],
)
def test_mistakes(run: Run, line: str, message: str) -> None:
    assert run(line) == ("", f"{message}\n", 1)


def test_one_mistake_does_not_hide_the_rest(run: Run) -> None:
    run("mkdir -p /data/d; echo a > /data/d/a")
    assert run("ls /none /data/d") == ("a\n", "ls: /none: No such file or directory\n", 1)


def test_pictures(phone: PhoneState, screen: Screen) -> None:
    shell = Shell(AndroidSystem(phone, screen))
    for picture in (
        shell.run("screencap -p").stdout,
        (shell.run("screencap -p /sdcard/a.png"), phone.files.read("/sdcard/a.png"))[1],
    ):
        assert Image.open(io.BytesIO(picture)).size == (1080, 2400)
