"""Connections that the app's HTTP client keeps, and which hosts may share one."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.backend import Backend
from lab.loop import LabLoop
from lab.phone.http import HttpClient, LeafCheck, Vouching
from lab.phone.pool import MAX_IDLE, Pool
from lab.phone.services import Cancellation, Cancelled, ConnectionLost, SocketTimeout
from lab.pki.certificates import Leaf
from lab.pki.hierarchy import LabPki
from tests.patience import CAP
from tests.phone.clients import AGENT, URL, Refused, replying
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.peers import (
    OK,
    Server,
    TlsScript,
    read_request,
    server_context,
    until_closed,
    whole,
)

Serve = Callable[..., Server]
OTHER = "www.acme.test"


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


def keeping(
    phone: DirectPhone,
    pool: Pool,
    *,
    check: LeafCheck | None = None,
    vouches: Vouching | None = lambda *_: True,
    verify: bool = True,
) -> HttpClient:
    return HttpClient(
        phone, user_agent=AGENT, check=check, vouches=vouches, verify=verify, pool=pool
    )


# One host.


def test_requests_go_out_on_one_connection(
    pki: LabPki, phone: DirectPhone, serve: Serve, pool: Pool
) -> None:
    asked: list[str] = []
    server = serve(replying(pki))
    asking = keeping(phone, pool, check=lambda host, *_: asked.append(host))
    assert [asking.request(f"{URL}{n}").body for n in range(4)] == [b"hello"] * 4
    assert server.connections == 1
    # Each of them was let out by the check.
    assert asked == [HOST] * 4


def test_a_connection_that_the_server_gives_up_is_not_kept(
    pki: LabPki, phone: DirectPhone, serve: Serve, pool: Pool
) -> None:
    last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    server = serve(replying(pki, lambda _: last))
    asking = keeping(phone, pool)
    assert [asking.request(URL).status for _ in range(3)] == [200] * 3
    assert server.connections == 3


@dataclass
class Leaving:
    """A server that answers each connection once, and leaves with or without a word."""

    context: ssl.SSLContext
    farewell: bytes = b""
    waits: bool = False
    """Leave only when something more is asked."""
    asked: list[bytes] = field(default_factory=list)

    def __call__(self, sock: socket.socket) -> None:
        with self.context.wrap_socket(sock, server_side=True) as secured:
            request = b""
            while not whole(request):
                request += secured.recv(65536)
            self.asked.append(request)
            secured.sendall(OK + self.farewell)
            if self.waits:
                secured.recv(65536)


@pytest.mark.parametrize("farewell", [b"", b"HTTP/1.1 408 Too Late\r\n\r\n"])
@pytest.mark.parametrize("waits", [False, True])
def test_a_connection_that_is_dead_is_replaced(
    farewell: bytes, waits: bool, pki: LabPki, phone: DirectPhone, serve: Serve, pool: Pool
) -> None:
    script = Leaving(server_context(pki.genuine(HOST)), farewell, waits)
    server = serve(script)
    asking = keeping(phone, pool)
    for _ in range(3):
        assert asking.request(URL).body == b"hello"
        if not waits:
            server.wait()
    assert server.connections == 3


def test_what_nobody_asked_for_is_not_taken_for_an_answer(
    pki: LabPki, phone: DirectPhone, serve: Serve, pool: Pool
) -> None:
    context, sent = server_context(pki.genuine(HOST)), threading.Event()

    def script(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secured:
            read_request(secured)
            secured.sendall(OK)
            if ready.wait(CAP):
                secured.sendall(OK.replace(b"hello", b"smile"))
                sent.set()
            until_closed(secured)

    ready = threading.Event()
    server = serve(script)
    asking = keeping(phone, pool)
    assert asking.request(URL).body == b"hello"
    ready.set()
    assert sent.wait(CAP)
    assert asking.request(URL).body == b"hello"
    assert server.connections == 2


def test_what_may_have_been_done_is_not_done_twice(
    pki: LabPki, phone: DirectPhone, serve: Serve, pool: Pool
) -> None:
    server = serve(Leaving(server_context(pki.genuine(HOST)), waits=True))
    asking = keeping(phone, pool)
    assert asking.request(URL).status == 200
    with pytest.raises(ConnectionLost):
        asking.request(URL, method="POST", body=b"pay")
    assert server.connections == 1


def test_a_kept_connection_serves_the_limits_of_each_call(
    pki: LabPki, phone: DirectPhone, serve: Serve, pool: Pool
) -> None:
    context = server_context(pki.genuine(HOST))
    cancellation = Cancellation()
    served: list[int] = []

    def script(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secured:
            read_request(secured)
            secured.sendall(OK)
            read_request(secured)
            served.append(1)
            if len(served) == 2:
                cancellation.fire()
            secured.recv(65536)

    server = serve(script)
    asking = keeping(phone, pool)
    asking.request(URL)
    with pytest.raises(SocketTimeout):
        asking.request(URL, timeout=0.1)
    # That one is of no use any more.
    asking.request(URL)
    with pytest.raises(Cancelled):
        asking.request(URL, cancellation=cancellation)
    assert server.connections == 2


def test_a_refused_request_ends_the_connection(
    pki: LabPki, phone: DirectPhone, serve: Serve, pool: Pool
) -> None:
    refusing = False

    def check(*_: object) -> None:
        if refusing:
            raise Refused

    script = replying(pki)
    server = serve(script)
    asking = keeping(phone, pool, check=check)
    asking.request(URL)
    refusing = True
    with pytest.raises(Refused):
        asking.request(URL)
    server.wait()
    assert script.seen[0].application.count(b"GET ") == 1
    assert script.seen[0].closed


def test_a_connection_that_the_pins_no_longer_vouch_for_is_passed_over(
    pki: LabPki, phone: DirectPhone, serve: Serve, pool: Pool
) -> None:
    """As after the emergency withdrawal of a key: the connection outlives the pin."""
    good = {pki.genuine(HOST).chain_der, pki.backup(HOST).chain_der}

    def check(host: str, port: int, chain: tuple[bytes, ...]) -> None:
        if chain not in good:
            raise Refused

    serve(replying(pki))
    asking = keeping(phone, pool, check=check, vouches=lambda _, __, chain: chain in good)
    asking.request(URL)
    good.remove(pki.genuine(HOST).chain_der)
    server = serve(TlsScript(server_context(pki.backup(HOST))))
    assert asking.request(URL).status == 200
    assert server.connections == 1


def test_few_connections_are_kept(
    pki: LabPki, phone: DirectPhone, serve: Serve, pool: Pool
) -> None:
    hosts = [f"h{n}.acme.test" for n in range(MAX_IDLE + 1)]
    server = serve(TlsScript(server_context(pki.intermediate.issue(Leaf(tuple(hosts))))), *hosts)
    asking = keeping(phone, pool)
    for host in (*hosts, *hosts[1:], hosts[0]):
        asking.request(f"https://{host}/")
    assert server.connections == len(hosts) + 1


def test_a_closed_pool_keeps_nothing(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    pool, script = Pool(), replying(pki)
    server = serve(script)
    asking = keeping(phone, pool)
    asking.request(URL)
    pool.close()
    server.wait()
    asking.request(URL)
    server.wait()
    assert [seen.closed for seen in script.seen] == [True, True]


# Several hosts.


@dataclass
class CountingPhone(DirectPhone):
    """A phone that counts its connections, and to which hosts have the addresses of a test."""

    opened: list[tuple[str, int]] = field(default_factory=list)
    told: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        self.opened.append((host, port))
        return super().connect(host, port, timeout, cancellation)

    def look_up(
        self, host: str, timeout: float, cancellation: Cancellation | None = None
    ) -> tuple[str, ...]:
        return self.told.get(host, ("127.0.0.1",))


@pytest.fixture
def counting(phone: DirectPhone) -> CountingPhone:
    return CountingPhone(phone.clock, phone.anchors)


@pytest.fixture
def backend(pki: LabPki, counting: CountingPhone, tmp_path: Path) -> Iterator[Backend]:
    """Serves both hosts over HTTP/2, the first with a certificate for both."""
    with LabLoop() as loop, Backend(loop, pki, tmp_path) as backend:
        backend.serve_host(OTHER)
        backend.renew(HOST, pki.intermediate.issue(Leaf((HOST, OTHER))))
        counting.find(backend.addresses())
        yield backend


def shares(
    phone: CountingPhone, pool: Pool, url: str = f"https://{OTHER}/", **options: Any
) -> bool:
    """Tell whether a request for ``url`` goes out on a connection that is open to the first."""
    asking = keeping(phone, pool, **options)
    assert asking.request(URL).status == 200
    assert asking.request(url).status == 200
    return len(phone.opened) == 1


def test_hosts_of_one_certificate_and_address_share_a_connection(
    backend: Backend, counting: CountingPhone, pool: Pool
) -> None:
    """RFC 9113 section 9.1.1, and the pins of both."""
    asked: list[tuple[str, tuple[bytes, ...]]] = []
    asking = keeping(counting, pool, check=lambda host, _, chain: asked.append((host, chain)))
    for host in (HOST, OTHER, HOST):
        answer = asking.request(f"https://{host}/health")
        assert (answer.status, answer.http_version) == (200, "HTTP/2")
    assert counting.opened == [(HOST, 443)]
    assert [host for host, _ in asked] == [HOST, OTHER, HOST]
    assert len({chain for _, chain in asked}) == 1
    assert [hit.host for hit in backend.origin.hits()] == [HOST, OTHER, HOST]


def test_it_is_the_pins_of_the_second_host_that_are_asked(
    backend: Backend, counting: CountingPhone, pool: Pool
) -> None:
    assert not shares(counting, pool, vouches=lambda host, *_: host == HOST)
    assert counting.opened == [(HOST, 443), (OTHER, 443)]


def test_without_pins_to_ask_nothing_is_shared(
    backend: Backend, counting: CountingPhone, pool: Pool
) -> None:
    assert not shares(counting, pool, vouches=None)


def test_a_client_that_takes_every_certificate_shares_nothing(
    backend: Backend, counting: CountingPhone, pool: Pool
) -> None:
    assert not shares(counting, pool, verify=False)


@pytest.mark.parametrize("host", [HOST, OTHER])
def test_other_ports_share_nothing(
    host: str, backend: Backend, counting: CountingPhone, pool: Pool
) -> None:
    assert not shares(counting, pool, f"https://{host}:8443/")


@pytest.mark.parametrize(
    ("addresses", "shared"),
    [
        (("127.0.0.1",), True),
        (("127.0.0.9", "127.0.0.1"), True),
        (("127.0.0.9",), False),
        # A proxy looks names up, and nobody knows where the connection ends.
        ((), False),
    ],
)
def test_the_address_must_be_the_same(
    addresses: tuple[str, ...],
    shared: bool,
    backend: Backend,
    counting: CountingPhone,
    pool: Pool,
) -> None:
    counting.told[OTHER] = addresses
    assert shares(counting, pool) is shared


@pytest.mark.parametrize(
    ("names", "shared"),
    [
        ((HOST, "*.acme.test"), True),
        ((HOST,), False),
        ((HOST, "*.www.acme.test"), False),
        ((HOST, "www.acme.test.evil.acme.test"), False),
    ],
)
def test_the_certificate_must_be_for_the_second_host(
    names: tuple[str, ...],
    shared: bool,
    pki: LabPki,
    backend: Backend,
    counting: CountingPhone,
    pool: Pool,
) -> None:
    backend.renew(HOST, pki.intermediate.issue(Leaf(names)))
    assert shares(counting, pool) is shared


def test_http1_connections_are_not_shared(pki: LabPki, counting: CountingPhone, pool: Pool) -> None:
    with Server(TlsScript(server_context(pki.intermediate.issue(Leaf((HOST, OTHER)))))) as server:
        counting.find({HOST: server.endpoint, OTHER: server.endpoint})
        assert not shares(counting, pool)
        pool.close()
