"""Real peers for a command device: a proxy, a network with resolver and gateway, and a server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from lab.loop import LabLoop
from lab.model.device import Endpoint, Network, Surroundings
from lab.network import gateway
from lab.network.dns import Resolver
from lab.pki.credential import Credential

ADDRESS = "198.51.100.7"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Arrival:
    """A connection that reached the server."""

    via: str
    host: str
    port: int
    source: str


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10_000)


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10_000)
    writer.write(b"HTTP/1.0 200 OK\r\n\r\n")


async def handshake_failure(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10_000)
    writer.write(bytes([21, 3, 3, 0, 2, 2, 40]))


async def black_hole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(10_000):
        pass


class Surrounds:
    """Everything around one device. What is served is what ``serve`` was last given."""

    def __init__(self, loop: LabLoop, folder: Path) -> None:
        self._loop = loop
        self._folder = folder
        self._handler: Serve = end
        self.arrivals: list[Arrival] = []
        self.requests: list[bytes] = []
        self.asked: list[str] = []
        self.addresses: tuple[str, ...] | None = (ADDRESS,)
        self.refuse = False
        loop.run(self._start())

    async def _start(self) -> None:
        self._resolver = Resolver(self._answer)
        resolver = await self._resolver.start()
        self._servers = [
            await asyncio.start_server(handler, "127.0.0.1", 0)
            for handler in (self._proxy, self._gateway)
        ]
        proxy, way_out = (Endpoint(*s.sockets[0].getsockname()[:2]) for s in self._servers)
        network = Network("net", resolver, way_out)
        self.surroundings = Surroundings(proxy, network, network)

    def close(self) -> None:
        self._loop.run(self._stop())

    async def _stop(self) -> None:
        self._resolver.stop()
        for server in self._servers:
            server.close()
            await server.wait_closed()

    def serve(self, credential: Credential, status: str = "200 OK") -> None:
        """Serve TLS with ``credential`` and answer requests with ``status``."""
        chain, key = credential.write(self._folder, "served")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await writer.start_tls(context)
            await self._http(reader, writer, status)

        self._handler = handle

    def behave(self, handler: Serve) -> None:
        """Do this with every connection, instead of TLS."""
        self._handler = handler

    def _answer(self, name: str, kind: str) -> tuple[str, ...] | None:
        self.asked.append(name)
        return self.addresses

    async def _http(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: str
    ) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok".encode())
        await writer.drain()

    async def _proxy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.decode().split(" ", 2)
            if method != "CONNECT":
                self.requests.append(head)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                return
            if self.refuse:
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
                return
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            host, _, port = target.partition(":")
            await self._arrive("proxy", host, int(port), reader, writer)

    async def _gateway(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _closing(writer):
            target = await gateway.read_destination(reader, writer)
            if self.refuse:
                gateway.answer(writer, gateway.Reply.REFUSED)
                return
            gateway.answer(writer, gateway.Reply.SUCCEEDED)
            await self._arrive("wifi", target.host, target.port, reader, writer)

    async def _arrive(
        self,
        via: str,
        host: str,
        port: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        source = writer.get_extra_info("peername")[0]
        self.arrivals.append(Arrival(via, host, port, source))
        if port == 80:
            await self._http(reader, writer, "200 OK")
        else:
            await self._handler(reader, writer)


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter):  # type: ignore[no-untyped-def]
    """Clients hang up at any moment; that is what these tests are about."""
    try:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
