"""What a device connects to: its proxy, and the resolvers and gateways of its two networks."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mitmproxy.proxy import layers, mode_specs
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler

from lab.adversary.addon import serving_on
from lab.adversary.mitm import Master
from lab.adversary.names import ATTACKER_ADDRESS, Names, normal
from lab.adversary.recorder import Recorder
from lab.adversary.track import Passage
from lab.adversary.watch import WatchedReader
from lab.model.device import Endpoint, Network, Surroundings
from lab.model.serving import Arming, DnsLie, HostPlan, Interfere, Interference, Relay
from lab.model.wire import Lookup, WireClass
from lab.network import gateway
from lab.network.dns import Answer, Resolver

LOOPBACK = "127.0.0.1"
BACKLOG = 512

HOME_SSID = "Home"
ROGUE_SSID = "Free Airport Wi-Fi"

MAX_CONNECTIONS = 256
"""Connections of one device that are open at once. For a further one the oldest foreign one has
to go, or else the oldest that has said nothing, or the oldest of an earlier arming; where there
is none, the new one is turned away."""

OPENING_CAP = 10.0
"""Seconds that a client may take to say anything about where it wants to go."""

ABORT_CAP = 1.0
"""Seconds that connections have to end once they were aborted."""

NOTHING = Arming("nothing", ())

_PROXY_MODE = mode_specs.ProxyMode.parse("regular")
_GATEWAY_MODE = mode_specs.ProxyMode.parse("transparent")

Serve = Callable[["_Open", asyncio.StreamReader], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Shared:
    """What the listeners of all devices have in common."""

    master: Master
    recorder: Recorder
    passages: dict[str, Passage]
    """By the id of mitmproxy's client connection, as the addon looks them up."""
    names: Names


@dataclass(slots=True)
class _Open:
    """A connection that is open."""

    passage: Passage
    writer: asyncio.StreamWriter
    reader: WatchedReader | None = None
    handler: ProxyConnectionHandler | None = None

    def abort(self, why: str) -> None:
        """End it at once."""
        self.passage.track.note = self.passage.track.note or why
        self.writer.transport.abort()

    def give_up(self) -> None:
        """End what would not notice that its client is gone, such as dialling."""
        if self.handler is not None:
            for transport in tuple(self.handler.transports.values()):
                if transport.handler is not None:
                    transport.handler.cancel()


