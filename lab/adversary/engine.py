"""One engine for all attacks of a run: mitmproxy in-process, a set of listeners per device.

Arming another attack swaps one immutable value; connections that are under way keep the arming
under which they were opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mitmproxy import options
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master
from mitmproxy.proxy import layers, mode_specs
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler

from lab.adversary.addon import Adversary, Passage
from lab.adversary.recorder import Recorder, Track
from lab.loop import LabLoop
from lab.model.device import Endpoint, Network, Surroundings
from lab.model.serving import (
    Arming,
    DnsLie,
    HostPlan,
    Interfere,
    Interference,
    Relay,
)
from lab.model.wire import ConnectionRecord, Lookup
from lab.network import gateway
from lab.network.dns import Resolver

ATTACKER_ADDRESS = "203.0.113.66"
"""Where a lying resolver sends the device (TEST-NET-3, RFC 5737)."""

HONEST_PREFIX = "198.51.100."
"""Every declared host has an address of its own here (TEST-NET-2, RFC 5737)."""

HOME_SSID = "Home"
ROGUE_SSID = "Free Airport Wi-Fi"

MAX_CONNECTIONS = 1024
"""Connections of one device that are open at once; more are turned away and counted."""


NOTHING = Arming("nothing", ())


@dataclass(slots=True)
class _Attached:
    """One device's listeners and what is armed for it."""

    id: str
    source: str | None
    armed: tuple[int, Arming] = (0, NOTHING)
    """Number and arming in one value: arming is another thread's single assignment."""
    servers: list[asyncio.Server] = field(default_factory=list)
    resolvers: list[Resolver] = field(default_factory=list)
    open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)


class CountedWriter:
    """Passes everything on to a stream writer and counts what the client is sent."""

    def __init__(self, writer: asyncio.StreamWriter, track: Track) -> None:
        self._writer = writer
        self._track = track

    def write(self, data: bytes) -> None:
        if self._track.course.relayed:
            self._track.relayed_down += len(data)
        self._writer.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)


class CountedReader:
    """Passes everything on to a stream reader and counts what the client sent."""

    def __init__(self, reader: asyncio.StreamReader, track: Track) -> None:
        self._reader = reader
        self._track = track

    async def read(self, n: int = -1) -> bytes:
        data = await self._reader.read(n)
        self._track.relayed_up += len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


