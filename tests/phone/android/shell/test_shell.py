from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.phone.android.shell import _COMMANDS, Shell
from lab.phone.android.system import AndroidSystem
from lab.phone.files import MAX_FILE
from lab.phone.state import PhoneState
from tests.phone.android.shell.conftest import Run


@pytest.mark.parametrize(
    ("line", "out", "code"),
    [
        ("", "", 0),
        ("echo a; echo b", "a\nb\n", 0),
        ("true && echo yes || echo no", "yes\n", 0),
        ("false && echo yes || echo no", "no\n", 0),
        ("false || false && echo a", "", 1),
        ("false; true", "", 0),
        ("true; false", "", 1),
        ("false | true", "", 0),
        ("true | false", "", 1),
        ("echo 'a b' | wc -w", "2\n", 0),
        ("/system/bin/echo a", "a\n", 0),
        ("echo 'a;b'", "a;b\n", 0),
    ],
)
def test_lists_and_pipes(run: Run, line: str, out: str, code: int) -> None:
    assert run(line) == (out, "", code)


def test_a_command_that_there_is_not(run: Run) -> None:
    assert run("fly now") == ("", "/system/bin/sh: fly: inaccessible or not found\n", 127)
    assert run("fly 2>&1")[0] == "/system/bin/sh: fly: inaccessible or not found\n"
    assert run("fly || echo no")[::2] == ("no\n", 0)


def test_a_line_that_is_none(run: Run) -> None:
    assert run("echo a; )") == ("", "/system/bin/sh: syntax error: unexpected ')'\n", 1)


def test_files_are_written_and_read(run: Run, phone: PhoneState) -> None:
    assert run("echo one > /sdcard/a && echo two >> /sdcard/a; cat < /sdcard/a")[0] == "one\ntwo\n"
    assert run("cat /none 2> /sdcard/e; cat /sdcard/e")[0] == (
        "cat: /none: No such file or directory\n"
    )
    assert run("cat /none > /sdcard/o 2>&1")[:2] == ("", "")
    assert phone.files.read("/sdcard/o") == b"cat: /none: No such file or directory\n"
    # The order matters: here the errors go where the output went before.
    assert run("cat /none 2>&1 > /sdcard/o")[0] == "cat: /none: No such file or directory\n"
    assert phone.files.read("/sdcard/o") == b""
    assert run("echo a > /dev/null; cat /none 2> /dev/null") == ("", "", 1)
    assert run("cat < /dev/null") == ("", "", 0)
    assert run("> /sdcard/empty; wc -c /sdcard/empty")[0] == "0 /sdcard/empty\n"
    assert run("echo x >&2") == ("", "x\n", 0)
    # The file is emptied before the command gets to read it.
    assert run("echo a > /sdcard/s; cat /sdcard/s > /sdcard/s; wc -c /sdcard/s")[0][0] == "0"


@pytest.mark.parametrize("line", ["cat < /none", "echo a > relative", "echo a > /"])
def test_a_redirection_that_cannot_be(run: Run, line: str) -> None:
    out, err, code = run(line)
    assert (out, code) == ("", 1)
    assert err.startswith("/system/bin/sh: ")


def test_the_standard_input(run: Run) -> None:
    assert run("cat", b"given") == ("given", "", 0)
    assert run("cat; cat", b"given")[0] == "given"


def test_patterns_mean_files(run: Run) -> None:
    run("mkdir /data/d; cd /data/d; echo 1 > a.0; echo 2 > b.0; echo 3 > c.txt; echo 4 > .hidden.0")
    assert run("echo /data/d/*.0")[0] == "/data/d/a.0 /data/d/b.0\n"
    assert run("echo /data/d/[ac]*")[0] == "/data/d/a.0 /data/d/c.txt\n"
    assert run("echo /data/d/'*'.0 /data/d/*.x x*")[0] == "/data/d/*.0 /data/d/*.x x*\n"
    assert run("cat /data/d/*.0")[0] == "1\n2\n"
    assert run("rm /data/d/*; ls -A /data/d")[0] == ".hidden.0\n"


def test_nothing_grows_without_end(run: Run, phone: PhoneState) -> None:
    phone.files.write("/big", bytes(MAX_FILE))
    out, err, code = run("cat /big /big /big")
    assert len(out) == 2 * MAX_FILE
    assert (err, code) == ("write: No space left on device\n", 1)
    assert run("cat /big /big > /data/bigger")[1:] == (
        "/system/bin/sh: /data/bigger: File too large\n",
        1,
    )
    for number in range(150):
        phone.files.write(f"/many/{number:03}", b"")
    assert run(f"echo {'/many/* ' * 100}")[1:] == ("/system/bin/sh: Argument list too long\n", 1)


def test_the_length_of_a_line_has_its_limit(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.phone.android.shell.syntax.MAX_COMMAND", 10)
    assert run("echo 12345678")[1:] == ("/system/bin/sh: the command line is too long\n", 1)


NAMES = sorted({*_COMMANDS} - {"reboot"})
"""All but the one that takes everything down."""
ARGUMENTS = [
    *("-n", "-d", "-c", "-s", "-t", "-e", "-f", "-rf", "-1", "--", "-", "0", "5", "+%s", "@1", "a"),
    *("global", "http_proxy", "get", "put", "list", "wifi", "package", "packages", "status", "/a"),
    *("start", "force-stop", "window", "'*'", "'[x'", "'a.*b'", "''", "|", ";", ">", "/b", "&&"),
    *("cloud.trustpin.android.sample", "connect-network", "forget-network", "Home", "open", "/*"),
    *("instrument", "install", "uninstall", "-S", "battery", "activity", "set", "level", "tap"),
    *("keyevent", "text", "power", "stayon", "-A", "-o", "PID", "-9", "-name", "-type", "s/a/b/"),
    *("[:upper:]", "a-z", "%s", "%05d", "-v", "epoch", "-T", "--pid=1", "*:S", "$(pidof init)"),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(ARGUMENTS) | st.text(max_size=8), max_size=6),
    st.binary(max_size=20),
)
def test_no_line_is_more_than_an_exit_code(
    system: AndroidSystem, name: str, arguments: list[str], stdin: bytes
) -> None:
    ran = Shell(system).run(" ".join([name, *arguments]), stdin, cap=0.05)
    assert 0 <= ran.code <= 255
