from __future__ import annotations

import asyncio
import http.client
import itertools
import socket
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.network.tunnel_request import (
    ESTABLISHED,
    MAX_HEAD,
    TunnelRequest,
    read_tunnel_request,
    refusal,
)

PLAIN = b"CONNECT api.acme.test:443 HTTP/1.1\r\nHost: api.acme.test:443\r\n\r\n"
WANTED = TunnelRequest("api.acme.test", 443)

hosts = st.from_regex(r"[A-Za-z0-9_.-]{1,60}", fullmatch=True)
headers = st.lists(
    st.tuples(
        st.sampled_from(["Host", "user-agent", "Connection", "Proxy-Connection"]),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60),
    ),
    max_size=4,
)


async def _read(pieces: Sequence[bytes]) -> tuple[TunnelRequest | None, bytes]:
    reader = asyncio.StreamReader()
    reading = asyncio.ensure_future(read_tunnel_request(reader))
    for piece in pieces:
        # In a turn of its own: so it comes in one read.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        reader.feed_data(piece)
    await asyncio.sleep(0)
    reader.feed_eof()
    wanted, came = await reading
    return wanted, came + await reader.read()


def read(*pieces: bytes) -> tuple[TunnelRequest | None, bytes]:
    return asyncio.run(_read(pieces))


@given(hosts, st.integers(1, 0xFFFF), headers, st.binary(max_size=40), st.data())
def test_a_plain_request_is_read_in_whatever_pieces_it_comes(
    host: str, port: int, told: list[tuple[str, str]], behind: bytes, data: st.DataObject
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in told)
    sent = f"CONNECT {host}:{port} HTTP/1.1\r\n{lines}\r\n".encode() + behind
    cuts = sorted(data.draw(st.lists(st.integers(1, len(sent) - 1), max_size=3)))
    edges = [0, *cuts, len(sent)]
    pieces = [sent[a:b] for a, b in itertools.pairwise(edges) if a < b]
    assert read(*pieces) == (TunnelRequest(host, port), behind)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"CONN",
        PLAIN[:-2],
        b"GET http://api.acme.test/ HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x00\x05hello",
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN.replace(b"\r\n", b"\n"),
        PLAIN.replace(b":443 ", b":99999 "),
        PLAIN.replace(b":443 ", b":0443 "),
        PLAIN.replace(b"api.acme.test:443 ", b"[::1]:443 "),
        PLAIN.replace(b"Host:", b"Content-Length: 3\r\nHost:"),
        PLAIN.replace(b"Host:", b"Transfer-Encoding: chunked\r\nHost:"),
        PLAIN.replace(b"Host:", b"Host :"),
        b"CONNECT " + b"a" * MAX_HEAD,
    ],
)
def test_whatever_else_comes_is_left_as_it_is(sent: bytes) -> None:
    assert read(sent) == (None, sent)


def test_what_can_become_no_plain_request_is_not_waited_for() -> None:
    async def first(sent: bytes) -> tuple[TunnelRequest | None, bytes]:
        reader = asyncio.StreamReader()
        reader.feed_data(sent)
        return await asyncio.wait_for(read_tunnel_request(reader), 10)

    for sent in (b"GET", b"\x16", b"connect ", b"CONNECT " + b"x" * MAX_HEAD):
        wanted, came = asyncio.run(first(sent))
        assert wanted is None
        assert sent.startswith(came)
    assert asyncio.run(first(PLAIN + b"\x16")) == (WANTED, b"\x16")


def ask(answer: bytes) -> http.client.HTTPResponse | None:
    """Let Python's client ask for a tunnel; return its refusal, None where it has one."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            sock, _ = server.accept()
            with sock:
                sock.recv(MAX_HEAD)
                sock.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        with socket.create_connection(server.getsockname(), timeout=10) as sock:
            sock.sendall(PLAIN)
            response = http.client.HTTPResponse(sock, method="CONNECT")
            response.begin()
            serving.join(10)
            return None if response.status == 200 else response


def test_a_client_understands_both_answers() -> None:
    assert ask(ESTABLISHED) is None
    refused = ask(refusal(403, "Forbidden", b"out of the lab's scope\n"))
    assert refused is not None
    assert (refused.status, refused.reason) == (403, "Forbidden")
    assert refused.getheader("connection") == "close"
