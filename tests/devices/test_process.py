from __future__ import annotations

import os
import select
import signal
import sys
import threading
from pathlib import Path

import pytest

from lab.devices.process import MOST_OUTPUT, CannotStart, Ended, Stream, run
from tests.patience import CAP


def sh(script: str, folder: Path, *, keep: Stream = Stream.ERR, cap: float = 10) -> Ended:
    return run(
        ["sh", "-c", script], env={"PATH": os.environ["PATH"]}, folder=folder, keep=keep, cap=cap
    )


def test_exit_code_and_the_output_asked_for(tmp_path: Path) -> None:
    ended = sh("echo out; echo err >&2; exit 7", tmp_path)
    assert (ended.code, ended.output) == (7, b"err\n")
    assert sh("echo out; echo err >&2", tmp_path, keep=Stream.OUT).output == b"out\n"


def test_nothing_to_read_and_exactly_the_environment_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://elsewhere.invalid")
    script = "import os, sys; print(sys.stdin.read(), *sorted(os.environ))"
    ended = run(
        [sys.executable, "-I", "-c", script],
        env={"A": "1", "LC_ALL": "C"},
        folder=tmp_path,
        keep=Stream.OUT,
    )
    # CPython itself adds LC_CTYPE where the locale is C (PEP 538).
    assert set(ended.output.decode().split()) - {"LC_CTYPE"} == {"A", "LC_ALL"}
    assert ended.code == 0


def test_it_runs_in_the_folder(tmp_path: Path) -> None:
    assert sh("pwd", tmp_path, keep=Stream.OUT).output.decode().strip() == str(tmp_path.resolve())


def test_a_crash_is_told_by_its_signal(tmp_path: Path) -> None:
    assert sh("kill -SEGV $$", tmp_path).code == -signal.SIGSEGV


def test_output_is_bounded_and_the_program_is_not_blocked_by_it(tmp_path: Path) -> None:
    ended = sh("head -c 1000000 /dev/zero >&2; exit 3", tmp_path)
    assert ended.code == 3
    assert ended.output == bytes(MOST_OUTPUT)


@pytest.mark.parametrize("end", ["wait", "exit 0", "exec 2>&-; wait"])
def test_at_the_cap_everything_it_started_is_gone(tmp_path: Path, end: str) -> None:
    """The child holds the FIFO open; its end of file is the proof that the child is dead."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        for cap in (0.5, 5.0, CAP):
            ended = sh("exec 3>fifo; echo alive >&3; sleep 300 & " + end, tmp_path, cap=cap)
            assert ended.code is None
            assert ended.seconds >= cap
            # It may have been killed before it came to anything.
            if said := os.read(reader, 100):
                break
        assert said == b"alive\n"
        assert select.select([reader], [], [], CAP)[0]
        assert os.read(reader, 100) == b""
    finally:
        os.close(reader)


def test_what_it_leaves_behind_is_killed(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ended = sh("exec 3>fifo; sleep 300 2>&- >&- & exit 0", tmp_path)
        assert ended.code == 0
        assert select.select([reader], [], [], CAP)[0]
        assert os.read(reader, 100) == b""
    finally:
        os.close(reader)


@pytest.mark.parametrize("name", ["nothere", "plain", ".", "a\0b"])
def test_a_program_that_cannot_be_started_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "plain").write_text("not a program")
    with pytest.raises(CannotStart, match="could not be started"):
        run([str(tmp_path / name)], env={}, folder=tmp_path, keep=Stream.ERR)


def test_an_interrupt_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)

    def interrupt(*_: object) -> None:
        # As Ctrl-C would, once the program is there.
        assert select.select([reader], [], [], CAP)[0]
        raise KeyboardInterrupt

    monkeypatch.setattr("lab.devices.process._read", interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            sh("exec 3>fifo; echo alive >&3; sleep 300", tmp_path)
        assert os.read(reader, 100) == b"alive\n"
        assert select.select([reader], [], [], CAP)[0], "somebody still has it open"
        assert os.read(reader, 100) == b""
    finally:
        os.close(reader)


def test_two_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    codes: dict[int, int | None] = {}

    def start(number: int) -> None:
        codes[number] = sh(f"exit {number}", tmp_path).code

    threads = [threading.Thread(target=start, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == {n: n for n in range(8)}


def test_a_program_that_is_entered_for_starts_in_its_folder(tmp_path: Path) -> None:
    # What enters a namespace leaves the folder for the root; "env" stands in for it.
    enter = ("env", "--chdir=/")
    env = {"PATH": "/usr/bin:/bin"}
    ended = run(["pwd"], env=env, folder=tmp_path, keep=Stream.OUT, enter=enter)
    assert (ended.code, ended.output.decode().strip()) == (0, str(tmp_path))
    with pytest.raises(CannotStart, match=r"^no-such-program could not be started: No such file"):
        run(["no-such-program"], env=env, folder=tmp_path, keep=Stream.OUT, enter=enter)
