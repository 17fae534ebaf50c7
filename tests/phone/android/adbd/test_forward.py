from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from lab.phone.android.system import AndroidSystem
from tests.patience import CAP, eventually
from tests.phone.android.adbd.peer import Peer

PORT = 6790


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """What a connection to a port leads to, and the far end of it."""
    near, far = socket.socketpair()
    far.settimeout(CAP)
    with near, far:
        yield near, far


def test_bytes_both_ways(
    peer: Peer, system: AndroidSystem, ends: tuple[socket.socket, socket.socket]
) -> None:
    near, far = ends
    system.ports.serve(PORT, lambda: near)
    stream = peer.open(f"tcp:{PORT}")
    stream.send(b"there")
    assert far.recv(100) == b"there"
    far.sendall(b"and back")
    assert stream.exactly(8) == b"and back"
    far.close()
    assert stream.rest() == b""
    assert eventually(lambda: near.fileno() < 0)


def test_the_end_comes_after_all_that_was_sent(
    peer: Peer, system: AndroidSystem, ends: tuple[socket.socket, socket.socket]
) -> None:
    near, far = ends
    system.ports.serve(PORT, lambda: near)
    stream = peer.open(f"tcp:{PORT}")
    stream.send(b"last")
    stream.close()
    received = b""
    while part := far.recv(100):
        received += part
    assert received == b"last"
    assert eventually(lambda: near.fileno() < 0)


def test_a_port_is_held_for_who_is_about_to_listen(
    peer: Peer, system: AndroidSystem, ends: tuple[socket.socket, socket.socket]
) -> None:
    timer = threading.Timer(0.01, system.ports.serve, (PORT, lambda: ends[0]))
    timer.start()
    peer.open(f"tcp:{PORT}").close()
    timer.join()
    assert eventually(lambda: ends[0].fileno() < 0)


def test_a_port_where_nobody_listens_is_refused(peer: Peer, system: AndroidSystem) -> None:
    system.ports.serve(PORT, lambda: None)
    for port in (PORT, PORT + 1):
        stream = peer.ask(f"tcp:{port}")
        assert peer.receive()[:3] == ("CLSE", 0, stream.local)
