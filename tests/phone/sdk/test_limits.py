from __future__ import annotations

import socket
import threading
import time

import pytest

from lab.phone.sdk.limits import Limits
from lab.phone.services import Cancelled, SocketTimeout
from tests.patience import CAP, LONG, not_waiting


def block(limits: Limits, seconds: float, begun: threading.Event | None = None) -> None:
    """Read from a peer that says nothing, as the HTTP client does it."""
    near, far = socket.socketpair()
    with near, far, limits.within(seconds) as limit:
        near.settimeout(LONG)
        limit.watch(near)
        if begun is not None:
            begun.set()
        assert near.recv(1) == b""
        limit.check()


def test_what_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(SocketTimeout, match="timeout"), not_waiting():
        block(Limits(), 0.05)
    assert time.monotonic() - began >= 0.05


def test_what_is_done_in_time_is_left_alone() -> None:
    before = set(threading.enumerate())
    with Limits().within(CAP) as limit:
        assert set(threading.enumerate()) != before
    limit.check()
    assert set(threading.enumerate()) == before


def test_close_ends_what_runs_and_what_comes_later() -> None:
    limits, begun, ended = Limits(), threading.Event(), []

    def run() -> None:
        try:
            block(limits, LONG, begun)
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(CAP)
    limits.close()
    thread.join(CAP)
    assert len(ended) == 1
    with pytest.raises(Cancelled), limits.within(CAP):
        pytest.fail("must not be entered")
    with pytest.raises(Cancelled):
        limits.closing.check()
    limits.close()


def test_other_failures_pass() -> None:
    limits = Limits()
    with pytest.raises(KeyError), limits.within(CAP):
        raise KeyError
    assert limits._running == set()
