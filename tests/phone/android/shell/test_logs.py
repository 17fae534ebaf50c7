from __future__ import annotations

import threading

import pytest

from lab.phone.android.shell import Shell
from lab.phone.android.shell.logs import HEADER
from lab.phone.android.shell.streams import Given, Live, Output
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from tests.patience import CAP
from tests.phone.android.shell.conftest import Run
from tests.phone.scripted import NOON


@pytest.fixture
def lines(run: Run, phone: PhoneState) -> list[str]:
    """What the log shows of six lines of two tags."""
    phone.logcat.clear()
    for number in range(3):
        phone.logcat.write(NOON + number, "One", "INFO", f"first {number}", 41)
        phone.logcat.write(NOON + number, "Two", "ERROR", f"second {number}", 42)
    return run("logcat -d")[0].splitlines()


def messages(output: str) -> list[str]:
    return [line.rpartition(": ")[2] for line in output.splitlines() if line != HEADER]


def test_the_log(lines: list[str], run: Run) -> None:
    assert lines[0] == HEADER
    assert lines[1] == "07-01 12:00:00.000    41    41 I One     : first 0"
    assert lines[6] == "07-01 12:00:02.000    42    42 E Two     : second 2"
    assert len(lines) == 7
    assert run("logcat -d -b all -b main,system")[0].splitlines() == lines
    assert run("logcat -c; logcat -d") == ("", "", 0)
    assert run("logcat --clear") == ("", "", 0)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("-s Two", ["second 0", "second 1", "second 2"]),
        ("-s Two:E One:W", ["second 0", "second 1", "second 2"]),
        ("Two:I '*:S'", ["second 0", "second 1", "second 2"]),
        ("Two:F", ["first 0", "first 1", "first 2"]),
        ("Two:S One:D", ["first 0", "first 1", "first 2"]),
        ("'*:E'", ["second 0", "second 1", "second 2"]),
        ("-s", []),
        ("-t 2", ["first 2", "second 2"]),
        ("-s Two -t 1", ["second 2"]),
        ("-T 3", ["second 1", "first 2", "second 2"]),
        ("-t '07-01 12:00:01.500'", ["first 2", "second 2"]),
        ("-T '2026-07-01 12:00:02.000'", ["first 2", "second 2"]),
        (f"-t {NOON + 2}", ["first 2", "second 2"]),
        ("-m 2", ["first 0", "second 0"]),
        ("--max-count=1", ["first 0"]),
        ("--pid=42 -t 1", ["second 2"]),
        ("--pid 41", ["first 0", "first 1", "first 2"]),
        ("-e 'sec.*1$'", ["second 1"]),
        ("--regex=first", ["first 0", "first 1", "first 2"]),
    ],
)
def test_which_lines(lines: list[str], run: Run, arguments: str, expected: list[str]) -> None:
    out, err, code = run(f"logcat -d {arguments}")
    assert (messages(out), err, code) == (expected, "", 0)
    # The heading is there where anything is.
    assert out.startswith(HEADER) is bool(expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("-v brief", "E/Two     (   42): second 2"),
        ("-v process", "E(   42) second 2  (Two)"),
        ("-v tag", "E/Two     : second 2"),
        ("-v raw", "second 2"),
        ("-v thread", "E(   42:   42) second 2"),
        ("-v time", "07-01 12:00:02.000 E/Two     (   42): second 2"),
        ("-v threadtime", "07-01 12:00:02.000    42    42 E Two     : second 2"),
        ("-vthreadtime -v year", "2026-07-01 12:00:02.000    42    42 E Two     : second 2"),
        ("-v usec,UTC", "07-01 12:00:02.000000    42    42 E Two     : second 2"),
        ("-v epoch", "1782907202.000    42    42 E Two     : second 2"),
        ("-v time -v zone", "07-01 12:00:02.000 +0000 E/Two     (   42): second 2"),
        ("--format=brief", "E/Two     (   42): second 2"),
    ],
)
def test_formats(lines: list[str], run: Run, arguments: str, expected: str) -> None:
    assert run(f"logcat -t 1 {arguments}")[0].splitlines()[-1] == expected


def test_the_filter_of_the_environment(lines: list[str], run: Run) -> None:
    assert len(run("export ANDROID_LOG_TAGS=\"''\"; exec logcat -d")[0].splitlines()) == 7
    assert messages(run("export ANDROID_LOG_TAGS='One:V *:S'; logcat -d -t 1")[0]) == ["first 2"]


