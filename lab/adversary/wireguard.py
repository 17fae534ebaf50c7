"""The adversary as the other end of a WireGuard tunnel (mitmproxy's own WireGuard server)."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import mitmproxy_rs

from lab.model.device import Endpoint, Tunnel
from lab.network.dns import Answer, respond
from lab.network.wireguard import DNS_PORT, Keys, tunnel

MAX_DATAGRAM = 65_535

AcceptStream = Callable[["TunnelStream", Endpoint], Awaitable[None]]
"""Takes a connection, and the destination that its client dialled."""


class TunnelStream:
    """A TCP connection out of the tunnel: what ``asyncio.StreamReader`` and ``StreamWriter`` are
    of any other."""

    def __init__(self, stream: mitmproxy_rs.Stream) -> None:
        # Its types leave out what returns nothing.
        self._stream: Any = stream
        self.transport = self
        """A stream of the tunnel has no transport of its own."""

    async def read(self, n: int = -1) -> bytes:
        data: bytes = await self._stream.read(MAX_DATAGRAM if n < 0 else n)
        return data

    def write(self, data: bytes) -> None:
        self._stream.write(data)

    async def drain(self) -> None:
        await self._stream.drain()

    def write_eof(self) -> None:
        self._stream.write_eof()

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        # Repeated closing is an error of its own here, and none of asyncio's.
        if not self._stream.is_closing():
            self._stream.close()

    def abort(self) -> None:
        """End it. A reset is not to be had through the tunnel: the client sees an end."""
        self.close()

    def is_closing(self) -> bool:
        return bool(self._stream.is_closing())

    async def wait_closed(self) -> None:
        await self._stream.wait_closed()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._stream.get_extra_info(name, default)


class WireGuardDoor:
    """One device's tunnel: its connections go to ``accept``, its questions to ``answer``.

    What else comes over UDP, QUIC above all, is not answered: ``ignored`` is told where it was
    bound for.
    """

    def __init__(
        self,
        keys: Keys,
        accept: AcceptStream,
        answer: Answer,
        ignored: Callable[[Endpoint], None],
    ) -> None:
        self._keys = keys
        self._accept = accept
        self._answer = answer
        self._ignored = ignored
        self._server: mitmproxy_rs.wireguard.WireGuardServer | None = None

    async def start(self, address: str, port: int) -> Tunnel:
        """Listen on ``port`` of ``address``, 0 for any, and return the tunnel. Raises OSError."""
        self._server = await mitmproxy_rs.wireguard.start_wireguard_server(
            address,
            port,
            self._keys.server,
            [self._keys.client_public],
            self._take_connection,
            self._take_datagrams,
        )
        return tunnel(self._keys, Endpoint(*self._server.getsockname()[:2]))

    async def stop(self) -> None:
        """Stop listening."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()

    async def _take_connection(self, stream: mitmproxy_rs.Stream) -> None:
        await self._accept(TunnelStream(stream), _destination(stream))

    async def _take_datagrams(self, stream: mitmproxy_rs.Stream) -> None:
        destination = _destination(stream)
        try:
            if destination.port != DNS_PORT:
                self._ignored(destination)
                return
            while datagram := await stream.read(MAX_DATAGRAM):
                if (reply := respond(datagram, self._answer)) is not None:
                    stream.write(reply)
                    await stream.drain()
        except OSError:
            return
        finally:
            with contextlib.suppress(OSError):
                TunnelStream(stream).close()


def _destination(stream: mitmproxy_rs.Stream) -> Endpoint:
    # Behind the tunnel the client's address for the other end is the one that it dialled.
    host, port = stream.get_extra_info("sockname")[:2]
    return Endpoint(host, port)
