from __future__ import annotations

import shutil
import subprocess

import pytest

from lab.phone.android.shell.text import MAX_LINE
from lab.phone.state import PhoneState
from tests.phone.android.shell.conftest import Run

LINES = b"alpha 1\nBeta 2\n\ngamma:x:y 3\nalpha 4\n"

SAME_ON_EVERY_UNIX = [
    "cat",
    "head -n 2",
    "head -n -2",
    "head -3",
    "tail -n 2",
    "tail -n +2",
    "tail -1",
    "wc -l",
    "wc -c",
    "wc -w",
    "cut -d : -f 2",
    "cut -d: -f1,3",
    "cut -d: -f2-",
    "cut -c 1-3",
    "cut -c-2,4",
    "grep alpha",
    "grep -i ALPHA",
    "grep -v a",
    "grep -c a",
    "grep -q nothing",
    "grep -E 'alpha|Beta'",
    "grep 'alpha\\|Beta'",
    "grep 'a (1|2)'",
    "grep -F .",
    "grep -o '[0-9]'",
    "grep -w x",
    "grep -x 'alpha 1'",
    "grep -m 1 alpha",
    "grep -e alpha",
    "grep '^g.*3$'",
    "grep 'al\\(ph\\)a'",
    "grep -E 'm+a'",
    "grep 'm+a'",
    "grep 'm\\+a'",
    "sed s/alpha/omega/",
    "sed 's/a/[&]/g'",
    "sed -n '2p;$p'",
    "sed 2d",
    "sed '/gamma/d'",
    "sed -n 's/^alpha \\([0-9]\\)$/\\1-/p'",
    "sed -E 's|(:x)|<\\1>|; s/BETA/b/I'",
    "sed 2q",
    "sed -n '/alpha/s/l/L/p'",
    "sort",
    "sort -r",
    "sort -u",
    "uniq -c",
    "cut -c 1 | sort | uniq -d",
    "tr a-z A-Z",
    "tr -d '[:digit:]\\n'",
    "tr -s l",
    "tr '[:lower:]' '[:upper:]'",
    "tr -cd 'a\\n'",
    "tr alp xy",
    "tr '\\n' ' '",
    "base64",
    "base64 -w 7",
    "base64 | base64 -d",
    "md5sum",
    "sha1sum",
    "sha256sum -",
    "seq 3",
    "seq 2 5",
    "seq 5 -2 0",
    "seq -s , 3",
    "seq 0.5 0.25 1.5",
    "seq 3 1",
    "printf 'a%sb\\n' 1 2 3",
    "printf '%5s|%-5s|%.2s|%c|\\n' ab cd efg hij",
    "printf '%d %i %x %X %o %05d %+d\\n' 12 -3 255 255 8 42 7",
    "printf '%d\\n' 0x1f 010",
    "printf 'a\\tb\\101\\n'",
    "printf '%b' 'a\\nb'",
    "printf '%s\\n'",
    "printf '100%%\\n'",
    "printf 'no end'",
    "basename /a/b/c.txt",
    "basename /a/b/c.txt .txt",
    "basename /",
    "basename a/",
    "dirname /a/b/c",
    "dirname a",
    "dirname /",
    "dirname /a",
]


@pytest.mark.skipif(shutil.which("sh") is None, reason="no Unix shell to compare with")
@pytest.mark.parametrize("line", SAME_ON_EVERY_UNIX)
def test_what_every_unix_does(run: Run, line: str) -> None:
    """The machine's own tools are the measure."""
    expected = subprocess.run(
        ["sh", "-c", line],
        input=LINES,
        capture_output=True,
        env={"LC_ALL": "C", "PATH": "/bin:/usr/bin"},
        check=False,
    )
    out, err, code = run(line, LINES)
    assert (out, code) == (expected.stdout.decode(), expected.returncode)
    assert err == ""


def test_files(run: Run) -> None:
    run("echo one > /sdcard/a; echo two > /sdcard/b")
    assert run("cat /sdcard/a - /sdcard/b", b"mid\n")[0] == "one\nmid\ntwo\n"
    assert run("grep o /sdcard/a /sdcard/b")[0] == "one\ntwo\n"
    assert run("wc /sdcard/a")[0] == "1 1 4 /sdcard/a\n"
    assert run("cat /none /sdcard/a") == ("one\n", "cat: /none: No such file or directory\n", 1)


def test_echo(run: Run) -> None:
    assert run("echo") == ("\n", "", 0)
    assert run("echo -n a b") == ("a b", "", 0)


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("grep", "grep: no REGEX", 2),
        ("grep '['", "grep: bad REGEX", 2),
        ("grep -E '('", "grep: bad REGEX", 2),
        ("grep -E '(a+)+b'", "grep: too much repetition", 2),
        ("grep -E 'a*a*b'", "grep: too much repetition", 2),
        (f"grep {'a' * 201}", "grep: the pattern is longer than 200", 2),
        ("grep -P a", "grep: Unknown option 'P'", 1),
        ("grep -m x a", "grep: not integer: x", 1),
        ("head -n x", "head: not integer: x", 1),
        ("head -n", "head: Missing argument to -n", 1),
        ("cut", "cut: need one of -c and -f", 1),
        ("cut -f 1 -c 1", "cut: need one of -c and -f", 1),
        ("cut -f a", "cut: bad range a", 1),
        ("cut -f -", "cut: bad range -", 1),
        ("cut -d ab -f 1", "cut: bad -d", 1),
        ("cat --help", "cat: Unknown option '-'", 1),
    ],
)
def test_mistakes(run: Run, line: str, message: str, code: int) -> None:
    out, err, found = run(line)
    assert (out, found) == ("", code)
    assert err.startswith(message)


def test_no_pattern_takes_for_ever(
    run: Run, phone: PhoneState, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.files.write("/long", b"a" * 1_000_000 + b"b")
    phone.files.write("/many", (b"a" * MAX_LINE + b"\n") * 1000)
    assert run("grep -c aaab /long") == ("1\n", "", 0)
    assert run("grep -q 'a*b' /long")[1:] == ("grep: a line is longer than 4096 characters\n", 2)
    monkeypatch.setattr("lab.phone.android.shell.text.GREP_CAP", 0.1)
    assert run("grep 'a*b' /many")[1:] == ("grep: not done after 0.1 seconds\n", 2)
