from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.loop import LabLoop
from lab.model.device import Endpoint, Network
from lab.network.gateway import Destination, Reply
from lab.phone.dial import MAX_ADDRESSES, Dial
from lab.phone.means import NetworkSettings
from lab.phone.network import NetworkStack, parse_proxy
from lab.phone.services import (
    Cancellation,
    Cancelled,
    ConnectError,
    ConnectionLost,
    PlatformError,
    ProxyError,
    SocketTimeout,
    UnknownHost,
)
from tests.patience import CAP, LONG, not_waiting
from tests.phone.air import Air, Datagrams
from tests.phone.peers import Script, Server, read_request, reset, until_closed

HOST = "api.acme.test"
NOBODY = Endpoint("127.0.0.1", 1)
GREETING, TAKEN = b"\x05\x00", b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"


@pytest.fixture(scope="module")
def loop() -> Iterator[LabLoop]:
    with LabLoop() as loop:
        yield loop


@pytest.fixture
def start() -> Iterator[Callable[[Script], Server]]:
    with contextlib.ExitStack() as stack:
        yield lambda script: stack.enter_context(Server(script))


def echo(sock: socket.socket) -> None:
    sock.sendall(sock.recv(100))
    until_closed(sock)


def echoes(sock: socket.socket) -> bool:
    with sock:
        sock.sendall(b"hello")
        return sock.recv(100) == b"hello"


# The proxy setting.


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        (None, None),
        ("", None),
        (":0", None),
        ("null", None),
        (" 127.0.0.1:8080\n", Endpoint("127.0.0.1", 8080)),
        ("proxy.acme.test:3128", Endpoint("proxy.acme.test", 3128)),
        ("[::1]:8080", Endpoint("::1", 8080)),
    ],
)
def test_proxy_settings(text: str | None, proxy: Endpoint | None) -> None:
    assert parse_proxy(text) == proxy


