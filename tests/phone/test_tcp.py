from __future__ import annotations

import socket
import threading
from contextlib import closing

import pytest

from lab.model.device import Endpoint
from lab.phone.means import Wire
from lab.phone.services import Cancellation, Cancelled, ConnectError, SocketTimeout
from lab.phone.tcp import Tcp, failed
from tests.patience import CAP

FAILURE = "Failed to connect to acme.test/192.0.2.1:443"


class Refusing:
    """A network of the kernel's that is gone."""

    def socket(self, family: int, type: int, proto: int = 0) -> socket.socket:
        raise OSError("no such namespace")


@pytest.fixture
def tcp() -> Tcp:
    return Tcp(0.05, Cancellation())


def test_a_connection_sends_at_once(tcp: Tcp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = Endpoint(*server.getsockname()[:2])
        with closing(tcp.connect(there, FAILURE)) as sock:
            assert sock.getpeername() == server.getsockname()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_is_not_there_is_said_in_the_given_words(tcp: Tcp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = Endpoint(*server.getsockname()[:2])
    with pytest.raises(ConnectError, match=FAILURE):
        tcp.connect(there, FAILURE)
    with pytest.raises(ConnectError, match=FAILURE):
        tcp.connect(there, FAILURE, Wire(Refusing(), there))


def test_past_the_deadline_nothing_is_tried(tcp: Tcp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = Endpoint(*server.getsockname()[:2])
        with pytest.raises(SocketTimeout, match=f"{FAILURE} after 50ms"):
            tcp.connect(there, FAILURE, deadline=tcp.deadline() - 1)


def test_a_gateway_that_says_nothing_is_waited_for_so_long(tcp: Tcp) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = Endpoint(*server.getsockname()[:2])
        with pytest.raises(SocketTimeout, match=r"acme.test/192.0.2.1 \(port 443\) after 50ms"):
            tcp.through_gateway(there, "acme.test", "192.0.2.1", 443)


def test_what_never_comes_is_a_time_limit(tcp: Tcp) -> None:
    with pytest.raises(SocketTimeout, match=f"{FAILURE} after 50ms"):
        tcp.in_vain(FAILURE)


def test_waiting_in_vain_ends_with_the_call() -> None:
    cancellation = Cancellation()
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            Tcp(60, cancellation).in_vain(FAILURE)
        except Cancelled as error:
            caught.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    cancellation.fire()
    waiting.join(CAP)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("host", "address", "said"),
    [
        ("acme.test", "192.0.2.1", "acme.test/192.0.2.1:443"),
        ("192.0.2.1", "192.0.2.1", "/192.0.2.1:443"),
        ("acme.test", "2001:db8::1", "acme.test/[2001:db8::1]:443"),
        ("2001:db8::1", "2001:db8::1", "/[2001:db8::1]:443"),
    ],
)
def test_a_failure_reads_as_androids_do(host: str, address: str, said: str) -> None:
    assert failed(host, address, 443) == f"Failed to connect to {said}"
