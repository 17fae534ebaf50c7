from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from lab.phone.android.adbd import Adbd, KeyPolicy
from lab.phone.android.system import AndroidSystem
from tests.patience import CAP, eventually
from tests.phone.android.adbd.conftest import QUICK, Start
from tests.phone.android.adbd.peer import Peer, packed


@contextmanager
def connecting(system: AndroidSystem, port: int) -> Iterator[list[socket.socket | None]]:
    """Connect to a port of the phone from a thread, as an app does; gives what came of it."""
    made: list[socket.socket | None] = []
    thread = threading.Thread(target=lambda: made.append(system.ports.connect(port)))
    thread.start()
    yield made
    thread.join(CAP)
    for sock in made:
        if sock is not None:
            sock.close()


def reverse(peer: Peer, request: str) -> bytes:
    return peer.open(f"reverse:{request}").rest()


def test_a_connection_comes_as_an_open_from_the_phone(peer: Peer, system: AndroidSystem) -> None:
    assert reverse(peer, "forward:tcp:8080;tcp:4433") == b"OKAY"
    with connecting(system, 8080) as made:
        asked = peer.receive()
        assert (asked.name, asked.arg1, asked.payload) == ("OPEN", 0, b"tcp:4433\0")
        assert asked.arg0 != 0
        peer.send("OKAY", 7, asked.arg0)
        assert eventually(lambda: bool(made))
        (sock,) = made
        assert sock is not None
        sock.settimeout(CAP)
        sock.sendall(b"from the app")
        sent = peer.receive()
        assert sent == ("WRTE", asked.arg0, 7, b"from the app")
        peer.send("OKAY", 7, asked.arg0)
        peer.send("WRTE", 7, asked.arg0, b"to the app")
        assert peer.receive() == ("OKAY", asked.arg0, 7, b"")
        assert sock.recv(100) == b"to the app"
        # What has been sent arrives, though the end follows at once.
        peer.sock.sendall(packed("WRTE", 7, asked.arg0, b"last") + packed("CLSE", 7, asked.arg0))
        assert sock.recv(100) == b"last"
        assert sock.recv(100) == b""


def test_an_app_that_hangs_up(peer: Peer, system: AndroidSystem) -> None:
    reverse(peer, "forward:tcp:8080;tcp:4433")
    with connecting(system, 8080) as made:
        asked = peer.receive()
        peer.send("OKAY", 7, asked.arg0)
        assert eventually(lambda: bool(made))
        assert made[0] is not None
        made[0].close()
        assert peer.receive() == ("CLSE", asked.arg0, 7, b"")


def test_where_the_other_machine_refuses(peer: Peer, system: AndroidSystem) -> None:
    reverse(peer, "forward:tcp:8080;tcp:4433")
    with connecting(system, 8080) as made:
        peer.send("CLSE", 0, peer.receive().arg0)
        assert eventually(lambda: bool(made))
        assert made == [None]


def test_where_the_other_machine_does_not_answer(start: Start, system: AndroidSystem) -> None:
    limits = replace(QUICK, accept=0.3)
    with Peer(start(keys=KeyPolicy.OPEN, limits=limits).port) as peer:
        peer.greet()
        reverse(peer, "forward:tcp:8080;tcp:4433")
        assert system.ports.connect(8080) is None
        asked = peer.receive()
        # An answer that comes too late is nobody's.
        peer.send("OKAY", 7, asked.arg0)
        assert peer.open("shell:echo a").rest() == b"a\n"


def test_where_the_connection_ends_meanwhile(open_adbd: Adbd, system: AndroidSystem) -> None:
    with Peer(open_adbd.port) as peer:
        peer.greet()
        reverse(peer, "forward:tcp:8080;tcp:4433")
        with connecting(system, 8080) as made:
            peer.receive()
            peer.sock.close()
            assert eventually(lambda: bool(made))
            assert made == [None]
    assert eventually(lambda: system.ports.served() == ())


def test_ports_and_their_owners(open_adbd: Adbd, system: AndroidSystem) -> None:
    with Peer(open_adbd.port) as one, Peer(open_adbd.port) as two:
        one.greet()
        two.greet()
        assert reverse(one, "forward:tcp:1;tcp:10") == b"OKAY"
        assert reverse(one, "forward:norebind:tcp:2;tcp:20") == b"OKAY"
        assert reverse(two, "forward:tcp:0;localabstract:x") == b"OKAY000532768"
        assert reverse(two, "list-forward") == (
            b"0049host-1 tcp:1 tcp:10\nhost-1 tcp:2 tcp:20\nhost-2 tcp:32768 localabstract:x\n"
        )
        # The last one to ask has it.
        assert reverse(two, "forward:tcp:1;tcp:11") == b"OKAY"
        assert reverse(one, "forward:norebind:tcp:1;tcp:12") == (
            b"FAIL001dcannot rebind existing socket"
        )
        one.sock.close()
        assert eventually(lambda: system.ports.served() == (1, 32768))
        assert reverse(two, "killforward:tcp:1") == b"OKAY"
        assert reverse(two, "killforward:tcp:1") == b"FAIL001alistener 'tcp:1' not found"
        assert reverse(two, "killforward-all") == b"OKAY"
        assert reverse(two, "list-forward") == b"0000"
    assert system.ports.served() == ()


def test_ports_have_a_limit(peer: Peer, system: AndroidSystem) -> None:
    for port in range(1, 101):
        assert reverse(peer, f"forward:tcp:{port};tcp:1") == b"OKAY"
    assert reverse(peer, "forward:tcp:101;tcp:1").endswith(b"Too many open files")
    assert len(system.ports.served()) == 100
