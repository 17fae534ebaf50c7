from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct

import pytest
import socksio
from hypothesis import given
from hypothesis import strategies as st

from lab.network import gateway
from lab.network.gateway import BadClient, Destination, Reply

GREETING = b"\x05\x01\x00"


async def _through(data: bytes, *, open_end: bool = False) -> tuple[Destination | str, bytes]:
    """Return the destination or the complaint, and what was answered to a client's ``data``."""
    ours, theirs = socket.socketpair()
    with theirs:
        reader, writer = await asyncio.open_connection(sock=ours)
        theirs.sendall(data)
        if not open_end:
            theirs.shutdown(socket.SHUT_WR)
        result: Destination | str
        try:
            result = await gateway.read_destination(reader, writer)
        except BadClient as error:
            result = str(error)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        answered = b""
        while part := theirs.recv(100):
            answered += part
        return result, answered


def through(data: bytes, *, open_end: bool = False) -> tuple[Destination | str, bytes]:
    return asyncio.run(_through(data, open_end=open_end))


def reply(code: Reply) -> bytes:
    return bytes([5, code, 0, 1, 0, 0, 0, 0, 0, 0])


destinations = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.from_regex(r"[A-Za-z0-9.-]{1,60}\.test", fullmatch=True),
)


@given(destinations, st.integers(1, 0xFFFF))
def test_what_a_real_client_asks_for(host: str, port: int) -> None:
    client = socksio.socks5.SOCKS5Connection()
    methods = [socksio.socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED]
    client.send(socksio.socks5.SOCKS5AuthMethodsRequest(methods))
    data = client.data_to_send()
    client.receive_data(b"\x05\x00")
    command = socksio.socks5.SOCKS5Command.CONNECT
    client.send(socksio.socks5.SOCKS5CommandRequest.from_address(command, (host, port)))
    data += client.data_to_send()
    wanted = Destination(host.lower(), port)
    assert through(data) == (wanted, b"\x05\x00")
    assert through(data, open_end=True) == (wanted, b"\x05\x00")


@pytest.mark.parametrize("code", list(Reply))
def test_replies_are_what_a_real_client_understands(code: Reply) -> None:
    client = socksio.socks5.SOCKS5Connection()
    methods = [socksio.socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED]
    client.send(socksio.socks5.SOCKS5AuthMethodsRequest(methods))
    client.receive_data(b"\x05\x00")
    command = socksio.socks5.SOCKS5Command.CONNECT
    client.send(socksio.socks5.SOCKS5CommandRequest.from_address(command, ("192.0.2.1", 443)))

    async def answered() -> bytes:
        ours, theirs = socket.socketpair()
        with theirs:
            _, writer = await asyncio.open_connection(sock=ours)
            gateway.answer(writer, code)
            writer.close()
            await writer.wait_closed()
            return theirs.recv(100)

    got = client.receive_data(asyncio.run(answered()))
    assert isinstance(got, socksio.socks5.SOCKS5Reply)
    assert got.reply_code.value == bytes([code])


@pytest.mark.parametrize(
    ("data", "complaint", "answered"),
    [
        (b"\x04\x01\x00\x50", "not SOCKS5", b""),
        (b"GET / HTTP/1.1\r\n", "not SOCKS5", b""),
        (b"\x05\x01\x02", "no acceptable method", b"\x05\xff"),
        (b"\x05\x00", "no acceptable method", b"\x05\xff"),
        (
            GREETING + b"\x05\x02\x00\x01\x7f\0\0\1\0\x50",
            "not a CONNECT request",
            b"\x05\x00" + reply(Reply.COMMAND_NOT_SUPPORTED),
        ),
        (
            GREETING + b"\x04\x01\x00\x01\x7f\0\0\1\0\x50",
            "not a CONNECT request",
            b"\x05\x00" + reply(Reply.COMMAND_NOT_SUPPORTED),
        ),
        (
            GREETING + b"\x05\x01\x00\x02\x7f\0\0\1\0\x50",
            "unknown address type",
            b"\x05\x00" + reply(Reply.ADDRESS_NOT_SUPPORTED),
        ),
    ],
)
def test_errors_are_answered_as_the_rfc_asks(data: bytes, complaint: str, answered: bytes) -> None:
    assert through(data) == (complaint, answered)


def test_a_name_is_ascii() -> None:
    result, _ = through(GREETING + b"\x05\x01\x00\x03\x02\xc3\xbc\x00\x50")
    assert isinstance(result, str)
    assert "ascii" in result


def test_a_client_has_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "HANDSHAKE_CAP", 0.05)
    assert through(GREETING + b"\x05\x01", open_end=True) == ("took too long", b"\x05\x00")


@given(st.binary(max_size=40) | st.binary(max_size=40).map(GREETING.__add__))
def test_nothing_but_a_bad_client_comes_of_garbage(data: bytes) -> None:
    result, _ = through(data)
    if isinstance(result, Destination):
        assert data[:1] == b"\x05"
        assert 0 <= result.port <= 0xFFFF
    else:
        assert result


@given(st.data())
def test_a_request_that_ends_too_early(data: st.DataObject) -> None:
    address = ipaddress.IPv4Address("192.0.2.1").packed
    whole = GREETING + b"\x05\x01\x00\x01" + address + struct.pack("!H", 443)
    cut = data.draw(st.integers(0, len(whole) - 1))
    result, _ = through(whole[:cut])
    assert isinstance(result, str)
    assert through(whole)[0] == Destination("192.0.2.1", 443)
