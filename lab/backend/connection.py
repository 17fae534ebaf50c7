"""One connection of a service, from accept to close: TLS by asyncio, HTTP by hypercorn."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Callable

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework

from lab.backend.tls import Certificates

HANDSHAKE_CAP = 10.0
"""Seconds that a client has for its handshake."""
FAREWELL_CAP = 0.5
"""Seconds that a client has to answer a close_notify."""
IDLE_CAP = 30.0
"""Seconds that a connection may be without a request, or a request without its header."""


class Connection:
    """Serves one accepted socket. Everything but ``__init__`` belongs to the event loop."""

    def __init__(
        self, accepted: socket.socket, log: logging.Logger, on_handshake: Callable[[], None]
    ) -> None:
        self._socket = accepted
        self._log = log
        self._on_handshake = on_handshake
        self._transport: asyncio.Transport | None = None
        # One for each connection, not one for the server: with it hypercorn's idle timer ends
        # together with the connection, instead of keeping its task for IDLE_CAP afterwards.
        self._context = WorkerContext(None)

    async def serve(self, app: ASGIFramework, certificates: Certificates) -> None:
        """Do the handshake and answer requests until either side closes.

        Whatever the peer does ends its own connection and nothing else.
        """
        try:
            await self._converse(app, certificates)
        except OSError as error:
            self._log.debug("no handshake: %s", error)
        finally:
            self.abort()

    async def _converse(self, app: ASGIFramework, certificates: Certificates) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        self._transport, _ = await loop.connect_accepted_socket(
            lambda: protocol,
            self._socket,
            ssl=certificates.context,
            ssl_handshake_timeout=HANDSHAKE_CAP,
            ssl_shutdown_timeout=FAREWELL_CAP,
        )
        self._on_handshake()
        writer = asyncio.StreamWriter(self._transport, protocol, reader, loop)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._await_end(writer))
            await self._speak_http(app, certificates, reader, writer)
            self.abort()

    async def _speak_http(
        self,
        app: ASGIFramework,
        certificates: Certificates,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        connection = writer.get_extra_info("ssl_object")
        state = {"sni": certificates.server_name(connection), "cut": self.abort}
        try:
            await TCPServer(
                ASGIWrapper(app),
                asyncio.get_running_loop(),
                _settings(self._log),
                self._context,
                state,
                reader,
                writer,
            )
        except Exception as error:  # noqa: BLE001 - what hostile bytes bring about must end here
            # Errors of the application are not among them: hypercorn logs those as errors.
            self._log.debug("connection ended by %r", error)

    async def _await_end(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        await self.finish()

    async def finish(self) -> None:
        """Answer what was asked, then close."""
        await self._context.terminated.set()

    def abort(self) -> None:
        """Close at once, without a word."""
        if self._transport is not None:
            self._transport.abort()
            return
        # Inside the handshake the socket is asyncio's: let it find the connection ended.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def reset(accepted: socket.socket) -> None:
    """Close ``accepted`` with a TCP reset."""
    with contextlib.suppress(OSError):
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    accepted.close()


def _settings(log: logging.Logger) -> Config:
    settings = Config()
    settings.accesslog = None
    settings.errorlog = log
    settings.include_server_header = False
    settings.keep_alive_timeout = IDLE_CAP
    return settings