def test_other_things_about_the_log(run: Run) -> None:
    assert "ring buffer is" in run("logcat -g")[0]
    assert run("logcat -G 16M") == ("", "", 0)


class Reader:
    """Reads a log that goes on."""

    def __init__(self, system: AndroidSystem, command: str) -> None:
        self.hung_up = threading.Event()
        self.codes: list[int] = []
        self._shell = Shell(system)
        self._command = command
        self._content = b""
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        out = Live(self._take)
        code = self._shell.execute(self._command, Given(), out, Output(), hung_up=self.hung_up)
        self.codes.append(code)

    def _take(self, content: bytes) -> bool:
        with self._more:
            self._content += content
            self._more.notify_all()
        return not self.hung_up.is_set()

    def waits_for(self, text: str) -> bool:
        with self._more:
            return self._more.wait_for(lambda: text.encode() in self._content, CAP)

    def end(self) -> bytes:
        self.hung_up.set()
        self._thread.join(CAP)
        assert self.codes
        return self._content


@pytest.mark.parametrize("command", ["logcat", "exec logcat '-v' 'threadtime'", "logcat -T 1"])
def test_following(lines: list[str], system: AndroidSystem, command: str) -> None:
    reader = Reader(system, command)
    assert reader.waits_for("second 2")
    system.phone.log("Three", "INFO", "while it is read")
    assert reader.waits_for("while it is read")
    system.phone.logcat.clear()
    system.phone.log("Three", "INFO", "after that")
    assert reader.waits_for("after that")
    assert reader.end().count(b"second 2") == 1


def test_following_some(lines: list[str], system: AndroidSystem) -> None:
    reader = Reader(system, "logcat -T 1 -s Three:W")
    system.phone.log("Three", "INFO", "not this")
    system.phone.log("Two", "ERROR", "nor this")
    system.phone.log("Three", "ERROR", "but this")
    assert reader.waits_for("but this")
    assert b"this\n" not in reader.end().replace(b"but this\n", b"")


def test_following_until_there_is_enough(lines: list[str], system: AndroidSystem) -> None:
    reader = Reader(system, "logcat -m 7")
    assert reader.waits_for("second 2")
    system.phone.log("Three", "INFO", "the last one")
    assert reader.waits_for("the last one")
    reader._thread.join(CAP)
    assert reader.codes == [0]


def test_writing_to_the_log(run: Run) -> None:
    run("logcat -c; log -t Lab -p e that is it; log plain; echo piped | log -t Lab")
    assert run("logcat -d -v brief | cut -c 1-11 | tail -n +2")[0].splitlines() == [
        "E/Lab     (",
        "I/log     (",
        "I/Lab     (",
    ]
    assert messages(run("logcat -d -s Lab")[0]) == ["that is it", "piped"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("logcat -d -v json", "logcat: Invalid parameter 'json' to -v"),
        ("logcat -t x", 'logcat: -t "x" not in time format'),
        ("logcat -t '13-01 00:00:00.0'", 'logcat: -t "13-01 00:00:00.0" not in time format'),
        ("logcat -f a", "logcat: this phone's logcat has no -f"),
        ("logcat -x", "logcat: Unknown option 'x'"),
        ("logcat --fly", "logcat: Unknown option '--fly'"),
        ("logcat -t", "logcat: Missing argument to -t"),
        ("logcat --pid", "logcat: Missing argument to --pid"),
        ("logcat --pid=x", "logcat: not a number: x"),
        ("logcat -b moon", "logcat: unknown buffer -b 'moon'"),
        ("logcat -G big", "logcat: Invalid parameter 'big' to -G"),
        ("logcat -d :V", "logcat: Invalid filter expression ':V'"),
        ("logcat -d Tag:X", "logcat: Invalid filter expression 'Tag:X'"),
        ("logcat -d -e '(a*)*'", "grep: too much repetition"),
        ("log -p x a", "log: bad -p 'x'"),
    ],
)
def test_mistakes(run: Run, line: str, message: str) -> None:
    out, err, code = run(line)
    assert out == ""
    assert code in (1, 2)
    assert err.startswith(message)


def test_an_apps_lines_are_those_of_its_process(run: Run) -> None:
    package = "cloud.trustpin.android.sample"
    run(f"am start {package}")
    told = messages(run(f"logcat -d --pid=$(pidof {package})")[0])
    assert "TrustPin Android Sample started" in told
    assert messages(run("logcat -d --pid=1")[0]) == []
