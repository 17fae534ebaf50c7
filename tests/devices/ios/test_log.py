from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.devices.ios.log import DeviceLog, read_line
from lab.devices.ios.reach import Reach
from lab.devices.ios.service import Service
from lab.model.device import DeviceLost
from tests.devices.ios.rig import Rig
from tests.patience import CAP

LINE = "Nov 24 03:09:37 vPhone TestApp(CFNetwork)[412] <Notice>: hello, world"


def test_a_line() -> None:
    line = read_line(f"{LINE}\n".encode())
    assert line is not None
    assert (line.tag, line.message) == ("TestApp(CFNetwork)", "hello, world")
    later = read_line(LINE.replace("03:09:37", "03:10:40").encode())
    assert later is not None
    assert later.at - line.at == 63.0


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"[connected]", LINE.replace("Nov", "Xxx").encode(), b"\xff\xfe"]
)
def test_what_is_no_line(raw: bytes) -> None:
    assert read_line(raw) is None


@given(st.binary(max_size=200))
def test_no_bytes_do_any_harm(raw: bytes) -> None:
    line = read_line(raw)
    assert line is None or line.message.isprintable()


def test_what_is_said_from_a_moment_on(desk: Rig) -> None:
    log = DeviceLog(desk.reach)
    try:
        first = log.moment()
        for number in range(3):
            desk.state.log("test", "INFO", f"number {number}")
        assert [line.message for line in log.lines(first) if line.tag == "test"] == [
            "number 0",
            "number 1",
            "number 2",
        ]
        second = log.moment()
        desk.state.log("test", "INFO", "later")
        assert [line.message for line in log.lines(second)] == ["later"]
        assert len(log.lines(first)) == 4
    finally:
        log.close()
        log.close()


class _Late(Reach):
    """A relay that begins to listen a while after the connection is there."""

    def __init__(self) -> None:
        self.theirs: socket.socket

    def open(self, name: str) -> Service:
        ours, self.theirs = socket.socketpair()
        threading.Timer(0.3, self.theirs.sendall, [LINE.encode() + b"\n\0"]).start()
        return Service(ours, name)


def test_a_moment_is_one_that_the_relay_listens_at() -> None:
    relay = _Late()
    log = DeviceLog(relay)
    moment = log.moment()
    relay.theirs.sendall(LINE.replace("hello", "later").encode() + b"\n\0")
    assert [line.message for line in log.lines(moment)] == ["later, world"]
    log.close()
    relay.theirs.close()


class _Ending(Reach):
    def __init__(self) -> None:
        pass

    def open(self, name: str) -> Service:
        ours, theirs = socket.socketpair()
        theirs.sendall(LINE.encode() + b"\n\0" + b"cut of")
        theirs.close()
        return Service(ours, name)


def test_a_log_that_ended_is_not_taken_for_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.devices.ios.log.QUIET", CAP)
    monkeypatch.setattr("lab.devices.ios.log.CAP", CAP)
    log = DeviceLog(_Ending())
    try:
        since = log.moment()
        with pytest.raises(DeviceLost, match="ended its log"):
            log.lines(since)
        # It is listened to anew: there the first line comes again.
        assert log.moment() == "2"
    finally:
        log.close()
