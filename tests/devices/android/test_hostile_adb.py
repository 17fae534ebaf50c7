"""What the adb program may do that it should not: a clear error in time, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from lab.devices.android import program_link
from lab.devices.android.link import CommandRefused
from lab.devices.android.program_link import AdbProgramLink
from lab.model.device import DeviceLost, Endpoint
from tests.patience import CAP, LONG, not_waiting

SHORT = 0.3
Act = Callable[[AdbProgramLink, float], object]
LOST, REFUSED = DeviceLost, CommandRefused


def _run(link: AdbProgramLink, cap: float) -> object:
    return link.run("true", cap=cap)


def _pull(link: AdbProgramLink, _: float) -> object:
    return link.pull("/x", limit=100_000)


def _push(link: AdbProgramLink, _: float) -> None:
    link.push(b"content", "/x")


class Case(NamedTuple):
    script: str
    """What adb does; ``get-state`` says "device" where it does not say otherwise."""
    act: Act
    expected: type[Exception]
    words: str


STATE = 'case "$*" in *get-state*) echo device; exit 0;; esac\n'
GONE = 'case "$*" in *get-state*) echo "error: device \'x\' not found" >&2; exit 1;; esac\n'
MARK = 'word=$(echo "$*" | grep -o "lab-[0-9a-f]*" | head -n 1)\n'

HOSTILE = {
    "never ends": Case("sleep 600", _run, LOST, r"did not answer within 0\.3 seconds"),
    "ends, but its outputs stay open": Case(
        "sleep 600 & exit 0", _run, LOST, r"did not answer within 0\.3 seconds"
    ),
    "output without end": Case("yes", _run, REFUSED, "longer than 300000 bytes; it was cut off"),
    "a trickle without end": Case(
        "while :; do echo x; sleep 0.05; done", _run, REFUSED, "still writing; it was cut off"
    ),
    "complaints without end": Case("yes >&2", _run, LOST, "did not answer"),
    "nothing": Case(STATE, _run, REFUSED, "did not say how it ended"),
    "nothing, and the phone is gone": Case(GONE, _run, LOST, "'x' not found"),
    "only a part of the output": Case(STATE + "echo hello", _run, REFUSED, "it said: hello"),
    "another's mark": Case(
        STATE + "echo lab-0000000000000000.0.0", _run, REFUSED, "did not say how it ended"
    ),
    "a mark of an absurd number": Case(
        STATE + MARK + 'echo "$word.0.99999999999"', _run, REFUSED, "did not say how it ended"
    ),
    "binary": Case(
        STATE + "head -c 100000 /dev/urandom", _run, REFUSED, "did not say how it ended"
    ),
    "the phone is offline": Case(
        "echo 'error: device offline' >&2; exit 1", _run, LOST, "it is offline"
    ),
    "the key is not accepted": Case(
        "echo 'error: device unauthorized.' >&2; exit 1", _run, LOST, "allow USB debugging"
    ),
    "the server does not start": Case(
        "echo 'error: cannot connect to daemon at tcp:5999: Connection refused' >&2; exit 1",
        _run,
        LOST,
        "cannot connect to daemon",
    ),
    "the connection closes": Case("echo 'error: closed' >&2; exit 1", _run, LOST, "error: closed"),
    "adb itself crashes": Case(STATE + "kill -SEGV $$", _run, REFUSED, "did not say how it ended"),
    "terminal codes": Case(
        "printf 'error: device offline\\033[2J\\007' >&2; exit 1", _run, LOST, "offline"
    ),
    "a pull without end": Case("yes", _pull, REFUSED, "longer than 100000 bytes; it was cut off"),
    "a pull that fails": Case(
        STATE + MARK + 'echo "cat: /x: Permission denied"; echo "$word.0.1"',
        _pull,
        REFUSED,
        "reading /x: the phone refuses: cat: /x: Permission denied",
    ),
    "a push that fails": Case(
        STATE + 'echo "adb: error: failed to copy: remote couldn\'t create file: Read-only" >&2;'
        "exit 1",
        _push,
        REFUSED,
        "writing /x: adb: error: failed to copy",
    ),
    "a push that fails without a word": Case(
        STATE + "exit 1", _push, REFUSED, "writing /x: adb does not say why not"
    ),
}

LIMITED = (
    "never ends",
    "ends, but its outputs stay open",
    "a trickle without end",
    "complaints without end",
)
"""Those that only a limit ends."""


def _adb(folder: Path, script: str) -> AdbProgramLink:
    program = folder / "adb"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return AdbProgramLink("x", server=Endpoint("127.0.0.1", 1), adb=str(program), environ=environ)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_adb_should_not_do_is_a_clear_error_in_time(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program_link, "MOST_OUTPUT", 300_000)
    case = HOSTILE[name]
    link = _adb(tmp_path, case.script)
    cap = SHORT if name in LIMITED else LONG
    with pytest.raises(case.expected, match=case.words) as caught, not_waiting():
        case.act(link, cap)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("sleep 600", "does not start: it does not answer"),
        ("case $* in *start-server*) exit 1;; esac", "does not start"),
        ('case "$*" in *wait-for*) sleep 600;; *get-state*) echo offline;; esac', "it is offline"),
        ('case "$*" in *wait-for*) exit 1;; esac', "adb server does not answer"),
    ],
)
def test_what_stays_lost_stays_lost_within_its_cap(tmp_path: Path, script: str, words: str) -> None:
    link = _adb(tmp_path, script)
    with pytest.raises(DeviceLost, match=words), not_waiting():
        link.reconnect(SHORT)


def test_a_server_elsewhere_is_asked_and_never_started(tmp_path: Path) -> None:
    program = tmp_path / "adb"
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/said\n')
    program.chmod(0o755)
    environ = {"PATH": os.environ["PATH"]}
    elsewhere = AdbProgramLink(
        "x", server=Endpoint("192.0.2.1", 5999), adb=str(program), environ=environ
    )
    elsewhere.reconnect(CAP)
    said = (tmp_path / "said").read_text().splitlines()
    assert said == ["-H 192.0.2.1 -P 5999 -s x wait-for-device"]
