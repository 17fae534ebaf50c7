from __future__ import annotations

import os
import random
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.killing import SEED_VARIABLE, Nursery, moments_of, run_and_kill
from tests.patience import CAP, eventually

FOR_EVER = "import time; print('ready', flush=True); time.sleep(1000)"


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def is_alive(pid: int) -> bool:
    try:
        # A zombie is one that ended; nobody may be there to reap it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class TestPrograms:
    """run_and_kill"""

    def test_one_is_killed(self) -> None:
        end = run_and_kill(python(FOR_EVER), after=0.05, ready="ready")
        assert end.killed
        assert end.seconds >= 0.05
        assert end.output == "ready\n"

    def test_one_that_ends_before(self) -> None:
        end = run_and_kill(python("print('done'); raise SystemExit(7)"), after=CAP)
        assert (end.code, end.killed, end.output) == (7, False, "done\n")

    def test_one_that_is_never_ready(self) -> None:
        with pytest.raises(AssertionError, match="was not written: no"):
            run_and_kill(python("print('no')"), after=1, ready="ready")
        with pytest.raises(AssertionError, match="was not written"):
            run_and_kill(python(FOR_EVER), ready="never", cap=0.3)

    @pytest.mark.parametrize("group", [True, False])
    def test_its_children_are_killed_only_if_told(self, group: bool) -> None:
        child = f"import subprocess, sys; p = subprocess.Popen({python(FOR_EVER)!r}, stdout=-3); "
        program = child + "print(p.pid, 'ready', flush=True); p.wait()"
        end = run_and_kill(python(program), after=0.05, ready="ready", group=group)
        assert end.killed
        pid = int(end.output.split()[0])
        try:
            # A signal takes a moment; one that was not sent never arrives.
            if group:
                assert eventually(lambda: not is_alive(pid))
            else:
                threading.Event().wait(0.2)
                assert is_alive(pid)
        finally:
            if is_alive(pid):
                os.kill(pid, 9)


class TestNursery:
    """Functions in forked children."""

    def test_ends(self) -> None:
        with Nursery("tests.test_killing") as nursery:
            assert nursery.run("sleep", seconds=0.0).code == 0
            assert nursery.run("sleep", after=0.05, seconds=1000.0).killed
            assert nursery.run("leave", code=3).code == 3
            assert nursery.run("leave", code=None).code == 1


def test_moments_can_be_had_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(SEED_VARIABLE, raising=False)
    first = moments_of("a test")
    said = capsys.readouterr().out.strip()
    assert said.startswith(f"a test: {SEED_VARIABLE}=")
    monkeypatch.setenv(SEED_VARIABLE, said.rpartition("=")[2])
    assert moments_of("a test").random() == first.random()
    assert isinstance(first, random.Random)


# Called in the nursery's children.


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def leave(code: int | None) -> None:
    raise SystemExit(code if code is not None else "words")