@pytest.mark.parametrize(
    "text",
    ["host", "host:", ":80", "host:0", "host:65536", "host:x", "a b:1", "http://h:1", "h:1/x"],
)
def test_bad_proxy_settings(text: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        parse_proxy(text)


@given(text=st.text())
def test_any_proxy_setting(text: str) -> None:
    with contextlib.suppress(ValueError):
        proxy = parse_proxy(text)
        assert proxy is None or 0 < proxy.port < 65536


# Through a gateway.


def test_the_gateway_learns_the_address(loop: LabLoop, start: Callable[[Script], Server]) -> None:
    server = start(echo)
    with Air(loop, lambda *_: ("127.0.0.5",), lambda _: server.endpoint) as air:
        stack = NetworkStack(NetworkSettings(air.network))
        assert echoes(stack.connect(HOST, 443, CAP))
        assert echoes(stack.connect("127.0.0.7", 8443, CAP))
        assert echoes(stack.connect("::1", 443, CAP))
        clear = stack.connect_clear(HOST, 80, CAP)
        assert not clear.absolute_form
        assert echoes(clear.socket)
    assert air.asked == [(HOST, "A")] * 2
    assert air.dialled == [
        Destination("127.0.0.5", 443),
        Destination("127.0.0.7", 8443),
        Destination("::1", 443),
        Destination("127.0.0.5", 80),
    ]


def test_the_next_address_is_tried(loop: LabLoop, start: Callable[[Script], Server]) -> None:
    server = start(echo)

    def route(destination: Destination) -> Endpoint | Reply:
        return server.endpoint if destination.host == good else Reply.REFUSED

    good = "127.0.0.3"
    addresses = tuple(f"127.0.0.{number}" for number in range(1, 20))
    with Air(loop, lambda *_: addresses, route) as air:
        stack = NetworkStack(NetworkSettings(air.network))
        assert echoes(stack.connect(HOST, 443, CAP))
        assert [d.host for d in air.dialled] == list(addresses[:3])
        good = ""
        with pytest.raises(ConnectError, match=r"Failed to connect to api\.acme\.test/127"):
            stack.connect(HOST, 443, CAP)
        assert len(air.dialled) == 3 + MAX_ADDRESSES


@pytest.mark.parametrize("reply", [r for r in Reply if r is not Reply.SUCCEEDED])
def test_a_refusal(reply: Reply, loop: LabLoop) -> None:
    with Air(loop, lambda *_: ("127.0.0.5",), lambda _: reply) as air:
        stack = NetworkStack(NetworkSettings(air.network))
        with pytest.raises(ConnectError) as raised:
            stack.connect(HOST, 443, CAP)
        assert str(raised.value) == f"Failed to connect to {HOST}/127.0.0.5:443"


def test_without_a_network() -> None:
    stack = NetworkStack()
    with pytest.raises(UnknownHost):
        stack.connect(HOST, 443, CAP)
    with pytest.raises(ConnectError, match=r"Failed to connect to /127\.0\.0\.5:443"):
        stack.connect("127.0.0.5", 443, CAP)


def test_a_gateway_that_is_not_there() -> None:
    stack = NetworkStack(NetworkSettings(Network("x", NOBODY, NOBODY)))
    with pytest.raises(ConnectError):
        stack.connect("127.0.0.5", 443, CAP)


def scripted(*steps: bytes) -> Script:
    """A gateway that answers whatever comes with the next of ``steps``, then hangs up."""

    def script(sock: socket.socket) -> None:
        for step in steps:
            sock.recv(1000)
            sock.sendall(step)
        sock.shutdown(socket.SHUT_WR)
        until_closed(sock)

    return script


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (b"\x05\xff",),
        (b"\x05\x02",),
        (b"\x04\x00",),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
        (b"\x05",),
        (GREETING, b"\x05\x00\x00"),
        (GREETING, TAKEN[:-1]),
        (GREETING, b"\x05\x63" + TAKEN[2:]),
        (GREETING, b"\x04" + TAKEN[1:]),
        (GREETING, b"\x05\x00\x00\x03\x03abc\x00\x00"),
        (GREETING, b"\x05\x00\x00\x09" + bytes(10)),
    ],
)
def test_gateways_that_talk_nonsense(
    steps: tuple[bytes, ...], start: Callable[[Script], Server]
) -> None:
    server = start(scripted(*steps))
    stack = NetworkStack(NetworkSettings(Network("x", NOBODY, server.endpoint)))
    with pytest.raises(ConnectError):
        stack.connect("127.0.0.5", 443, 1)


@given(answer=st.binary(max_size=30))
def test_whatever_a_gateway_says(answer: bytes) -> None:
    def script(sock: socket.socket) -> None:
        sock.sendall(answer)
        sock.shutdown(socket.SHUT_WR)
        until_closed(sock)

    with Server(script) as server:
        stack = NetworkStack(NetworkSettings(Network("x", NOBODY, server.endpoint)))
        with contextlib.suppress(PlatformError):
            stack.connect("127.0.0.5", 443, 1).close()


def test_an_ipv6_reply(start: Callable[[Script], Server]) -> None:
    server = start(scripted(GREETING, b"\x05\x00\x00\x04" + bytes(18)))
    stack = NetworkStack(NetworkSettings(Network("x", NOBODY, server.endpoint)))
    stack.connect("127.0.0.5", 443, CAP).close()


@pytest.mark.parametrize("steps", [(), (GREETING,), (GREETING, TAKEN[:4])])
def test_gateways_that_fall_silent(
    steps: tuple[bytes, ...], start: Callable[[Script], Server]
) -> None:
    def script(sock: socket.socket) -> None:
        for step in steps:
            sock.recv(1000)
            sock.sendall(step)
        until_closed(sock)

    server = start(script)
    stack = NetworkStack(NetworkSettings(Network("x", NOBODY, server.endpoint)))
    with pytest.raises(SocketTimeout) as raised:
        stack.connect("127.0.0.5", 443, 0.2)
    assert str(raised.value) == "failed to connect to /127.0.0.5 (port 443) after 200ms"


