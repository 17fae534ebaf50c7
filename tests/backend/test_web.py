from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.backend import web
from lab.backend.server import TlsService
from lab.backend.web import Exchange, Site
from lab.loop import LabLoop
from lab.pki.hierarchy import LabPki
from tests.backend.peers import Curl, client_context, ended, secure

HOST = "api.acme.test"
LIMIT = 1000


class Echo(Site):
    """Answers with the body that it was sent; short ones only."""

    async def answer(self, exchange: Exchange) -> None:
        await exchange.reply(200, await exchange.body(LIMIT), "text/plain")


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def service(loop: LabLoop, pki: LabPki, echo: Echo) -> Iterator[TlsService]:
    with TlsService(loop, "echo", echo, pki.genuine(HOST)) as service:
        yield service


@pytest.mark.parametrize(("flag", "version"), [("--http1.1", "1.1"), ("--http2", "2")])
def test_a_hit_tells_who_asked_for_what(
    service: TlsService, echo: Echo, curl: Curl, flag: str, version: str
) -> None:
    curl(service.endpoint, HOST, flag, "-H", "X-Token: secret", path="/a%20b?q=secret")
    (hit,) = echo.hits()
    assert (hit.host, hit.sni, hit.method, hit.path) == (HOST, HOST, "GET", "/a%20b")
    assert hit.http_version == version
    assert "x-token" in hit.header_names
    assert "secret" not in repr(hit)


def test_the_host_of_a_hit_is_the_one_asked_for_not_the_one_connected_to(
    service: TlsService, echo: Echo, curl: Curl
) -> None:
    curl(service.endpoint, HOST, "-H", "Host: WWW.acme.test:8443")
    assert [(hit.host, hit.sni) for hit in echo.hits()] == [("www.acme.test", HOST)]


def test_hits_since_a_moment(service: TlsService, echo: Echo, curl: Curl) -> None:
    for path in ("/early", "/late"):
        curl(service.endpoint, HOST, path=path)
    late = echo.hits()[1].at
    assert [hit.path for hit in echo.hits(late)] == ["/late"]


def test_what_is_remembered_is_bounded(
    loop: LabLoop, pki: LabPki, curl: Curl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "MAX_HITS", 2)
    echo = Echo()
    many = [part for number in range(100) for part in ("-H", f"x-{number}: 1")]
    with TlsService(loop, "echo", echo, pki.genuine(HOST)) as service:
        for path in ("/1", "/2", "/" + "3" * 5000):
            curl(service.endpoint, HOST, *many, path=path)
    hits = echo.hits()
    assert [hit.path[:2] for hit in hits] == ["/2", "/3"]
    assert len(hits[1].path) == web.MAX_TEXT
    assert len(hits[1].header_names) == web.MAX_NAMES


@pytest.mark.parametrize("flag", ["--http1.1", "--http2"])
def test_a_body_may_have_its_limit(service: TlsService, curl: Curl, flag: str) -> None:
    assert curl(service.endpoint, HOST, flag, data=b"x" * LIMIT).body == b"x" * LIMIT


@pytest.mark.parametrize("flag", ["--http1.1", "--http2"])
@pytest.mark.parametrize("size", [LIMIT + 1, web.DRAIN])
@pytest.mark.parametrize("encoding", ["", "Transfer-Encoding: chunked"])
def test_the_client_of_a_larger_one_gets_to_read_why(
    service: TlsService, curl: Curl, flag: str, size: int, encoding: str
) -> None:
    chunked = ("-H", encoding) if encoding else ()
    answered = curl(service.endpoint, HOST, flag, *chunked, data=b"x" * size)
    assert (answered.exit, answered.status) == (0, 413)
    assert str(LIMIT) in answered.json["error"]


@pytest.mark.parametrize("flag", ["--http1.1", "--http2"])
def test_an_endless_body_is_not_read_to_its_end(service: TlsService, curl: Curl, flag: str) -> None:
    """Whether curl reads the answer or is thrown out first is a matter of timing."""
    answered = curl(service.endpoint, HOST, flag, "--upload-file", "/dev/zero")
    assert answered.status == 413 or answered.exit in {52, 55, 56, 92}
    assert curl(service.endpoint, HOST).status == 200


def test_a_body_has_its_time(
    service: TlsService, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "BODY_CAP", 0.1)
    with secure(service.endpoint, HOST, client_context(root)) as slow:
        slow.sendall(f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9\r\n\r\nhalf".encode())
        answered = slow.recv(4096)
        assert answered.startswith(b"HTTP/1.1 408")
        assert ended(slow)


def test_half_a_body_is_no_body(loop: LabLoop, pki: LabPki, root: Path, curl: Curl) -> None:
    seen: list[bytes] = []

    class Recorder(Site):
        async def answer(self, exchange: Exchange) -> None:
            seen.append(await exchange.body(LIMIT))
            await exchange.reply(200, b"", "text/plain")

    with TlsService(loop, "recorder", Recorder(), pki.genuine(HOST)) as service:
        with secure(service.endpoint, HOST, client_context(root)) as client:
            head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9\r\n\r\nhalf"
            client.sendall(head.encode())
            client.shutdown(socket.SHUT_WR)
            ended(client)
        curl(service.endpoint, HOST, data=b"whole")
    assert seen == [b"whole"]


def test_json_is_sent_as_such(loop: LabLoop, pki: LabPki, curl: Curl) -> None:
    content: dict[str, Any] = {"text": "☎", "list": [1, None]}

    class Json(Site):
        async def answer(self, exchange: Exchange) -> None:
            await exchange.reply_json(418, content, [("location", "/elsewhere")])

    with TlsService(loop, "json", Json(), pki.genuine(HOST)) as service:
        answered = curl(service.endpoint, HOST)
    assert (answered.status, answered.media_type) == (418, "application/json")
    assert json.loads(answered.body) == content


def test_a_websocket_is_refused(service: TlsService, curl: Curl) -> None:
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    headers = [part for line in (*upgrade, "Sec-WebSocket-Key: AAAA") for part in ("-H", line)]
    assert curl(service.endpoint, HOST, "--http1.1", *headers).status in {400, 403}
