"""The adversary as a real network: connections that the kernel takes off a device's way."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from lab.adversary.addon import TLS_PORT, serving_on
from lab.adversary.around import Around, way_around
from lab.adversary.names import ATTACKER_ADDRESS, Names
from lab.adversary.recorder import Recorder
from lab.model.device import Endpoint
from lab.model.serving import Arming, Gateway, Interfere, Interference
from lab.network.kernel import arp
from lab.network.kernel.access_point import ROUTER
from lab.network.kernel.gateways import HONEST
from lab.network.kernel.pcapng import Frame, capture
from lab.network.kernel.rules import Closed
from lab.network.kernel.tap import Opened, Tap, opened, receiver, sender
from lab.network.kernel.wifi import Place

_ORIGINAL_DESTINATION = 80
"""SO_ORIGINAL_DST (linux/netfilter_ipv4.h), and IP6T_SO_ORIGINAL_DST."""

KEPT_FRAMES = 4096
"""The last frames that are kept of each device: a scenario has some hundred."""

_REFUSE = Interfere(Interference.REFUSE)

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Endpoint], Awaitable[None]]
"""Takes a connection and where its client dialled."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Whose doors they are, and who keeps the records."""

    device: str
    names: Names
    recorder: Recorder
    armed: Callable[[], tuple[int, Arming]]


@dataclass(slots=True)
class KernelDoors:
    """What passes the doors of the device that lives at ``place``, and what is shut there.

    Owned by the loop, but for ``close_for``.
    """

    place: Place
    keeper: Keeper
    _tap: Tap | None = None
    _crossed: Counter[int] = field(default_factory=Counter)
    _past: Counter[int] = field(default_factory=Counter)
    _around: Counter[tuple[int, Around]] = field(default_factory=Counter)
    _frames: deque[tuple[int, Frame]] = field(default_factory=lambda: deque(maxlen=KEPT_FRAMES))

    def watch(self) -> None:
        """Look at all that crosses the rogue network. Raises OSError."""
        self._tap = self.place.rogue.tap(asyncio.get_running_loop(), self._see)

    def crossed(self, arming: int) -> int:
        """Return how many packets of the device arrived while ``arming`` was in force."""
        return self._crossed[arming]

    def past(self, arming: int) -> int:
        """Return how many went to the honest gateway instead."""
        return self._past[arming]

    def around(self, arming: int) -> dict[Around, int]:
        """Return how often the device tried ways around while ``arming`` was in force."""
        tried = {way: self._around[arming, way] for way in Around}
        return {way: times for way, times in tried.items() if times}

    def close_for(self, arming: Arming) -> None:
        """Let the rogue network refuse what ``arming`` refuses, and the device take its gateway
        for its own. Raises OSError."""
        self.place.rogue.close(closed_by(arming, self.keeper.names))
        self.place.gateways.lead(self.place.rogue, arming.gateway)

    def stop(self) -> None:
        """Look no more."""
        if self._tap is not None:
            self._tap.close()

    async def capture(self, since: int) -> bytes:
        """Return what was seen under arming ``since`` and later ones, with the secrets that
        decrypt what the adversary spoke itself."""
        # A frame is at the tap before what is in it is at the listener.
        if self._tap is not None:
            self._tap.drain()
        frames = [frame for number, frame in self._frames if number >= since]
        secrets = self.keeper.recorder.secrets(self.keeper.device, since)
        return capture(self.place.rogue.port, frames, secrets)

    def _see(self, frame: bytes) -> None:
        number, arming = self.keeper.armed()
        self._frames.append((number, Frame(time.time_ns(), frame)))
        if arming.gateway is Gateway.POISONED:
            self._keep_poisoned(frame)
        if sender(frame) == self.place.rogue.hardware_address:
            if receiver(frame) == HONEST:
                self._past[number] += 1
                return
            self._crossed[number] += receiver(frame) == ROUTER
            if (around := way_around(frame)) is not None:
                self._around[number, around] += 1
            if (found := opened(frame)) is not None:
                self._note_refused(found, number, arming)

    def _keep_poisoned(self, frame: bytes) -> None:
        """Say it again where the device asks, or the honest gateway says otherwise."""
        told = arp.said(frame)
        if told is not None and told.hardware_address != ROUTER:
            # The device may be gone, and its network with it.
            with contextlib.suppress(OSError):
                self.place.gateways.poison(self.place.rogue)

    def _note_refused(self, opened: Opened, number: int, arming: Arming) -> None:
        """Keep a record of a connection that the network refuses: nobody else sees it."""
        host = self.keeper.names.name_of(opened.destination.host)
        plan = None if host is None else arming.plan_for(host)
        if plan is None or serving_on(plan, opened.destination.port) != _REFUSE:
            return
        peer = (opened.source.host, opened.source.port)
        track = self.keeper.recorder.open(self.keeper.device, number, peer, None)
        track.host, track.port = host, opened.destination.port
        track.note = "refused by the network"
        self.keeper.recorder.close(track, in_scope=True)


async def take(listener: socket.socket, serve: Accept, names: Names) -> asyncio.Server:
    """Serve the redirected connections of a listener. Where an address tells nothing, ``serve``
    gets the attacker's own in its place, so that the client's words do. Raises OSError."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            dialled = original_destination(writer.get_extra_info("socket"))
        except OSError:
            # It came and went before anybody could ask.
            writer.transport.abort()
            return
        known = names.name_of(dialled.host) in names.hosts
        await serve(reader, writer, dialled if known else Endpoint(ATTACKER_ADDRESS, dialled.port))

    return await asyncio.start_server(accept, sock=listener)


def closed_by(arming: Arming, names: Names) -> Closed:
    """Return the addresses at which a network under ``arming`` refuses connections."""
    tls, clear = set(), set()
    for host, plan in arming.hosts:
        address = names.address_of(host)
        if address is not None and serving_on(plan, TLS_PORT) == _REFUSE:
            tls.add(address)
        if address is not None and plan.cleartext == _REFUSE:
            clear.add(address)
    return Closed(frozenset(tls), frozenset(clear))


def original_destination(sock: socket.socket) -> Endpoint:
    """Return where the client of a redirected connection dialled. Raises OSError."""
    if sock.family == socket.AF_INET6:
        told = sock.getsockopt(socket.IPPROTO_IPV6, _ORIGINAL_DESTINATION, 28)
        port, address = struct.unpack_from("!2xH4x16s", told)
    else:
        told = sock.getsockopt(socket.SOL_IP, _ORIGINAL_DESTINATION, 16)
        port, address = struct.unpack_from("!2xH4s", told)
    return Endpoint(str(ipaddress.ip_address(address)), port)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection by a reset."""
    with contextlib.suppress(OSError):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
