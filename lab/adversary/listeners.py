"""What a device connects to: its proxy, and the resolvers and gateways of its two networks."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from lab.adversary.addon import OUT_OF_SCOPE, REFUSED, serving_on
from lab.adversary.connections import Connections, Open, Serve, Shared
from lab.adversary.kernel import Accept, Keeper, KernelDoors, reset, take
from lab.adversary.lies import Lies
from lab.adversary.names import ATTACKER_ADDRESS
from lab.adversary.passing import serve_address, serve_proxy
from lab.adversary.watch import MAX_OPENING
from lab.adversary.wireguard import TunnelStream, WireGuardDoor
from lab.model.device import Endpoint, Network, Surroundings, Tunnel
from lab.model.serving import Arming, HostPlan, Interfere, Interference, Relay
from lab.network import gateway
from lab.network.dns import Answer, Resolver
from lab.network.hardware.door import HardwareDoor
from lab.network.kernel.access_point import Door
from lab.network.kernel.wifi import Place
from lab.network.tunnel_request import (
    ESTABLISHED,
    TunnelRequest,
    read_tunnel_request,
    refusal,
)
from lab.network.wireguard import CLIENT_ADDRESS, TunnelPlan

LOOPBACK = "127.0.0.1"
BACKLOG = 512

HOME_SSID = "Home"
ROGUE_SSID = "Free Airport Wi-Fi"

NOTHING = Arming("nothing", ())


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
    tunnel: TunnelPlan | None = None
    """The device's WireGuard tunnel, where it has one."""
    place: Place | None = None
    """Where the device lives, where its networks are the kernel's."""
    radio: HardwareDoor | None = None
    """Where the device's packets come from, where the rogue network is one with a radio."""
    armed: tuple[int, Arming] = (0, NOTHING)
    doors: KernelDoors | None = None
    """Those of the device's networks, where they are the kernel's."""
    _door: WireGuardDoor | None = None
    _servers: list[asyncio.Server] = field(default_factory=list)
    _resolvers: list[Resolver] = field(default_factory=list)
    _connections: Connections = field(init=False)
    _lies: Lies = field(init=False)

    def __post_init__(self) -> None:
        names, recorder = self.shared.names, self.shared.recorder
        self._lies = Lies(self.id, names, recorder, self._armed_now)
        self._connections = Connections(self.id, self.source, self.shared, self._armed_now)

    def _armed_now(self) -> tuple[int, Arming]:
        return self.armed

    async def start(self) -> Surroundings:
        """Listen on free ports of the device's address, and at its doors. Raises OSError."""
        rogue, home = await self._open_doors()
        return Surroundings(
            proxy=await self._listen(self._serve_proxy),
            rogue=Network(
                ROGUE_SSID if self.radio is None else self.radio.ssid,
                await self._resolve(self._lies.answer),
                await self._listen(self._serve_gateway),
                rogue,
            ),
            home=Network(
                HOME_SSID,
                await self._resolve(self._lies.truth),
                await self._listen(self._serve_home),
                home,
            ),
            direct=await self._listen(self._serve_direct(443)),
            direct_clear=await self._listen(self._serve_direct(80)),
            tunnel=None if self.tunnel is None else await self._dig(self.tunnel),
        )

    async def _listen(self, serve: Serve) -> Endpoint:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._connections.accept(reader, writer, serve)

        server = await asyncio.start_server(accept, self.address, 0, backlog=BACKLOG)
        self._servers.append(server)
        return Endpoint(*server.sockets[0].getsockname()[:2])

    async def _open_doors(self) -> tuple[str | None, str | None]:
        """Serve at the doors of the device's networks, if they are the kernel's; return the
        interfaces that lead there."""
        if self.radio is not None:
            await self._serve_door(self.radio, self._accept_taken, self._lies.answer)
        if (place := self.place) is None:
            return None, None
        keeper = Keeper(self.id, self.shared.names, self.shared.recorder, self._armed_now)
        self.doors = KernelDoors(place, keeper)
        self.doors.watch()
        await self._serve_door(place.rogue, self._accept_taken, self._lies.answer)
        await self._serve_door(place.home, self._accept_taken_home, self._lies.truth)
        return place.rogue.interface, place.home.interface

    async def _serve_door(self, door: Door | HardwareDoor, accept: Accept, answer: Answer) -> None:
        for listener in door.listeners:
            self._servers.append(await take(listener, accept, self.shared.names))
        await self._resolve(answer, door.resolver)

    async def _dig(self, plan: TunnelPlan) -> Tunnel:
        self._door = WireGuardDoor(plan.keys, self._accept_dug, self._lies.truth, self._ignore)
        return await self._door.start(plan.listen.host, plan.listen.port)

    async def _resolve(self, answer: Answer, sock: socket.socket | None = None) -> Endpoint:
        late = (self._lies.delay,) if answer == self._lies.answer else ()
        resolver = Resolver(answer, *late)
        self._resolvers.append(resolver)
        return await resolver.start(self.address, sock)

    async def part(self) -> None:
        """Close the connections on which nothing is under way."""
        await self._connections.part()

    async def close(self) -> None:
        """Stop listening and end every connection, within twice ABORT_CAP."""
        self._connections.closed = True
        for server in self._servers:
            server.close()
        for resolver in self._resolvers:
            resolver.stop()
        if self._door is not None:
            await self._door.stop()
        if self.doors is not None:
            self.doors.stop()
        await self._connections.close()

    # -- connections ----------------------------------------------------------------------

    async def _accept_taken(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        dialled: Endpoint,
        arming: Arming | None = None,
    ) -> None:
        """Take a connection off a network, under another arming than the device's where one is
        given; whose it is, the door has told."""

        async def serve(connection: Open, reader: asyncio.StreamReader) -> None:
            connection.passage.arming = arming or connection.passage.arming
            await self._serve_taken(connection, reader, dialled)

        source = writer.get_extra_info("peername")[0]
        await self._connections.accept(reader, writer, serve, source=source)

    async def _accept_taken_home(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dialled: Endpoint
    ) -> None:
        await self._accept_taken(reader, writer, dialled, self._honest())

    async def _serve_taken(
        self, connection: Open, reader: asyncio.StreamReader, dialled: Endpoint
    ) -> None:
        if self._let_through(connection, dialled) is gateway.Reply.SUCCEEDED:
            await _take_time(connection)
            await serve_address(self.shared, connection, reader, dialled.host, dialled.port)
        else:
            reset(connection.writer)

    async def _accept_dug(self, stream: TunnelStream, destination: Endpoint) -> None:
        """Take a connection out of the tunnel; whose it is, the keys have told."""

        async def serve(connection: Open, reader: asyncio.StreamReader) -> None:
            if self._let_through(connection, destination) is gateway.Reply.SUCCEEDED:
                await serve_address(
                    self.shared, connection, reader, destination.host, destination.port
                )
            else:
                # What is closed before it has spoken stays open for ever at its end.
                await reader.read(MAX_OPENING)

        both: Any = stream
        await self._connections.accept(both, both, serve, source=CLIENT_ADDRESS)

    def _ignore(self, destination: Endpoint) -> None:
        self.shared.recorder.count(f"UDP {destination.port} through the tunnel")

    async def _serve_proxy(self, connection: Open, reader: asyncio.StreamReader) -> None:
        wanted, came = await read_tunnel_request(reader)
        if wanted is not None:
            await self._serve_tunnel(connection, reader, wanted, came)
            return
        await serve_proxy(self.shared, connection, reader, came)

    async def _serve_tunnel(
        self, connection: Open, reader: asyncio.StreamReader, wanted: TunnelRequest, came: bytes
    ) -> None:
        """Answer a plain request for a tunnel as ``Adversary.http_connect`` has the others
        answered: inside mitmproxy's HTTP each byte costs twice as much."""
        writer = connection.writer
        reply = self._let_through(connection, Endpoint(wanted.host, wanted.port))
        if reply is gateway.Reply.SUCCEEDED:
            writer.write(ESTABLISHED)
            await serve_address(self.shared, connection, reader, wanted.host, wanted.port, came)
            return
        answer = REFUSED if reply is gateway.Reply.REFUSED else OUT_OF_SCOPE
        writer.write(refusal(answer.status, HTTPStatus(answer.status).phrase, answer.body))
        await writer.drain()

    async def _serve_gateway(self, connection: Open, reader: asyncio.StreamReader) -> None:
        track, writer = connection.passage.track, connection.writer
        try:
            destination = await gateway.read_destination(reader, writer)
        except gateway.BadClient as error:
            track.note = f"no SOCKS5 client: {error}"
            return
        reply = self._let_through(connection, Endpoint(destination.host, destination.port))
        gateway.answer(writer, reply)
        if reply is gateway.Reply.SUCCEEDED:
            await _take_time(connection)
            await serve_address(self.shared, connection, reader, destination.host, destination.port)
        else:
            await writer.drain()

    def _let_through(self, connection: Open, destination: Endpoint) -> gateway.Reply:
        """Note where a client dials, and say whether the network lets it through."""
        track = connection.passage.track
        track.host = self.shared.names.name_of(destination.host)
        track.port = destination.port
        plan = connection.passage.plan
        if plan is None and track.host is not None:
            track.note = "out of scope"
            self.shared.recorder.out_of_scope(track.host)
            return gateway.Reply.NOT_ALLOWED
        if plan and serving_on(plan, track.port) == Interfere(Interference.REFUSE):
            track.note = "refused by the network"
            return gateway.Reply.REFUSED
        return gateway.Reply.SUCCEEDED

    def _serve_direct(self, port: int) -> Serve:
        """Return what serves clients whose own device rewrote the address that they dialled: the
        name that they ask for is all that is left of it."""

        async def serve(connection: Open, reader: asyncio.StreamReader) -> None:
            connection.passage.track.port = port
            await serve_address(self.shared, connection, reader, ATTACKER_ADDRESS, port)

        return serve

    async def _serve_home(self, connection: Open, reader: asyncio.StreamReader) -> None:
        connection.passage.arming = self._honest()
        await self._serve_gateway(connection, reader)

    def _honest(self) -> Arming:
        """Return what the honest network does: it opens nothing, whatever is armed."""
        relayed = HostPlan(Relay())
        return Arming("home", tuple((host, relayed) for host in self.shared.names.hosts))


async def _take_time(connection: Open) -> None:
    """Let a connection wait, where that is the attack."""
    plan = connection.passage.plan
    if plan is not None and plan.delay:
        await asyncio.sleep(plan.delay)
