from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.backend import Backend
from lab.loop import LabLoop
from lab.phone.services import (
    BadUrl,
    Cancellation,
    Cancelled,
    ConnectError,
    ConnectionLost,
    HttpProtocolError,
    SocketTimeout,
    SslHandshakeError,
    SslPeerUnverifiedError,
    UnknownHost,
)
from lab.pki.certificates import Leaf
from lab.pki.hierarchy import LabPki
from tests.patience import CAP, LONG, not_waiting
from tests.phone.clients import AGENT, URL, Refused, client, lines, replying
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.peers import (
    OK,
    Script,
    Server,
    TlsScript,
    read_request,
    server_context,
    until_closed,
    whole,
)

Serve = Callable[..., Server]


# Requests and answers.


def test_a_request_over_http1(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    script = replying(pki)
    server = serve(script)
    answer = client(phone).request(f"{URL}a/b?c=d#e", headers=[("accept", "text/plain")])
    assert (answer.status, answer.reason, answer.body) == (200, "OK", b"hello")
    assert answer.http_version == "HTTP/1.1"
    assert answer.header("Content-Type") == "text/plain"
    server.wait()
    first, *rest = lines(script.seen[0].application)
    assert first == "GET /a/b?c=d HTTP/1.1"
    assert rest == [
        f"host: {HOST}",
        "connection: Keep-Alive",
        "accept: text/plain",
        f"user-agent: {AGENT}",
        "",
        "",
    ]
    assert script.seen[0].closed


def test_a_body_is_sent(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    script = replying(pki, lambda request: OK)
    server = serve(script)
    body = bytes(300_000)
    assert client(phone).request(URL, method="POST", body=body).status == 200
    server.wait()
    head, _, received = script.seen[0].application.partition(b"\r\n\r\n")
    assert head.startswith(b"POST / HTTP/1.1")
    assert b"content-length: 300000" in head
    assert received == body


def test_the_callers_user_agent_wins(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    script = replying(pki)
    server = serve(script)
    client(phone).request(URL, headers=[("User-Agent", "Mine/2")])
    server.wait()
    agents = [line for line in lines(script.seen[0].application) if "agent" in line.lower()]
    assert agents == ["User-Agent: Mine/2"]


def test_an_ipv6_address_and_a_port_in_the_host_header(
    pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    script = TlsScript(server_context(pki.intermediate.issue(Leaf((), addresses=("::1",)))))
    server = serve(script, "::1")
    client(phone).request("https://[::1]:8443/")
    server.wait()
    assert "host: [::1]:8443" in lines(script.seen[0].application)


def test_each_request_has_a_connection_of_its_own(
    pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    server = serve(replying(pki))
    asking = client(phone)
    for _ in range(3):
        asking.request(URL)
    assert server.connections == 3


def test_many_threads(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    serve(replying(pki))
    asking, statuses = client(phone), []
    threads = [
        threading.Thread(target=lambda: statuses.append(asking.request(URL).status))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CAP)
    assert statuses == [200] * 12


@pytest.fixture
def backend(pki: LabPki, tmp_path: Path) -> Iterator[Backend]:
    with LabLoop() as loop, Backend(loop, pki, tmp_path) as backend:
        yield backend


def test_http2_with_the_labs_own_backend(backend: Backend, phone: DirectPhone) -> None:
    phone.find(backend.addresses())
    seen: list[tuple[str, int, int]] = []
    asking = client(phone, check=lambda host, port, chain: seen.append((host, port, len(chain))))
    answer = asking.request(f"https://{HOST}/health")
    assert (answer.status, answer.http_version) == (200, "HTTP/2")
    assert json.loads(answer.body)["served-by"] == "origin"
    assert seen == [(HOST, 443, 2)]
    posted = asking.request("https://reports.acme.test/", method="POST", body=b"{" * 200_000)
    assert posted.http_version == "HTTP/2"
    assert 400 <= posted.status < 500


# The pin check.


@pytest.mark.parametrize("alpn", ["h2", "http/1.1"])
@pytest.mark.parametrize("verify", [True, False])
def test_a_check_that_raises_sends_nothing(
    version: ssl.TLSVersion,
    alpn: str,
    verify: bool,
    pki: LabPki,
    phone: DirectPhone,
    serve: Serve,
) -> None:
    genuine = pki.genuine(HOST)
    script = TlsScript(server_context(genuine, version=version, alpn=(alpn,)))
    server = serve(script)
    asked: list[tuple[str, int, tuple[bytes, ...]]] = []

    def check(host: str, port: int, chain: tuple[bytes, ...]) -> None:
        asked.append((host, port, chain))
        raise Refused

    with pytest.raises(Refused):
        client(phone, check=check, verify=verify).request(
            f"https://{HOST}:8443/secret", method="POST", body=b"secret"
        )
    assert asked == [(HOST, 8443, genuine.chain_der)]
    server.wait()
    (seen,) = script.seen
    assert (seen.finished, seen.application, seen.closed, seen.alert) == (True, b"", True, "")
    assert seen.alpn == alpn


@pytest.mark.parametrize("error", [SslHandshakeError, SslPeerUnverifiedError])
def test_the_platform_judges_before_the_check(
    error: type[Exception], pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    untrusted = error is SslHandshakeError
    served = pki.rogue.issue(HOST) if untrusted else pki.genuine("evil.acme.test")
    script = TlsScript(server_context(served))
    server = serve(script)
    asked: list[str] = []
    asking = client(phone, check=lambda host, *_: asked.append(host))
    with pytest.raises(error):
        asking.request(URL)
    server.wait()
    assert asked == []
    assert script.seen[0].application == b""


def test_the_careless_client_is_still_checked(
    pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    served = pki.rogue.issue("evil.acme.test")
    serve(TlsScript(server_context(served)))
    asked: list[tuple[bytes, ...]] = []
    asking = client(phone, verify=False, check=lambda *asking: asked.append(asking[2]))
    assert asking.request(URL).status == 200
    assert asked == [served.chain_der]


def test_the_leaf_is_fetched_without_a_request(
    pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    def check(*_: object) -> None:
        raise Refused

    script = replying(pki)
    server = serve(script)
    asking = client(phone, check=check)
    assert asking.leaf(HOST, 443) == pki.genuine(HOST).chain_der[0]
    server.wait()
    assert (script.seen[0].application, script.seen[0].closed) == (b"", True)
    serve(TlsScript(server_context(pki.rogue.issue(HOST))))
    with pytest.raises(SslHandshakeError):
        asking.leaf(HOST, 443)
    for host, port in (("no host", 443), ("api.acme.test/x", 443), (HOST, 0), (HOST, 65536)):
        with pytest.raises(BadUrl):
            asking.leaf(host, port)


# Cleartext.


def test_cleartext(phone: DirectPhone, serve: Serve) -> None:
    heard: list[bytes] = []

    def script(sock: socket.socket) -> None:
        heard.append(read_request(sock))
        sock.sendall(OK)

    serve(script)

    def check(*_: object) -> None:
        raise AssertionError("there is no certificate to check")

    assert client(phone, check=check).request(f"http://{HOST}/a").body == b"hello"
    assert lines(heard[0])[:2] == ["GET /a HTTP/1.1", f"host: {HOST}"]


# What goes wrong.


def serve_clear(serve: Serve, script: Script) -> str:
    serve(script)
    return f"http://{HOST}/"


def test_a_server_without_an_answer(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    def hang_up(sock: socket.socket) -> None:
        read_request(sock)

    url = serve_clear(serve, hang_up)
    with pytest.raises(ConnectionLost, match=f"unexpected end of stream on http://{HOST}"):
        client(phone).request(url)


def test_an_early_answer_is_read(phone: DirectPhone, serve: Serve) -> None:
    def impatient(sock: socket.socket) -> None:
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        until_closed(sock)

    url = serve_clear(serve, impatient)
    assert client(phone).request(url, method="POST", body=bytes(500_000)).status == 413


def test_the_limits_of_time(
    phone: DirectPhone, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve_clear(serve, lambda sock: sock.close() if not until_closed(sock) else None)
    began = time.monotonic()
    with pytest.raises(SocketTimeout, match=r"\Atimeout\Z"):
        client(phone).request(url, timeout=0.2)
    assert time.monotonic() - began >= 0.2

    def drip(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(500):
            sock.sendall(b".")
            time.sleep(0.02)

    url = serve_clear(serve, drip)
    # Each step has all the time that it wants, the whole call has half a second.
    monkeypatch.setattr("lab.phone.link.CALL_FACTOR", 0.5 / LONG)
    with pytest.raises(SocketTimeout):
        client(phone).request(url, timeout=LONG)


def test_failures_of_the_network_pass_through(phone: DirectPhone, serve: Serve) -> None:
    with pytest.raises(UnknownHost):
        client(phone).request("https://nowhere.acme.test/")
    server = serve(until_closed)
    server.__exit__()
    with pytest.raises(ConnectError):
        client(phone).request(URL)
    with pytest.raises(BadUrl):
        client(phone).request("ftp://files.acme.test/")


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", [("x", "a\r\nb: c")]),
        ("GET", [("x y", "a")]),
        ("GET", [("x", "\N{SNOWMAN}")]),
        ("GET", [("\ud800", "a")]),
        ("GET", [("host", "other.test")]),
        ("G T", []),
        ("", []),
    ],
)
def test_requests_that_no_server_should_see(
    method: str,
    headers: list[tuple[str, str]],
    pki: LabPki,
    phone: DirectPhone,
    serve: Serve,
) -> None:
    server = serve(replying(pki))
    with pytest.raises(HttpProtocolError):
        client(phone).request(URL, method=method, headers=headers)
    assert server.connections == 0


@pytest.mark.parametrize("stage", ["handshake", "headers", "body"])
def test_cancelling(stage: str, pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    cancellation = Cancellation()
    context = server_context(pki.genuine(HOST))

    def script(sock: socket.socket) -> None:
        if stage != "handshake":
            with context.wrap_socket(sock, server_side=True) as secured:
                request = b""
                while not whole(request):
                    request += secured.recv(65536)
                if stage == "body":
                    secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                cancellation.fire()
                until_closed(secured)
        else:
            sock.recv(1000)
            cancellation.fire()
            until_closed(sock)

    serve(script)
    with pytest.raises(Cancelled), not_waiting():
        client(phone).request(URL, timeout=LONG, cancellation=cancellation)
    with pytest.raises(Cancelled):
        client(phone).leaf(HOST, 443, cancellation=cancellation)