def test_the_source_of_connections(loop: LabLoop, start: Callable[[Script], Server]) -> None:
    server = start(echo)
    with Air(loop, lambda *_: ("127.0.0.5",), lambda _: server.endpoint) as air:
        for source, seen in (("127.0.0.9", "127.0.0.9"), ("192.0.2.1", "127.0.0.1")):
            stack = NetworkStack(NetworkSettings(air.network, source=source))
            assert echoes(stack.connect(HOST, 443, CAP))
            assert air.sources[-1] == seen


@pytest.mark.parametrize("stage", ["question", "gateway", "proxy"])
def test_cancelling(stage: str, start: Callable[[Script], Server]) -> None:
    cancellation = Cancellation()

    def fire(_: bytes) -> list[bytes]:
        cancellation.fire()
        return []

    def hold(sock: socket.socket) -> None:
        sock.recv(1000)
        cancellation.fire()
        until_closed(sock)

    with Datagrams(fire) as datagrams:
        server = start(hold)
        joined = Network("x", datagrams.endpoint, server.endpoint)
        proxy = server.endpoint if stage == "proxy" else None
        host = HOST if stage == "question" else "127.0.0.5"
        stack = NetworkStack(NetworkSettings(joined, proxy))
        with pytest.raises(Cancelled), not_waiting():
            stack.connect(host, 443, LONG, cancellation)
        with pytest.raises(Cancelled):
            stack.connect("127.0.0.5", 443, CAP, cancellation)


# Through an HTTP proxy.


def proxy_script(answer: bytes, heard: list[bytes]) -> Script:
    def script(sock: socket.socket) -> None:
        heard.append(read_request(sock))
        sock.sendall(answer)
        echo(sock)

    return script


def test_a_tunnel_needs_no_network(start: Callable[[Script], Server]) -> None:
    heard: list[bytes] = []
    server = start(proxy_script(b"HTTP/1.1 200 Connection established\r\n\r\n", heard))
    stack = NetworkStack(NetworkSettings(http_proxy=server.endpoint))
    assert echoes(stack.connect(HOST, 443, CAP))
    assert echoes(stack.connect("::1", 8443, CAP))
    assert [request.splitlines()[0] for request in heard] == [
        f"CONNECT {HOST}:443 HTTP/1.1".encode(),
        b"CONNECT [::1]:8443 HTTP/1.1",
    ]
    assert f"host: {HOST}:443".encode() in heard[0].lower()


def test_a_proxy_with_a_name_is_found_through_the_network(
    loop: LabLoop, start: Callable[[Script], Server]
) -> None:
    heard: list[bytes] = []
    server = start(proxy_script(b"HTTP/1.1 200 OK\r\n\r\n", heard))
    with Air(loop, lambda *_: ("127.0.0.5",), lambda _: server.endpoint) as air:
        proxy = Endpoint("proxy.acme.test", 3128)
        stack = NetworkStack(NetworkSettings(air.network, proxy))
        assert echoes(stack.connect(HOST, 443, CAP))
    # Only the proxy's own name is looked up, and only its address dialled.
    assert air.asked == [("proxy.acme.test", "A")]
    assert air.dialled == [Destination("127.0.0.5", 3128)]


