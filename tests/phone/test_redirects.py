from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from lab.phone.http import MAX_REDIRECTS, REDIRECTS
from lab.phone.services import (
    HttpProtocolError,
    SslHandshakeError,
)
from lab.pki.hierarchy import LabPki
from tests.phone.clients import URL, Refused, client, lines, replying
from tests.phone.conftest import HOST
from tests.phone.direct import DirectPhone
from tests.phone.peers import (
    OK,
    Server,
    TlsScript,
    read_request,
    server_context,
)

Serve = Callable[..., Server]


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def test_a_redirect_to_another_host_is_judged_afresh(
    pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    other = "www.acme.test"
    serve(replying(pki, lambda _: redirect(f"https://{other}/there?x=1")))
    script = replying(pki, host=other)
    server = serve(script, other)
    asked: list[tuple[str, tuple[bytes, ...]]] = []
    asking = client(phone, check=lambda host, _, chain: asked.append((host, chain)))
    answer = asking.request(URL, headers=[("Authorization", "Basic eDp5"), ("x-kept", "yes")])
    assert answer.body == b"hello"
    assert asked == [
        (HOST, pki.genuine(HOST).chain_der),
        (other, pki.genuine(other).chain_der),
    ]
    server.wait()
    received = lines(script.seen[0].application)
    assert received[0] == "GET /there?x=1 HTTP/1.1"
    assert "x-kept: yes" in received
    assert not any("authorization" in line.lower() for line in received)
    serve(TlsScript(server_context(pki.rogue.issue(other))), other)
    with pytest.raises(SslHandshakeError):
        asking.request(URL)


def test_a_check_can_end_a_redirect(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    other = "www.acme.test"
    serve(replying(pki, lambda _: redirect(f"https://{other}/")))
    script = replying(pki, host=other)
    server = serve(script, other)

    def check(host: str, port: int, chain: tuple[bytes, ...]) -> None:
        if host == other:
            raise Refused

    with pytest.raises(Refused):
        client(phone, check=check).request(URL)
    server.wait()
    assert script.seen[0].application == b""


def test_redirects_between_https_and_http(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    heard: list[bytes] = []

    def clear(sock: socket.socket) -> None:
        heard.append(read_request(sock))
        sock.sendall(redirect(f"https://{HOST}/end"))

    serve(clear, "clear.acme.test")

    def answer(request: bytes) -> bytes:
        return OK if b"/end" in request else redirect("http://clear.acme.test/middle")

    serve(replying(pki, answer))
    asked: list[str] = []
    asking = client(phone, check=lambda host, *_: asked.append(host))
    assert asking.request(URL).body == b"hello"
    assert lines(heard[0])[:2] == ["GET /middle HTTP/1.1", "host: clear.acme.test"]
    assert asked == [HOST, HOST]


@pytest.mark.parametrize("status", sorted(REDIRECTS))
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_what_becomes_of_method_and_body(
    status: int, method: str, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    """The rules of OkHttp's RetryAndFollowUpInterceptor."""
    heard: list[bytes] = []

    def answer(request: bytes) -> bytes:
        heard.append(request)
        if b" /end " in request:
            return OK if not request.startswith(b"HEAD") else OK[:-5]
        return redirect("/end", status)

    serve(replying(pki, answer))
    body = b"text" if method in ("POST", "PUT") else b""
    headers = [("content-type", "text/plain")] if body else []
    client(phone).request(URL, method=method, body=body, headers=headers)
    kept = method if status in (307, 308) or method == "HEAD" else "GET"
    assert heard[1].startswith(f"{kept} /end ".encode())
    assert heard[1].endswith(b"\r\n\r\n" + (body if kept in ("POST", "PUT") else b""))
    assert (b"content-type" in heard[1]) == (kept in ("POST", "PUT"))


def test_at_most_twenty_redirects(pki: LabPki, phone: DirectPhone, serve: Serve) -> None:
    def answer(request: bytes) -> bytes:
        step = int(request.split(b" ")[1][1:] or b"0")
        return OK if step == end else redirect(f"/{step + 1}")

    server = serve(replying(pki, answer))
    end = MAX_REDIRECTS
    assert client(phone).request(URL).status == 200
    end = MAX_REDIRECTS + 1
    with pytest.raises(HttpProtocolError, match="Too many follow-up requests: 21"):
        client(phone).request(URL)
    assert server.connections == 2 * (MAX_REDIRECTS + 1)


@pytest.mark.parametrize(
    "answer",
    [
        redirect("ftp://files.acme.test/"),
        redirect("https://"),
        redirect("https://[::1"),
        redirect("intent://open#Intent;end"),
        redirect("/there", 304),
        redirect("/there", 200),
        b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_answers_that_lead_nowhere_are_final(
    answer: bytes, pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    server = serve(replying(pki, lambda _: answer))
    status = int(answer.split()[1])
    assert client(phone).request(URL).status == status
    assert server.connections == 1


def test_redirects_are_left_alone_where_told_so(
    pki: LabPki, phone: DirectPhone, serve: Serve
) -> None:
    serve(replying(pki, lambda _: redirect("/there")))
    answer = client(phone).request(URL, follow_redirects=False)
    assert (answer.status, answer.header("location")) == (302, "/there")
