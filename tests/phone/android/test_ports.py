from __future__ import annotations

import socket
import threading
import time

import pytest

from lab.phone.android.ports import FIRST_FREE, PortInUse, Ports
from tests.patience import CAP


def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair()


def test_a_connection_leads_to_who_serves_the_port() -> None:
    ports = Ports()
    ours, theirs = pair()
    with ours, theirs:
        assert ports.serve(80, lambda: ours) == 80
        assert ports.connect(80) is ours
        assert ports.connect(81) is None
        assert ports.served() == (80,)
        ports.release(80)
        assert ports.connect(80) is None
        ports.release(80)


def test_a_port_has_one_owner() -> None:
    ports = Ports()
    ports.serve(80, lambda: None)
    with pytest.raises(PortInUse, match=r"^port 80: Address already in use$"):
        ports.serve(80, lambda: None)
    for wrong in (-1, 65536):
        with pytest.raises(ValueError, match="is not a port"):
            ports.serve(wrong, lambda: None)


def test_a_free_port_is_found() -> None:
    ports = Ports()
    assert [ports.serve(0, lambda: None) for _ in range(3)] == [FIRST_FREE + n for n in range(3)]
    ports.release(FIRST_FREE + 1)
    assert ports.serve(0, lambda: None) == FIRST_FREE + 1


def test_free_ports_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.phone.android.ports.LAST_FREE", FIRST_FREE)
    ports = Ports()
    ports.serve(0, lambda: None)
    with pytest.raises(PortInUse):
        ports.serve(0, lambda: None)


def test_who_is_about_to_listen_is_given_time() -> None:
    ports = Ports()
    ours, theirs = pair()
    with ours, theirs:
        answers = [None, None, ours]

        def connect() -> socket.socket | None:
            return answers.pop(0)

        threading.Timer(0.02, ports.serve, (80, connect)).start()
        assert ports.reach(80, CAP) is ours


def test_nobody_is_waited_for_longer_than_that() -> None:
    ports = Ports()
    ports.serve(80, lambda: None)
    begun = time.monotonic()
    assert ports.reach(80, 0.03) is None
    assert ports.reach(81, 0.03) is None
    assert time.monotonic() - begun >= 0.06


def test_serving_a_port_does_not_hold_up_others() -> None:
    ports = Ports()
    released = threading.Event()

    def slow() -> socket.socket | None:
        released.wait(CAP)
        return None

    ports.serve(80, slow)
    waiting = threading.Thread(target=ports.connect, args=(80,))
    waiting.start()
    assert ports.connect(81) is None
    ports.serve(81, lambda: None)
    released.set()
    waiting.join(CAP)
