"""Asking an HTTP proxy for a tunnel (RFC 9110 section 9.3.6)."""

from __future__ import annotations

import socket

import h11

from lab.phone.services import (
    Cancellation,
    ConnectionLost,
    ProxyError,
    SocketTimeout,
    UnknownHost,
)
from lab.phone.socks import time_left

MAX_HEAD = 16 * 1024
"""Bytes of the proxy's answer."""


def ask_for_tunnel(
    sock: socket.socket, host: str, port: int, deadline: float, cancellation: Cancellation
) -> None:
    """Let the proxy at the other end of ``sock`` connect it to ``host``.

    ``deadline`` is in ``time.monotonic`` seconds. Raises PlatformError.
    """
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    try:
        asked = client.send(
            h11.Request(
                method="CONNECT",
                target=authority,
                headers=[("Host", authority), ("Proxy-Connection", "Keep-Alive")],
            )
        )
        end = client.send(h11.EndOfMessage())
        sock.settimeout(time_left(deadline))
        sock.sendall((asked or b"") + (end or b""))
        while (event := client.next_event()) is h11.NEED_DATA:
            sock.settimeout(time_left(deadline))
            client.receive_data(sock.recv(4096))
    except TimeoutError as error:
        raise SocketTimeout("Read timed out") from error
    except OSError as error:
        cancellation.check()
        raise ConnectionLost("Connection reset") from error
    except h11.RemoteProtocolError as error:
        cancellation.check()
        raise ConnectionLost("unexpected end of stream on the HTTP proxy") from error
    except (h11.LocalProtocolError, UnicodeError) as error:
        raise UnknownHost(host) from error
    if not isinstance(event, h11.Response) or not 200 <= event.status_code < 300:
        status = getattr(event, "status_code", "none")
        raise ProxyError(f"Unexpected response code for CONNECT: {status}")
    if client.trailing_data[0]:
        # A server that talks first would have its words lost: not TLS, and not to be guessed.
        raise ProxyError("TLS tunnel buffered too many bytes!")
