"""Networks that a phone can join: real resolvers and gateways, honest and hostile."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from lab.loop import LabLoop
from lab.model.device import Endpoint, Network
from lab.network.dns import Answer, Resolver
from lab.network.gateway import BadClient, Destination, Reply, answer, read_destination
from tests.patience import CAP

Route = Callable[[Destination], Endpoint | Reply]
"""Where a dialled address leads, or why it leads nowhere."""


@dataclass
class Air:
    """An access point with the lab's own resolver and gateway."""

    loop: LabLoop
    resolve: Answer
    route: Route
    ssid: str = "Home"
    dialled: list[Destination] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._resolver = Resolver(self._answer)
        self._tasks: set[asyncio.Task[None]] = set()
        self.loop.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.run(self._stop())

    def _answer(self, name: str, kind: str) -> tuple[str, ...] | None:
        self.asked.append((name, kind))
        return self.resolve(name, kind)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.network = Network(self.ssid, await self._resolver.start(), Endpoint(host, port))

    async def _stop(self) -> None:
        self._resolver.stop()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._forward(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sources.append(writer.get_extra_info("peername")[0])
        with suppress(BadClient, OSError):
            destination = await read_destination(reader, writer)
            self.dialled.append(destination)
            there = self.route(destination)
            if isinstance(there, Reply):
                answer(writer, there)
                return
            onward = await asyncio.open_connection(there.host, there.port)
            answer(writer, Reply.SUCCEEDED)
            try:
                await asyncio.gather(_pipe(reader, onward[1]), _pipe(onward[0], writer))
            finally:
                onward[1].close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
        writer.write_eof()


class Datagrams:
    """A resolver whose every answer is up to ``reply``: packets for a packet."""

    def __init__(self, reply: Callable[[bytes], list[bytes]]) -> None:
        self._reply = reply
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(CAP)
        self.endpoint = Endpoint(*self._socket.getsockname())
        self.sources: list[str] = []
        self.ports: list[int] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", self._socket.getsockname())
        self._thread.join(CAP)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            packet, source = self._socket.recvfrom(4096)
            if not packet:
                return
            self.sources.append(source[0])
            self.ports.append(source[1])
            for part in self._reply(packet):
                self._socket.sendto(part, source)
