"""The open connections of one device: taken on, counted, made room for, ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from lab.adversary.addon import Adversary
from lab.adversary.mitm import Handler, Options
from lab.adversary.names import Names
from lab.adversary.recorder import Recorder
from lab.adversary.track import Passage
from lab.adversary.watch import WatchedReader
from lab.model.serving import Arming
from lab.model.wire import WireClass

MAX_CONNECTIONS = 256
"""Connections of one device that are open at once. For a further one the oldest foreign one has
to go, or else the oldest that has said nothing, or the oldest of an earlier arming; where there
is none, the new one is turned away."""

OPENING_CAP = 10.0
"""Seconds that a client may take to say anything about where it wants to go."""

ABORT_CAP = 1.0
"""Seconds that connections have to end once they were aborted."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the listeners of all devices have in common."""

    adversary: Adversary
    options: Options
    recorder: Recorder
    passages: dict[str, Passage]
    """By the id of mitmproxy's client connection, as the addon looks them up."""
    names: Names


@dataclass(slots=True)
class Open:
    """A connection that is open."""

    passage: Passage
    writer: asyncio.StreamWriter
    reader: WatchedReader | None = None
    handler: Handler | None = None

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


Serve = Callable[[Open, asyncio.StreamReader], Awaitable[None]]


@dataclass(slots=True)
class Connections:
    """Owned by the loop. ``armed`` tells the arming that is in force, and its number."""

    device: str
    source: str | None
    """The address that they come from, where it has its own."""
    shared: Shared
    armed: Callable[[], tuple[int, Arming]]
    _open: dict[asyncio.Task[Any], Open] = field(default_factory=dict)
    closed: bool = False
    """Whether no more are taken on."""

    async def accept(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        serve: Serve,
        source: str | None = None,
    ) -> None:
        """Take on a connection and let ``serve`` serve it. ``source`` is where it must come from,
        if that is another address than others' are."""
        task = asyncio.current_task()
        assert task is not None
        peer = writer.get_extra_info("peername")
        if peer is None or self.closed or not self._has_room():
            self.shared.recorder.count("turned away")
            writer.transport.abort()
            return
        number, arming = self.armed()
        track = self.shared.recorder.open(self.device, number, peer[:2], source or self.source)
        connection = self._open[task] = Open(Passage(track, arming), writer)
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

    async def part(self) -> None:
        """Close the connections on which nothing is under way: a client must not carry one of
        them past the next arming. It will open another for its next request."""
        for connection in tuple(self._open.values()):
            if connection.passage.track.idle:
                connection.writer.close()

    async def close(self) -> None:
        """Take on no more, and end every one, within twice ABORT_CAP."""
        self.closed = True
        for connection in self._open.values():
            connection.abort("the lab was shut down")
            connection.give_up()
        await self._ended()
        for task in self._open:
            task.cancel()
        await self._ended()

    def _has_room(self) -> bool:
        """Tell whether there is room for a connection, which one that counts for little makes."""
        if len(self._open) < MAX_CONNECTIONS:
            return True
        living = [c for c in self._open.values() if not c.writer.transport.is_closing()]
        number, _ = self.armed()
        foreign = (c for c in living if c.passage.track.foreign)
        silent = (c for c in living if c.passage.track.course.wire_class is WireClass.TCP_ONLY)
        earlier = (c for c in living if c.passage.track.arming != number)
        for connection in itertools.chain(foreign, silent, earlier):
            connection.abort("had to make room")
            self.shared.recorder.count("made room")
            return True
        return False

    async def _ended(self) -> None:
        if self._open:
            await asyncio.wait(tuple(self._open), timeout=ABORT_CAP)


def _end_silence(connection: Open) -> None:
    if not connection.passage.track.told:
        connection.abort(f"said nothing for {OPENING_CAP:g} seconds")
