from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from lab.devices.kept import CannotStart, KeptServer, free_port
from tests.patience import CAP, eventually

WAITS = "import sys, threading; print('ready', flush=True); threading.Event().wait()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WAITS!r}]); {WAITS}"

Start = Callable[..., KeptServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def started(program: str, farewell: Sequence[str] = ()) -> KeptServer:
            server = KeptServer(
                "the server",
                [sys.executable, "-c", program],
                environment=os.environ,
                folder=tmp_path,
                log=tmp_path / "log",
                farewell=farewell,
            )
            stack.callback(server.end)
            return server

        yield started


def ready(log: Path, times: int = 1) -> None:
    assert eventually(lambda: log.exists() and log.read_text().count("ready") == times)


def session_of(leader: int) -> list[int]:
    """Return the processes of a session that are alive."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def test_what_it_writes_is_in_the_log(start: Start, tmp_path: Path) -> None:
    server = start("import sys; print('out', flush=True); sys.exit('err')")
    assert server.obituary(CAP) == "the server ended (exit code 1): out / err"
    assert (tmp_path / "log").read_text() == "out\nerr\n"


def test_the_last_words_are_legible(start: Start) -> None:
    server = start("print('\\x1b[31mred\\x1b[0m \\x07' + 'a' * 5000); print('b'); exit(1)")
    said = server.obituary(CAP)
    assert said is not None
    assert said.endswith("a / b")
    assert said.isprintable()
    assert len(said) < 2100


def test_a_signal_is_told(start: Start, tmp_path: Path) -> None:
    server = start(WAITS)
    ready(tmp_path / "log")
    assert server.obituary(0.0) is None
    (child,) = set(session_of(server.pid)) - {server.pid}
    os.kill(child, signal.SIGKILL)
    assert server.obituary(CAP) == "the server ended (signal 9): ready"


@pytest.mark.parametrize("program", [WAITS, DEAF, PARENT], ids=["obeys", "is deaf", "has a child"])
def test_nothing_is_left_in_the_end(start: Start, tmp_path: Path, program: str) -> None:
    server = start(program)
    ready(tmp_path / "log", 2 if program is PARENT else 1)
    assert len(session_of(server.pid)) >= 2
    server.end()
    assert eventually(lambda: session_of(server.pid) == [])
    server.end()


def test_what_it_left_running_is_ended_too(start: Start, tmp_path: Path) -> None:
    server = start(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {WAITS!r}])")
    assert server.obituary(CAP) is not None
    ready(tmp_path / "log")
    assert len(session_of(server.pid)) == 1
    server.end()
    assert eventually(lambda: session_of(server.pid) == [])


def test_the_farewell_comes_first(start: Start, tmp_path: Path) -> None:
    said = tmp_path / "said"
    server = start(WAITS, [sys.executable, "-c", f"open({str(said)!r}, 'w').close()"])
    ready(tmp_path / "log")
    assert not said.exists()
    server.end()
    assert said.exists()


@pytest.mark.parametrize("program", [PARENT, DEAF], ids=["has a child", "is deaf"])
def test_it_ends_with_the_lab_even_if_that_is_killed(tmp_path: Path, program: str) -> None:
    lab = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import os, sys, pathlib, threading\n"
            "from lab.devices.kept import KeptServer\n"
            "folder = pathlib.Path(sys.argv[1])\n"
            f"server = KeptServer('x', [sys.executable, '-c', {program!r}],\n"
            "    environment=os.environ, folder=folder, log=folder / 'log')\n"
            "print(server.pid, flush=True)\n"
            "threading.Event().wait()\n",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )
    with lab:
        assert lab.stdout is not None
        leader = int(lab.stdout.readline())
        ready(tmp_path / "log", 2 if program is PARENT else 1)
        assert len(session_of(leader)) == (3 if program is PARENT else 2)
        lab.kill()
    assert eventually(lambda: session_of(leader) == [])


def test_a_program_that_there_is_not(start: Start, tmp_path: Path) -> None:
    server = KeptServer(
        "it",
        ["/no/such/program"],
        environment=os.environ,
        folder=tmp_path,
        log=tmp_path / "log",
    )
    said = server.obituary(CAP)
    server.end()
    assert said is not None
    assert "No such file or directory" in said
    with pytest.raises(CannotStart, match="it could not be started"):
        KeptServer(
            "it", ["x"], environment={}, folder=tmp_path / "none", log=tmp_path / "none" / "log"
        )


def test_free_ports_are_free_and_not_adbs() -> None:
    for port in (free_port() for _ in range(20)):
        assert port not in range(5554, 5586)
        assert port != 5037
