from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from lab.phone.link import CALL_FACTOR, MAX_RECEIVED, Link, Patience, tap
from lab.phone.services import (
    Cancellation,
    Cancelled,
    ConnectionLost,
    HttpProtocolError,
    SocketTimeout,
)
from tests.patience import CAP, LONG, not_waiting
from tests.phone.peers import reset


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a TCP connection: the link's and its peer's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    far.settimeout(CAP)
    with near, far:
        yield near, far


def link_to(near: socket.socket, timeout: float = CAP) -> Link:
    return Link(near, Patience(timeout))


def test_both_ways(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    link = link_to(near)
    deadline = link.patience.step()
    link.send(b"", deadline)
    link.send(b"there", deadline)
    assert far.recv(100) == b"there"
    far.sendall(b"back")
    assert link.receive(deadline) == b"back"
    far.close()
    assert link.receive(deadline) == b""


def test_a_farewell_is_sent_and_nothing_is_lost_by_unread_bytes(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends
    link = link_to(near)
    far.sendall(b"unread")
    # What is on its way has arrived when the peer's window is seen to hold it.
    near.settimeout(CAP)
    assert near.recv(6, socket.MSG_PEEK) == b"unread"
    link.close(b"bye")
    link.close(b"twice")
    assert far.recv(100) == b"bye"
    assert far.recv(100) == b""


def test_closing_never_blocks(ends: tuple[socket.socket, socket.socket]) -> None:
    near, _ = ends
    link = link_to(near, 0.2)
    with pytest.raises(SocketTimeout, match=r"\Atimeout\Z"):
        link.send(bytes(64 * 1024 * 1024), link.patience.step())
    near.settimeout(LONG)
    with not_waiting():
        link.close(b"bye")


def test_a_reset_is_a_lost_connection(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    link = link_to(near)
    reset(far)
    with pytest.raises(ConnectionLost, match="Connection reset"):
        link.receive(link.patience.step())


def test_a_peer_that_sends_too_much(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    link = link_to(near)

    def flood() -> None:
        try:
            while True:
                far.sendall(bytes(65536))
        except OSError:
            pass

    thread = threading.Thread(target=flood)
    thread.start()
    received = [0]

    def listen() -> None:
        while True:
            received.append(len(link.receive(link.patience.step())))

    with pytest.raises(HttpProtocolError, match="more than"):
        listen()
    link.close()
    thread.join(CAP)
    assert MAX_RECEIVED - 65536 <= sum(received) <= MAX_RECEIVED


def test_a_step_and_the_whole_call_have_their_time(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, _ = ends
    began = time.monotonic()
    link = link_to(near, 0.05)
    steps = 0
    while link.patience.step() - time.monotonic() > 0.04:
        with pytest.raises(SocketTimeout):
            link.receive(link.patience.step())
        steps += 1
        assert steps <= CALL_FACTOR

    def go_on() -> None:
        for _ in range(1000):
            link.patience.left(link.patience.step())
            time.sleep(0.005)

    with pytest.raises(SocketTimeout):
        go_on()
    assert time.monotonic() - began >= 0.05 * CALL_FACTOR


def test_a_cancelled_call_does_nothing(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    cancellation = Cancellation()
    link = Link(near, Patience(CAP, cancellation))
    cancellation.fire()
    for work in (
        lambda: link.receive(link.patience.step()),
        lambda: link.send(b"x", link.patience.step()),
        lambda: Patience(1, cancellation),
    ):
        with pytest.raises(Cancelled):
            work()
    assert far.recv(10) == b""
    other = socket.socket()
    patience = Patience(CAP)
    patience.cancellation.fire()
    with pytest.raises(Cancelled):
        Link(other, patience)
    assert other.fileno() == -1


def test_cancelling_wakes_a_reader(ends: tuple[socket.socket, socket.socket]) -> None:
    near, _ = ends
    cancellation = Cancellation()
    link = Link(near, Patience(LONG, cancellation))
    timer = threading.Timer(0.05, cancellation.fire)
    timer.start()
    with pytest.raises(Cancelled), not_waiting():
        link.receive(link.patience.step())
    timer.join()


class Notes:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def sent(self, content: bytes) -> None:
        self.lines.append(f"sent {content.decode()}")

    def received(self, content: bytes) -> None:
        self.lines.append(f"received {content.decode()}")

    def closed(self) -> None:
        self.lines.append("closed")


def test_a_tap_is_told_what_passes(ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    notes = Notes()
    tap(near, notes)
    link = link_to(near)
    deadline = link.patience.step()
    link.send(b"there", deadline)
    far.sendall(b"back")
    link.receive(deadline)
    far.sendall(b"more")
    near.settimeout(CAP)
    near.recv(4, socket.MSG_PEEK)
    assert link.arrived() == b"more"
    link.close(b"bye")
    link.close(b"twice")
    assert notes.lines == ["sent there", "received back", "received more", "sent bye", "closed"]