def test_a_cleartext_request_goes_to_the_proxy(start: Callable[[Script], Server]) -> None:
    server = start(echo)
    stack = NetworkStack(NetworkSettings(http_proxy=server.endpoint))
    clear = stack.connect_clear(HOST, 80, CAP)
    assert clear.absolute_form
    assert echoes(clear.socket)


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (b"HTTP/1.1 407 Who\r\n\r\n", ProxyError, "Unexpected response code for CONNECT: 407"),
        (b"HTTP/1.1 502 Bad\r\n\r\n", ProxyError, "Unexpected response code for CONNECT: 502"),
        (b"HTTP/1.1 302 F\r\nLocation: /\r\n\r\n", ProxyError, "CONNECT: 302"),
        (b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x01", ProxyError, "too many bytes"),
        (b"SSH-2.0-x\r\n\r\n", ConnectionLost, "unexpected end of stream"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 50_000, ConnectionLost, "unexpected end of stream"),
    ],
)
def test_proxies_that_open_no_tunnel(
    answer: bytes, error: type[Exception], words: str, start: Callable[[Script], Server]
) -> None:
    server = start(proxy_script(answer, []))
    stack = NetworkStack(NetworkSettings(http_proxy=server.endpoint))
    with pytest.raises(error, match=words):
        stack.connect(HOST, 443, CAP)


def test_proxies_that_go_away(start: Callable[[Script], Server]) -> None:
    def hang_up(sock: socket.socket) -> None:
        read_request(sock)

    def drop(sock: socket.socket) -> None:
        read_request(sock)
        reset(sock)

    for script in (hang_up, drop):
        stack = NetworkStack(NetworkSettings(http_proxy=start(script).endpoint))
        with pytest.raises(ConnectionLost):
            stack.connect(HOST, 443, CAP)
    stack = NetworkStack(NetworkSettings(http_proxy=NOBODY))
    with pytest.raises(ConnectError, match=r"Failed to connect to /127\.0\.0\.1:1"):
        stack.connect(HOST, 443, CAP)
    with pytest.raises(ConnectError):
        stack.connect_clear(HOST, 80, CAP)


def test_a_proxy_that_drips(start: Callable[[Script], Server]) -> None:
    def drip(sock: socket.socket) -> None:
        read_request(sock)
        for letter in b"HTTP/1.1 200 OK\r\n" + b"x" * 1000:
            sock.sendall(bytes([letter]))
            time.sleep(0.02)

    stack = NetworkStack(NetworkSettings(http_proxy=start(drip).endpoint))
    with pytest.raises(SocketTimeout):
        stack.connect(HOST, 443, 0.2)


@given(answer=st.binary(max_size=30) | st.binary(max_size=20).map(b"HTTP/1.1 200 ".__add__))
def test_whatever_a_proxy_says(answer: bytes) -> None:
    def script(sock: socket.socket) -> None:
        sock.sendall(answer)
        sock.shutdown(socket.SHUT_WR)
        until_closed(sock)

    with Server(script) as server:
        stack = NetworkStack(NetworkSettings(http_proxy=server.endpoint))
        with contextlib.suppress(PlatformError):
            stack.connect(HOST, 443, 1).close()


@pytest.mark.parametrize("host", ["a b", "a\r\nX: y", "\ud800", "\N{SNOWMAN}"])
def test_hosts_that_no_proxy_should_see(host: str) -> None:
    heard: list[bytes] = []
    with Server(proxy_script(b"HTTP/1.1 200 OK\r\n\r\n", heard)) as server:
        stack = NetworkStack(NetworkSettings(http_proxy=server.endpoint))
        with pytest.raises(UnknownHost):
            stack.connect(host, 443, CAP)
    assert not any(heard)


# Another network.


class Moving(NetworkStack):
    """Changes networks once the settings of a connection have been looked at."""

    def _dial(self, port: int, timeout: float, cancellation: Cancellation | None, uid: int) -> Dial:
        dial = super()._dial(port, timeout, cancellation, uid)
        self.changed()
        return dial


def test_what_is_opened_while_the_network_changes_ends_with_the_old_one() -> None:
    with Server(echo) as server:
        stack = Moving(NetworkSettings(http_proxy=server.endpoint))
        with pytest.raises(ConnectionLost):
            stack.connect_clear(HOST, 80, CAP)
    with Server(proxy_script(b"HTTP/1.1 200 OK\r\n\r\n", [])) as server:
        stack = Moving(NetworkSettings(http_proxy=server.endpoint))
        with pytest.raises(ConnectionLost):
            stack.connect(HOST, 443, CAP)
