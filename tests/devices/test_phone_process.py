from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from lab.devices.phone_process import MAX_WORDS, PhoneProcess, clean_environment
from lab.model.device import DeviceLost
from tests.patience import CAP, LONG, not_waiting

Start = Callable[..., PhoneProcess]
READY = 'echo \'{"port": 5, "adb": 6}\'\n'


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a shell script in place of the phone."""
    with ExitStack() as stack:

        def started(script: str, **options: Any) -> PhoneProcess:
            file = tmp_path / "program"
            file.write_text(f"#!/bin/sh\n{script}")
            file.chmod(0o700)
            monkeypatch.setattr(sys, "executable", str(file))
            process = PhoneProcess(["--name", "a"], **options)
            stack.callback(process.end, 0.0)
            return process

        yield started


def test_the_environment_is_cleaned_of_what_would_play_into_the_network() -> None:
    kept = {"PATH": "/bin", "PYTHONPATH": "/a", "proxy_of_mine": "1"}
    proxies = dict.fromkeys(("http_proxy", "HTTPS_PROXY", "No_Proxy", "all_proxy"), "x")
    others = dict.fromkeys(("SSL_CERT_FILE", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE"), "x")
    assert clean_environment({**kept, **proxies, **others}) == kept


def test_a_program_that_is_ready(program: Start, tmp_path: Path) -> None:
    process = program(f'echo "$@" > {tmp_path}/arguments\n{READY}exec cat\n')
    assert process.port == 5
    assert (tmp_path / "arguments").read_text() == "-m lab.phone --name a\n"
    assert os.getsid(process.pid) == process.pid
    assert process.obituary(0.0) is None
    with not_waiting():
        process.end(LONG)
    assert process.obituary() == "its process ended (exit code 0)"
    process.end()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", r"it did not start: its process ended \(exit code 3\)$"),
        ("echo why >&2; exit 2", r"its process ended \(exit code 2\): why$"),
        ("kill -9 $$", r"its process ended \(signal 9\)$"),
        ("exec >&-; read line", "it did not start: its output ended$"),
        ("echo nonsense; exec cat", r"where it listens, but b'nonsense\\n'$"),
        ("echo '[]'; exec cat", "where it listens"),
        ("echo '{\"port\": null}'; exec cat", "where it listens"),
        ("yes | tr -d '\\n'", "where it listens, but b'yyyy"),
        ("exec cat", r"it was not ready within 0\.3 seconds$"),
        ("echo -n '{\"port\"'; exec cat", r"it was not ready within 0\.3 seconds$"),
    ],
)
def test_a_program_that_does_not_get_ready(program: Start, script: str, words: str) -> None:
    before = psutil.Process().children()
    with pytest.raises(DeviceLost, match=words):
        program(script, start_cap=0.3 if "0\\.3" in words else CAP)
    assert psutil.Process().children() == before


def test_a_program_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/none")
    with pytest.raises(DeviceLost, match="it could not be started: No such file or directory"):
        PhoneProcess([])


def test_a_program_that_does_not_end_is_ended_with_all_it_started(
    program: Start, tmp_path: Path
) -> None:
    """What it started holds the FIFO open; the end of that is the proof that it is dead."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        process = program(f"exec 3>{fifo}\nsleep 300 &\n{READY}trap '' TERM\nsleep 300\n")
        began = time.monotonic()
        process.end(0.2)
        assert time.monotonic() - began >= 0.2
        assert select.select([reader], [], [], CAP)[0]
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_a_stopped_program_is_ended(program: Start) -> None:
    process = program(f"{READY}exec cat\n")
    os.kill(process.pid, signal.SIGSTOP)
    process.end(0.1)
    assert process.obituary() == "its process ended (signal 9)"


def test_what_a_program_writes_is_read_and_its_end_is_kept(program: Start) -> None:
    process = program(f"{READY}head -c 1000000 /dev/zero | tr '\\0' x >&2; echo end >&2\n")
    said = process.obituary(5.0)
    assert said is not None
    assert said.endswith("xxxend")
    assert len(said) < MAX_WORDS + 100
