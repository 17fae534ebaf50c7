"""Private DNS with a server of its own: lookups over TLS (RFC 7858), or none at all."""

from __future__ import annotations

import secrets
import socket
import ssl
import struct
from collections.abc import Callable, Sequence

from dnslib import QTYPE

from lab.phone.resolver import question, read_answer
from lab.phone.services import Cancellation, UnknownHost

PORT = 853
_LENGTH = struct.Struct(">H")

Open = Callable[[str, int], socket.socket]
"""Opens a connection to a host and port. Raises PlatformError."""


def look_up(
    host: str,
    server: str,
    anchors: Sequence[bytes],
    open_connection: Open,
    timeout: float,
    cancellation: Cancellation,
) -> tuple[str, ...]:
    """Return the addresses of ``host``, as the resolver named ``server`` gives them.

    The server must prove its name to one of ``anchors`` (DER). ``timeout`` in seconds is for each
    step. Raises UnknownHost for every failure but those of ``open_connection``.
    """
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if anchors:
            context.load_verify_locations(cadata=b"".join(anchors))
        with open_connection(server, PORT) as plain:
            plain.settimeout(timeout)
            with context.wrap_socket(plain, server_hostname=server) as sock:
                cancellation.watch(sock)
                for kind in (QTYPE.A, QTYPE.AAAA):
                    if found := _ask(sock, host, kind):
                        return found
    except (OSError, ValueError, EOFError) as error:
        cancellation.check()
        raise UnknownHost(host) from error
    raise UnknownHost(host)


def _ask(sock: ssl.SSLSocket, host: str, kind: int) -> tuple[str, ...]:
    identifier = secrets.randbits(16)
    packet = question(host, kind, identifier)
    sock.sendall(_LENGTH.pack(len(packet)) + packet)
    (size,) = _LENGTH.unpack(_exactly(sock, _LENGTH.size))
    answer = read_answer(_exactly(sock, size), host, kind, identifier)
    if answer is None:
        raise ValueError("not the answer to this question")
    return answer


def _exactly(sock: ssl.SSLSocket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = sock.recv(count - len(received))
        if not part:
            raise EOFError
        received += part
    return received
