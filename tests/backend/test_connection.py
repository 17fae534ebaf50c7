"""What one peer can do to its own connection, and cannot do to those of others."""

from __future__ import annotations

import contextlib
import gc
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection

from lab.backend import connection
from lab.backend.origin import Origin
from lab.backend.server import TlsService
from lab.loop import LabLoop
from lab.pki.hierarchy import LabPki
from tests.backend.peers import Curl, client_context, connect, ended, get, secure
from tests.patience import CAP

HOST = "api.acme.test"


@pytest.fixture
def service(loop: LabLoop, pki: LabPki) -> Iterator[TlsService]:
    with TlsService(loop, "origin", Origin(), pki.genuine(HOST)) as service:
        yield service


@pytest.fixture(autouse=True)
def collected(loop: LabLoop) -> Iterator[None]:
    """A task whose error nobody asked for complains when it is collected; ``loop`` listens."""
    yield
    gc.collect()


def client_hello() -> bytes:
    to_server = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), to_server, server_hostname=HOST)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return to_server.read()


GARBAGE: dict[str, Callable[[], bytes]] = {
    "random bytes": lambda: os.urandom(4096),
    "cleartext HTTP": lambda: b"GET / HTTP/1.1\r\nHost: api.acme.test\r\n\r\n",
    "HTTP/2 without TLS": lambda: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a record that is too long": lambda: b"\x16\x03\x01\xff\xff" + bytes(70_000),
    "an empty record": lambda: b"\x16\x03\x01\x00\x00" * 100,
    "an alert": lambda: b"\x15\x03\x01\x00\x02\x02\x28",
    "application data first": lambda: b"\x17\x03\x03\x00\x10" + os.urandom(16),
    "a spoilt ClientHello": lambda: client_hello()[:60] + os.urandom(400),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_ends_its_own_connection_only(
    service: TlsService, curl: Curl, root: Path, garbage: Callable[[], bytes]
) -> None:
    with (
        secure(service.endpoint, HOST, client_context(root)) as neighbour,
        connect(service.endpoint) as hostile,
    ):
        with contextlib.suppress(OSError):
            hostile.sendall(garbage())
            hostile.shutdown(socket.SHUT_WR)
        assert ended(hostile)
        assert get(neighbour, HOST).startswith(b"HTTP/1.1 200")
    assert curl(service.endpoint, HOST).status == 200


@pytest.mark.parametrize(
    "garbage", [b"\x00" * 4096, b"GET \xff HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a" * 99_999]
)
def test_garbage_inside_tls_ends_its_own_connection_only(
    service: TlsService, curl: Curl, root: Path, garbage: bytes
) -> None:
    with secure(service.endpoint, HOST, client_context(root, "http/1.1")) as hostile:
        with contextlib.suppress(OSError):
            hostile.sendall(garbage)
        assert ended(hostile)
    assert curl(service.endpoint, HOST).status == 200


@pytest.mark.parametrize(
    "frames",
    [
        os.urandom(64),
        # DATA on a stream that was never opened.
        b"\x00\x00\x04\x00\x00\x00\x00\x00\x07ABCD",
        # A frame that is larger than the server allows.
        b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(65536),
    ],
    ids=["random bytes", "data on an idle stream", "too large a frame"],
)
def test_http_2_garbage_ends_its_own_connection_only(
    service: TlsService, curl: Curl, root: Path, frames: bytes
) -> None:
    with secure(service.endpoint, HOST, client_context(root, "h2")) as hostile:
        assert hostile.selected_alpn_protocol() == "h2"
        peer = H2Connection(H2Configuration(client_side=True))
        peer.initiate_connection()
        with contextlib.suppress(OSError):
            hostile.sendall(peer.data_to_send() + frames)
            hostile.shutdown(socket.SHUT_WR)
        assert ended(hostile)
    assert curl(service.endpoint, HOST, "--http2").status == 200


def test_a_path_that_is_not_ascii_ends_its_own_connection_only(
    service: TlsService, curl: Curl, root: Path
) -> None:
    """hypercorn raises out of its HTTP/2 side here: the exception must go no further."""
    with secure(service.endpoint, HOST, client_context(root, "h2")) as hostile:
        peer = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        peer.initiate_connection()
        request = {":method": "GET", ":scheme": "https", ":authority": HOST}
        header = [(k.encode(), v.encode()) for k, v in request.items()]
        peer.send_headers(1, [*header, (b":path", b"/\xff")], end_stream=True)
        hostile.sendall(peer.data_to_send())
        assert ended(hostile)
    assert curl(service.endpoint, HOST, "--http2").status == 200


def test_a_client_hello_in_small_pieces_is_understood(service: TlsService) -> None:
    with connect(service.endpoint) as slow:
        slow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in client_hello():
            slow.send(bytes([byte]))
        # A ServerHello, in a handshake record (RFC 8446 section 5.1).
        assert slow.recv(1) == b"\x16"


@pytest.mark.parametrize("sent", [b"", client_hello()[:100]], ids=["nothing", "half a ClientHello"])
def test_a_handshake_has_its_time_and_no_more(
    service: TlsService, curl: Curl, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "HANDSHAKE_CAP", 0.1)
    with connect(service.endpoint) as half_open:
        half_open.sendall(sent)
        assert ended(half_open)
    monkeypatch.undo()
    assert curl(service.endpoint, HOST).status == 200


@pytest.mark.parametrize("sent", [b"", b"GET / HT"], ids=["nothing", "half a header"])
def test_a_request_has_its_time_and_no_more(
    service: TlsService, root: Path, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "IDLE_CAP", 0.1)
    with secure(service.endpoint, HOST, client_context(root)) as idle:
        idle.sendall(sent)
        assert ended(idle)


def test_an_answer_does_not_wait_for_acknowledgements(service: TlsService, root: Path) -> None:
    """Header and body are two segments: with Nagle's algorithm each answer takes 40 ms longer."""
    with secure(service.endpoint, HOST, client_context(root)) as client:
        get(client, HOST)
        (accepted,) = (one._socket for one in service._open.values())
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_connection_is_kept_for_the_next_request(service: TlsService, root: Path) -> None:
    with secure(service.endpoint, HOST, client_context(root)) as client:
        for _ in range(3):
            assert get(client, HOST).startswith(b"HTTP/1.1 200")
            client.recv(4096)
    assert service.traffic.connections == 1


def test_nothing_is_kept_of_a_connection_that_the_client_closed(
    service: TlsService, root: Path
) -> None:
    """hypercorn alone would keep its idle timer's task for IDLE_CAP seconds."""
    with secure(service.endpoint, HOST, client_context(root)) as client:
        get(client, HOST)
        (task,) = service._open
    done = threading.Event()
    service._lab.loop.call_soon_threadsafe(task.add_done_callback, lambda _: done.set())
    assert done.wait(CAP / 5)