@dataclass(slots=True)
class Listeners:
    """The listeners of one device, and what is armed for it.

    Owned by the loop, but for ``armed``: number and arming in one value, so that arming is
    another thread's single assignment.
    """

    id: str
    source: str | None
    shared: Shared
    address: str = LOOPBACK
    """Where to listen."""
    armed: tuple[int, Arming] = (0, NOTHING)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _resolvers: list[Resolver] = field(default_factory=list)
    _open: dict[asyncio.Task[Any], _Open] = field(default_factory=dict)
    _closed: bool = False

    async def start(self) -> Surroundings:
        """Listen on free ports of the device's address. Raises OSError."""
        return Surroundings(
            proxy=await self._listen(self._serve_proxy),
            rogue=Network(
                ROGUE_SSID, await self._resolve(self._lie), await self._listen(self._serve_gateway)
            ),
            home=Network(
                HOME_SSID, await self._resolve(self._tell), await self._listen(self._serve_home)
            ),
            direct=await self._listen(self._serve_direct(443)),
            direct_clear=await self._listen(self._serve_direct(80)),
        )

    async def _listen(self, serve: Serve) -> Endpoint:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._accept(reader, writer, serve)

        server = await asyncio.start_server(accept, self.address, 0, backlog=BACKLOG)
        self._servers.append(server)
        host, port = server.sockets[0].getsockname()[:2]
        return Endpoint(host, port)

    async def _resolve(self, answer: Answer) -> Endpoint:
        resolver = Resolver(answer)
        self._resolvers.append(resolver)
        return await resolver.start(self.address)

    async def part(self) -> None:
        """Close the connections on which nothing is under way: a client must not carry one of
        them past the next arming. It will open another for its next request."""
        for connection in tuple(self._open.values()):
            if connection.passage.track.idle:
                connection.writer.close()

    async def close(self) -> None:
        """Stop listening and end every connection, within twice ABORT_CAP."""
        self._closed = True
        for server in self._servers:
            server.close()
        for resolver in self._resolvers:
            resolver.stop()
        for connection in self._open.values():
            connection.abort("the lab was shut down")
            connection.give_up()
        await self._ended()
        for task in self._open:
            task.cancel()
        await self._ended()

    async def _ended(self) -> None:
        if self._open:
            await asyncio.wait(tuple(self._open), timeout=ABORT_CAP)

    # -- connections ----------------------------------------------------------------------

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, serve: Serve
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        peer = writer.get_extra_info("peername")
        if peer is None or self._closed or not self._has_room():
            self.shared.recorder.count("turned away")
            writer.transport.abort()
            return
        number, arming = self.armed
        track = self.shared.recorder.open(self.id, number, peer[:2], self.source)
        connection = self._open[task] = _Open(Passage(track, arming), writer)
        loop = asyncio.get_running_loop()
        deadline = loop.call_later(OPENING_CAP, _end_silence, connection)
        try:
            with contextlib.suppress(OSError):
                await serve(connection, reader)
        finally:
            deadline.cancel()
            del self._open[task]
            writer.close()
            if connection.reader is not None:
                connection.reader.finish()
            in_scope = connection.passage.plan is not None
            self.shared.recorder.close(track, in_scope=in_scope)

    def _has_room(self) -> bool:
        """Tell whether there is room for a connection, which one that counts for little makes."""
        if len(self._open) < MAX_CONNECTIONS:
            return True
        living = [c for c in self._open.values() if not c.writer.transport.is_closing()]
        number, _ = self.armed
        foreign = (c for c in living if c.passage.track.foreign)
        silent = (c for c in living if c.passage.track.course.wire_class is WireClass.TCP_ONLY)
        earlier = (c for c in living if c.passage.track.arming != number)
        for connection in itertools.chain(foreign, silent, earlier):
            connection.abort("had to make room")
            self.shared.recorder.count("made room")
            return True
        return False

    async def _serve_proxy(self, connection: _Open, reader: asyncio.StreamReader) -> None:
        handler = self._handler(connection, reader, _PROXY_MODE)
        handler.layer = layers.modes.HttpProxy(handler.layer.context)
        await self._handle(connection, handler)

    async def _serve_gateway(self, connection: _Open, reader: asyncio.StreamReader) -> None:
        track, writer = connection.passage.track, connection.writer
        try:
            destination = await gateway.read_destination(reader, writer)
        except gateway.BadClient as error:
            track.note = f"no SOCKS5 client: {error}"
            return
        track.host = self.shared.names.name_of(destination.host)
        track.port = destination.port
        plan = connection.passage.plan
        if plan is None and track.host is not None:
            track.note = "out of scope"
            self.shared.recorder.out_of_scope(track.host)
            gateway.answer(writer, gateway.Reply.NOT_ALLOWED)
        elif plan and serving_on(plan, track.port) == Interfere(Interference.REFUSE):
            track.note = "refused by the network"
            gateway.answer(writer, gateway.Reply.REFUSED)
        else:
            gateway.answer(writer, gateway.Reply.SUCCEEDED)
            await self._serve_address(connection, reader, destination.host, destination.port)
            return
        await writer.drain()

    async def _serve_address(
        self, connection: _Open, reader: asyncio.StreamReader, host: str, port: int
    ) -> None:
        """Serve a client that believes itself connected to this address."""
        handler = self._handler(connection, reader, _GATEWAY_MODE)
        handler.layer.context.server.address = (host, port)
        handler.layer = layers.modes.TransparentProxy(handler.layer.context)
        await self._handle(connection, handler)

    def _serve_direct(self, port: int) -> Serve:
        """Return what serves clients whose own device rewrote the address that they dialled: the
        name that they ask for is all that is left of it."""

        async def serve(connection: _Open, reader: asyncio.StreamReader) -> None:
            connection.passage.track.port = port
            await self._serve_address(connection, reader, ATTACKER_ADDRESS, port)

        return serve

    async def _serve_home(self, connection: _Open, reader: asyncio.StreamReader) -> None:
        """The honest network opens nothing, whatever is armed."""
        relayed = HostPlan(Relay())
        hosts = self.shared.names.hosts
        connection.passage.arming = Arming("home", tuple((host, relayed) for host in hosts))
        await self._serve_gateway(connection, reader)

    def _handler(
        self, connection: _Open, reader: asyncio.StreamReader, mode: mode_specs.ProxyMode
    ) -> ProxyConnectionHandler:
        master = self.shared.master
        watched: Any = WatchedReader(reader, connection.passage.track)
        connection.reader = watched
        return ProxyConnectionHandler(master, watched, connection.writer, master.options, mode)

    async def _handle(self, connection: _Open, handler: ProxyConnectionHandler) -> None:
        connection.handler = handler
        self.shared.passages[handler.client.id] = connection.passage
        try:
            await handler.handle_client()
        finally:
            del self.shared.passages[handler.client.id]

    # -- names ----------------------------------------------------------------------------

    def _tell(self, name: str, kind: str) -> tuple[str, ...]:
        address = self.shared.names.address_of(normal(name))
        return () if address is None else (address,)

    def _lie(self, name: str, kind: str) -> tuple[str, ...] | None:
        number, arming = self.armed
        host = normal(name)
        plan = arming.plan_for(host)
        answer: tuple[str, ...] | None
        match plan.dns if plan is not None else DnsLie.HONEST:
            case DnsLie.HONEST:
                answer = self._tell(name, kind)
            case DnsLie.ATTACKER_ADDRESS:
                answer = (ATTACKER_ADDRESS,)
            case DnsLie.NXDOMAIN:
                answer = ()
            case DnsLie.SILENCE:
                answer = None
        told = "TIMEOUT" if answer is None else ", ".join(answer) or "NXDOMAIN"
        lookup = Lookup(self.id, number, host, kind, told, time.time())
        self.shared.recorder.lookup(lookup, in_scope=plan is not None)
        return answer


def _end_silence(connection: _Open) -> None:
    if not connection.passage.track.told:
        connection.abort(f"said nothing for {OPENING_CAP:g} seconds")