class Engine:
    """The adversaries of a run. Use as a context manager; methods may be called from any thread
    but the loop's own."""

    def __init__(
        self,
        loop: LabLoop,
        upstream: Callable[[str], Endpoint | None],
        hosts: Sequence[str],
    ) -> None:
        self._loop = loop
        self._upstream = upstream
        self._addresses = {host: f"{HONEST_PREFIX}{n}" for n, host in enumerate(hosts, 1)}
        self._names = {address: host for host, address in self._addresses.items()}
        self._recorder = Recorder()
        self._passages: dict[tuple[str, int], Passage] = {}
        self._devices: dict[str, _Attached] = {}
        self._numbers = itertools.count(1)
        self._master: Master | None = None
        self._proxy_mode = mode_specs.ProxyMode.parse("regular")
        self._transparent_mode = mode_specs.ProxyMode.parse("transparent")

    # -- life -----------------------------------------------------------------------------

    def __enter__(self) -> Engine:
        _quieten()
        self._loop.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        for device_id in tuple(self._devices):
            self.detach(device_id)
        self._loop.run(self._stop())

    async def _start(self) -> None:
        master = Master(options.Options(), event_loop=asyncio.get_running_loop())
        adversary = Adversary(self._recorder, self._passages, self._upstream, self._name_of)
        master.addons.add(Proxyserver(), adversary, NextLayer())
        # The addon answers for the genuine server, so none is contacted before it is needed;
        # listening is done here, a set of listeners per device, not by mitmproxy.
        master.options.update(connection_strategy="lazy", server=False, http3=False)
        self._master = master

    async def _stop(self) -> None:
        assert self._master is not None
        await self._master.done()

    def attach(self, device_id: str, *, source: str | None = None) -> Surroundings:
        """Give a device listeners of its own. ``source`` is the address that its connections
        come from, where it has its own; connections from elsewhere are kept as foreign.

        Raises OSError where no port is to be had.
        """
        attached = _Attached(device_id, source)
        self._devices[device_id] = attached
        self.arm(device_id, NOTHING)
        return self._loop.run(self._listen(attached))

    async def _listen(self, device: _Attached) -> Surroundings:
        async def listen(serve: Callable[..., Any]) -> Endpoint:
            async def accept(r: asyncio.StreamReader, w: asyncio.StreamWriter) -> None:
                await self._accept(device, r, w, serve)

            server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=512)
            device.servers.append(server)
            return Endpoint(*server.sockets[0].getsockname()[:2])

        async def resolve(answer: Callable[[str, str], tuple[str, ...] | None]) -> Endpoint:
            resolver = Resolver(answer)
            device.resolvers.append(resolver)
            return await resolver.start()

        return Surroundings(
            proxy=await listen(self._serve_proxy),
            rogue=Network(
                ROGUE_SSID,
                await resolve(lambda name, kind: self._lie(device, name, kind)),
                await listen(self._serve_gateway),
            ),
            home=Network(
                HOME_SSID,
                await resolve(lambda name, kind: self._tell(device, name, kind)),
                await listen(self._serve_home),
            ),
        )

    def detach(self, device_id: str) -> None:
        """Close the device's listeners and every connection that came through them."""
        device = self._devices.pop(device_id, None)
        if device is not None:
            self._loop.run(self._close(device))

    async def _close(self, device: _Attached) -> None:
        for server in device.servers:
            server.close()
        for resolver in device.resolvers:
            resolver.stop()
        for writer in device.open.values():
            writer.transport.abort()
        if device.open:
            _, late = await asyncio.wait(tuple(device.open), timeout=2)
            for task in late:
                task.cancel()

    # -- attacks --------------------------------------------------------------------------

    def arm(self, device_id: str, arming: Arming) -> int:
        """Put ``arming`` in force for the device's next connections; return its number."""
        device = self._devices[device_id]
        number = next(self._numbers)
        self._recorder.begin(device_id, number)
        device.armed = (number, arming)
        return number

    def armed(self, device_id: str) -> int:
        """Return the number of the arming that is in force."""
        return self._devices[device_id].armed[0]

    def settle(self, device_id: str, arming: int, cap: float = 2.0) -> tuple[ConnectionRecord, ...]:
        """Return the connections opened under ``arming``, once all have ended or ``cap``
        seconds have passed; one that is still open has no ``closed_at``."""
        return self._recorder.settle(device_id, arming, cap)

    def wait_for(
        self,
        device_id: str,
        arming: int,
        wanted: Callable[[ConnectionRecord], bool],
        cap: float,
    ) -> bool:
        """Wait until a connection under ``arming`` is as ``wanted``, at most ``cap`` seconds."""
        return self._recorder.wait_for(device_id, arming, wanted, cap)

    def lookups(self, device_id: str, arming: int) -> tuple[Lookup, ...]:
        """Return what the rogue network's resolver was asked under ``arming``."""
        return self._recorder.lookups(device_id, arming)

    def counters(self) -> dict[str, int]:
        """Return how many connections of each kind there were, out of scope ones by name."""
        return dict(self._recorder.counters)

    # -- connections ----------------------------------------------------------------------

    async def _accept(
        self,
        device: _Attached,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        serve: Callable[..., Any],
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        peer = writer.get_extra_info("peername")
        if peer is None or len(device.open) >= MAX_CONNECTIONS:
            self._recorder.counters["turned away"] += 1
            writer.close()
            return
        number, arming = device.armed
        track = self._recorder.open(device.id, number, peer[:2], device.source)
        passage = Passage(track, arming)
        self._passages[peer[0], peer[1]] = passage
        device.open[task] = writer
        try:
            with contextlib.suppress(OSError, gateway.BadClient):
                await serve(passage, reader, writer)
        finally:
            del device.open[task]
            del self._passages[peer[0], peer[1]]
            writer.close()
            self._recorder.close(track)

    async def _serve_proxy(
        self, passage: Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        handler = self._handler(passage, reader, writer, self._proxy_mode)
        handler.layer = layers.modes.HttpProxy(handler.layer.context)
        await handler.handle_client()

    async def _serve_gateway(
        self, passage: Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        destination = await gateway.read_destination(reader, writer)
        track = passage.track
        track.host = self._name_of(destination.host)
        track.port = destination.port
        plan = passage.plan
        if plan is not None:
            serving = plan.serving if destination.port == 443 else plan.cleartext
            if serving == Interfere(Interference.REFUSE):
                track.note = "refused by the network"
                gateway.answer(writer, gateway.Reply.REFUSED)
                await writer.drain()
                return
        gateway.answer(writer, gateway.Reply.SUCCEEDED)
        handler = self._handler(passage, reader, writer, self._transparent_mode)
        handler.layer.context.server.address = (destination.host, destination.port)
        handler.layer = layers.modes.TransparentProxy(handler.layer.context)
        await handler.handle_client()

    async def _serve_home(
        self, passage: Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """The honest network opens nothing, whatever is armed."""
        passage.arming = Arming(
            "home", tuple((host, HostPlan(Relay())) for host in self._addresses)
        )
        await self._serve_gateway(passage, reader, writer)

    def _handler(
        self,
        passage: Passage,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        mode: mode_specs.ProxyMode,
    ) -> ProxyConnectionHandler:
        assert self._master is not None
        counted_reader: Any = CountedReader(reader, passage.track)
        counted_writer: Any = CountedWriter(writer, passage.track)
        return ProxyConnectionHandler(
            self._master, counted_reader, counted_writer, self._master.options, mode
        )

    # -- names ----------------------------------------------------------------------------

    def _name_of(self, host: str) -> str | None:
        """Return the name that a destination stands for; None for the attacker's own address."""
        if host == ATTACKER_ADDRESS:
            return None
        return self._names.get(host, host.lower())

    def _tell(self, device: _Attached, name: str, kind: str) -> tuple[str, ...]:
        address = self._addresses.get(name)
        return () if address is None else (address,)

    def _lie(self, device: _Attached, name: str, kind: str) -> tuple[str, ...] | None:
        number, arming = device.armed
        plan = arming.plan_for(name)
        answer: tuple[str, ...] | None
        match plan.dns if plan is not None else DnsLie.HONEST:
            case DnsLie.HONEST:
                answer = self._tell(device, name, kind)
            case DnsLie.ATTACKER_ADDRESS:
                answer = (ATTACKER_ADDRESS,)
            case DnsLie.NXDOMAIN:
                answer = ()
            case DnsLie.SILENCE:
                answer = None
        told = "TIMEOUT" if answer is None else ", ".join(answer) or "NXDOMAIN"
        self._recorder.lookup(Lookup(device.id, number, name, kind, told, time.time()))
        return answer


def _quieten() -> None:
    """mitmproxy's own log goes to the lab's log, never to the user's terminal."""
    theirs = logging.getLogger("mitmproxy")
    theirs.parent = logging.getLogger("lab.adversary.mitmproxy")
    ours = logging.getLogger("lab.adversary")
    if not ours.handlers:
        ours.addHandler(logging.NullHandler())
        ours.propagate = False
