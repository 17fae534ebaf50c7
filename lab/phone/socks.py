"""Asking a gateway for a connection (RFC 1928 sections 3, 4 and 6)."""

from __future__ import annotations

import socket
import time

from socksio import ProtocolError, socks5


class Refused(Exception):
    """The gateway does not open the connection, or does not answer as one."""


def ask(sock: socket.socket, address: str, port: int, deadline: float) -> None:
    """Let the gateway at the other end of ``sock`` open a connection.

    ``deadline`` is in ``time.monotonic`` seconds. Raises Refused, TimeoutError, OSError.
    """
    try:
        code = _ask(sock, address, port, deadline)
    except (ProtocolError, EOFError) as error:
        raise Refused(str(error)) from error
    if code is not socks5.SOCKS5ReplyCode.SUCCEEDED:
        raise Refused(code.name)


def time_left(deadline: float) -> float:
    """Return the seconds until ``deadline``. Raises TimeoutError past it."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _ask(sock: socket.socket, address: str, port: int, deadline: float) -> socks5.SOCKS5ReplyCode:
    offered = socks5.SOCKS5AuthMethod.NO_AUTH_REQUIRED
    sock.sendall(socks5.SOCKS5AuthMethodsRequest([offered]).dumps())
    chosen = socks5.SOCKS5AuthReply.loads(_exactly(sock, 2, deadline))
    if chosen.method is not offered:
        raise ProtocolError("the gateway wants to know who is there")
    wanted = socks5.SOCKS5CommandRequest.from_address(socks5.SOCKS5Command.CONNECT, (address, port))
    sock.sendall(wanted.dumps())
    head = _exactly(sock, 4, deadline)
    sizes = {socks5.SOCKS5AType.IPV4_ADDRESS.value: 4, socks5.SOCKS5AType.IPV6_ADDRESS.value: 16}
    size = sizes.get(head[3:4])
    if size is None:
        raise ProtocolError("a reply without an address")
    return socks5.SOCKS5Reply.loads(head + _exactly(sock, size + 2, deadline)).reply_code


def _exactly(sock: socket.socket, count: int, deadline: float) -> bytes:
    received = b""
    while len(received) < count:
        sock.settimeout(time_left(deadline))
        part = sock.recv(count - len(received))
        if not part:
            raise EOFError
        received += part
    return received
