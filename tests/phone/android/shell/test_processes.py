from __future__ import annotations

import pytest

from lab.phone.android.access import RootMode
from lab.phone.android.processes import ZYGOTE
from lab.phone.android.shell import Shell
from lab.phone.android.system import AndroidSystem
from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from tests.phone.android.shell.conftest import Run

SAMPLE = "cloud.trustpin.android.sample"
BROWSER = "com.android.browser"


def test_the_list(run: Run, system: AndroidSystem, screen: Screen) -> None:
    screen.launch(SAMPLE)
    lines = run("ps -A")[0].splitlines()
    assert lines[0].split() == ["USER", "PID", "PPID", "VSZ", "RSS", "WCHAN", "ADDR", "S", "NAME"]
    (pid,) = system.processes.pids(SAMPLE)
    (zygote,) = system.processes.pids(ZYGOTE)
    number = system.packages.uid(SAMPLE) - 10_000
    row = next(line.split() for line in lines if line.endswith(SAMPLE))
    assert row == [f"u0_a{number}", str(pid), str(zygote), "0", "0", "0", "0", "S", SAMPLE]
    assert run("ps -e") == run("ps -A")
    assert len(run("ps")[0].splitlines()) == 1


def test_other_lists(run: Run, system: AndroidSystem) -> None:
    lines = run("ps -ef")[0].splitlines()
    assert lines[0].split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert lines[1].split() == ["root", "1", "0", "0", "12:00", "?", "00:00:00", "init"]
    (zygote,) = system.processes.pids(ZYGOTE)
    assert run(f"ps -A -o PID,NAME | grep {ZYGOTE}")[0].split() == [str(zygote), ZYGOTE]
    assert run(f"ps -p {zygote} -o NAME")[0] == f"NAME\n{ZYGOTE}\n"
    assert run("ps --help | grep -c ^-A")[0] == "1\n"


def test_looking_for_some(run: Run, system: AndroidSystem, screen: Screen) -> None:
    screen.launch(SAMPLE)
    screen.launch(BROWSER)
    (sample,) = system.processes.pids(SAMPLE)
    (of_browser,) = system.processes.pids(BROWSER)
    (zygote,) = system.processes.pids(ZYGOTE)
    assert run(f"pidof {SAMPLE}") == (f"{sample}\n", "", 0)
    assert run(f"pidof -s {SAMPLE} {BROWSER}")[0] == f"{sample}\n"
    assert run(f"pidof {SAMPLE} none {BROWSER}")[0] == f"{sample} {of_browser}\n"
    assert run("pidof none") == ("", "", 1)
    assert run("pgrep 'zygote.*'")[0] == f"{zygote}\n"
    assert run("pgrep -l trustpin")[0] == f"{sample} {SAMPLE}\n"
    assert run("pgrep -x zygote") == ("", "", 1)
    children = run(f"pgrep -P {zygote}")[0].split()
    assert children == [
        *map(str, system.processes.pids("system_server")),
        str(sample),
        str(of_browser),
    ]


def test_killing(run: Run, screen: Screen) -> None:
    screen.launch(SAMPLE)
    pid = run(f"pidof {SAMPLE}")[0].strip()
    assert run(f"kill -0 {pid}") == ("", "", 0)
    assert screen.running(SAMPLE)
    assert run(f"kill -9 {pid}") == ("", "", 0)
    assert not screen.running(SAMPLE)
    assert run(f"kill {pid}") == ("", f"kill: {pid}: No such process\n", 1)
    for signal in ("-KILL", "-s TERM", "-SIGHUP", "--"):
        screen.launch(SAMPLE)
        assert run(f"kill {signal} $(pidof {SAMPLE})") == ("", "", 0)
        assert not screen.running(SAMPLE)


def test_freezing(run: Run, screen: Screen, system: AndroidSystem) -> None:
    screen.launch(SAMPLE)
    run(f"kill -STOP $(pidof {SAMPLE})")
    assert system.faults.frozen(SAMPLE)
    assert run(f"ps -A -o S,NAME | grep {SAMPLE}")[0] == f"T {SAMPLE}\n"
    run(f"kill -CONT $(pidof {SAMPLE})")
    assert not system.faults.frozen(SAMPLE)


def test_zygote(run: Run, screen: Screen) -> None:
    screen.launch(SAMPLE)
    before = run(f"pidof {ZYGOTE}")[0]
    assert run(f"kill -9 $(pidof {ZYGOTE})") == ("", "", 0)
    assert not screen.running(SAMPLE)
    assert run(f"pidof {ZYGOTE}")[0] not in ("", before)


def test_what_may_not_be_killed(run: Run, phone: PhoneState, screen: Screen) -> None:
    assert run("kill -9 1") == ("", "kill: 1: this phone cannot live without it\n", 1)
    stock = Shell(AndroidSystem(phone, screen, root=RootMode.NONE))
    screen.launch(SAMPLE)
    ran = stock.run(f"kill $(pidof {SAMPLE})")
    assert ran.stderr.endswith(b": Operation not permitted\n")
    assert screen.running(SAMPLE)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ps -o WEIGHT", "ps: bad -o WEIGHT"),
        ("ps -Z", "ps: Unknown option 'Z'"),
        ("ps x", "ps: this phone's ps has"),
        ("pgrep", "pgrep: needs a pattern"),
        ("kill", "kill: needs a process id"),
        ("kill -FLY 1", "kill: bad signal 'FLY'"),
        ("kill x", "kill: x: bad process id"),
        ("kill 99999", "kill: 99999: No such process"),
    ],
)
def test_mistakes(run: Run, line: str, message: str) -> None:
    out, err, code = run(line)
    assert (out, code) == ("", 1)
    assert err.startswith(message)
