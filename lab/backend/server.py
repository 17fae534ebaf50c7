"""A service of the app's owner: an ASGI application on a TLS socket of its own."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import sys
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

from hypercorn.typing import ASGIFramework

from lab.backend.connection import Connection, reset
from lab.backend.tls import Certificates
from lab.loop import LabLoop
from lab.model.device import Endpoint
from lab.pki.credential import Credential

LOOPBACK = "127.0.0.1"
BACKLOG = 256
MAX_CONNECTIONS = 1024
"""Open connections of one service; further ones are reset."""
POLITE_CAP = 0.3
"""Seconds that open connections have to end by themselves when a service stops."""
BREATH = 0.5
"""Seconds without accepting after the process ran out of descriptors."""

_RESERVES = sys.platform == "linux"
"""Whether a port can be held by one socket while another one listens on it. Linux lets two
sockets bind one address where both set SO_REUSEADDR and none listens yet (socket(7))."""


class PortInUse(OSError):
    """The address that a service is to listen on is taken; the message names both."""

    def __init__(self, service: str, endpoint: Endpoint) -> None:
        super().__init__(f"{endpoint} is already in use, so {service!r} cannot listen there")
        self.service = service
        self.endpoint = endpoint


class Outage(StrEnum):
    """In which way a service is out of order. Open connections are cut when it begins."""

    NONE = "none"
    REFUSE = "refuse"
    """Nothing listens: connections are refused, and so cannot be counted."""
    RESET = "reset"
    """Connections are taken and reset at once."""
    HANG = "hang"
    """Connections are taken and nothing is ever answered, not even the ClientHello."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What arrived at a service since it was started."""

    connections: int = 0
    """TCP connections, whatever became of them."""
    turned_away: int = 0
    """Those that were reset or left hanging by an outage, or were too many."""
    handshakes: int = 0
    """Finished TLS handshakes, as the server sees it: a TLS 1.3 client may yet refuse."""


class TlsService:
    """Serves ``app`` on 127.0.0.1 over HTTP/1.1 and HTTP/2. Use as a context manager.

    ``port`` 0 takes a free one. Methods may be called from any thread but the loop's own.
    """

    def __init__(
        self, loop: LabLoop, name: str, app: ASGIFramework, credential: Credential, port: int = 0
    ) -> None:
        self.name = name
        self._lab = loop
        self._app = app
        self._certificates = Certificates(credential)
        self._log = logging.getLogger(f"lab.backend.{name}")
        self._endpoint = Endpoint(LOOPBACK, port)
        self._reservation: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._open: dict[asyncio.Task[None], Connection] = {}
        self._hung: list[socket.socket] = []
        self._outage = Outage.NONE
        self._connections = self._turned_away = self._handshakes = 0

    @property
    def endpoint(self) -> Endpoint:
        """Where the service listens; the port is known once it was started."""
        return self._endpoint

    @property
    def outage(self) -> Outage:
        return self._outage

    @property
    def traffic(self) -> Traffic:
        return Traffic(self._connections, self._turned_away, self._handshakes)

    def start(self) -> None:
        """Listen. Raises PortInUse."""
        self._lab.run(self._start())

    def stop(self) -> None:
        """Stop listening and end what is open, within a second. May be called twice."""
        self._lab.run(self.close())

    def renew(self, credential: Credential, host: str | None = None) -> None:
        """Show ``credential`` to new connections that ask for ``host``, for the first time too.

        None stands for clients that name no host, or one that has no certificate of its own.
        """
        self._certificates.present(credential, host)

    def set_outage(self, outage: Outage) -> None:
        """Go out of order or come back on the same port; in force when this returns.

        Raises PortInUse where somebody else took the port in the meantime.
        """
        self._lab.run(self._switch(outage))

    async def close(self) -> None:
        """Do what ``stop`` does, on the loop."""
        self._deafen()
        for connection in tuple(self._open.values()):
            await connection.finish()
        await self._ended(POLITE_CAP)
        await self._cut()
        if self._reservation is not None:
            self._reservation.close()
            self._reservation = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def _start(self) -> None:
        first = self._bound()
        self._endpoint = Endpoint(LOOPBACK, first.getsockname()[1])
        if _RESERVES:
            self._reservation = first
            try:
                first = self._bound()
            except PortInUse:
                self._reservation.close()
                raise
        self._listen(first)

    async def _switch(self, outage: Outage) -> None:
        if outage is self._outage:
            return
        if outage is Outage.REFUSE:
            self._deafen()
        elif self._listener is None:
            self._listen(self._bound())
        self._outage = outage
        await self._cut()

    def _bound(self) -> socket.socket:
        # With its protocol named, asyncio sets TCP_NODELAY on what is accepted. Else the body of
        # an answer waits some 40 ms for the acknowledgement of its header.
        unbound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            unbound.setblocking(False)
            unbound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            unbound.bind((LOOPBACK, self._endpoint.port))
        except OSError as error:
            unbound.close()
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(self.name, self._endpoint) from None
            raise
        return unbound

    def _listen(self, bound: socket.socket) -> None:
        try:
            bound.listen(BACKLOG)
        except OSError as error:
            bound.close()
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(self.name, self._endpoint) from None
            raise
        self._listener = bound
        self._resume()

    def _deafen(self) -> None:
        """Stop listening."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        if self._listener is not None:
            self._lab.loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _resume(self) -> None:
        self._pause = None
        if self._listener is not None:
            self._lab.loop.add_reader(self._listener, self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        try:
            accepted, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            # The socket stays readable: without a pause the loop would spin.
            self._log.warning("cannot accept: %s", error)
            self._lab.loop.remove_reader(listener)
            self._pause = self._lab.loop.call_later(BREATH, self._resume)
            return
        accepted.setblocking(False)
        self._connections += 1
        if self._outage is Outage.HANG and len(self._hung) < MAX_CONNECTIONS:
            self._turned_away += 1
            self._hung.append(accepted)
        elif self._outage is not Outage.NONE or len(self._open) >= MAX_CONNECTIONS:
            self._turned_away += 1
            reset(accepted)
        else:
            self._take(accepted)

    def _take(self, accepted: socket.socket) -> None:
        connection = Connection(accepted, self._log, self._count_handshake)
        task = self._lab.loop.create_task(connection.serve(self._app, self._certificates))
        self._open[task] = connection
        task.add_done_callback(self._open.pop)

    def _count_handshake(self) -> None:
        self._handshakes += 1

    async def _cut(self) -> None:
        """End every connection at once."""
        hung, self._hung = self._hung, []
        for accepted in hung:
            reset(accepted)
        for connection in tuple(self._open.values()):
            connection.abort()
        await self._ended(POLITE_CAP)
        # What is left is an application that does not notice that its client is gone.
        for task in tuple(self._open):
            task.cancel()
        await self._ended(POLITE_CAP)

    async def _ended(self, cap: float) -> None:
        if self._open:
            await asyncio.wait(tuple(self._open), timeout=cap)
