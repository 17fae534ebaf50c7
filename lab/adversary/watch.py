"""What comes from a client, watched: how much, in how many pieces, and how it began."""

from __future__ import annotations

import asyncio
import re

from lab.adversary.classify import Opening, opening
from lab.adversary.track import Track
from lab.model.wire import WireClass

MAX_OPENING = 1 << 16
"""Bytes that a client may take for its ClientHello or the head of its request in clear."""

MAX_HEAD = 1 << 14
"""Bytes at the beginning of a connection that are remembered."""

MAX_PIECES = 2048
"""Pieces that those bytes may come in."""

MAX_TAKEN = 8 << 20
"""Bytes that are taken from a client whose connection is not relayed."""

TURNS = 40
"""Turns of the loop in which what lies ready in the kernel is accepted, read and understood."""

_HEAD_END = re.compile(rb"\n\r?\n")


async def turns() -> None:
    """Let everything happen that can happen now."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


class WatchedReader:
    """Passes everything on from a stream reader, counts it and ends what is out of bounds.

    It also remembers how the connection began, and where the head of a first HTTP request ended.
    ``came`` is what has been read before, and comes first.
    """

    def __init__(self, reader: asyncio.StreamReader, track: Track, came: bytes = b"") -> None:
        self._reader = reader
        self._came = came
        self._track = track
        self._pieces = 0
        self._begin = bytearray()

    async def read(self, n: int = -1) -> bytes:
        if self._excess() is not None:
            # What decides about the connection may be under way.
            await turns()
            if (excess := self._excess()) is not None:
                self._track.note = excess
                return b""
        data, self._came = self._came, b""
        data = data or await self._reader.read(n)
        self._pieces += 1
        self._track.take(len(data))
        if len(self._begin) < MAX_HEAD:
            self._begin += data[:MAX_HEAD]
            if not self._track.head_size and (end := _HEAD_END.search(self._begin)) is not None:
                self._track.head_size = end.end()
        return data

    def finish(self) -> None:
        """Have a last look: who does not wait for his tunnel is not listened to by mitmproxy."""
        track = self._track
        behind = bytes(self._begin[track.preamble :])
        is_new = track.preamble and behind and track.course.wire_class is WireClass.TCP_ONLY
        if is_new and opening(behind) is not Opening.TLS:
            track.cleartext()

    def _excess(self) -> str | None:
        track, course = self._track, self._track.course
        if course.relayed:
            return None
        if track.received > MAX_TAKEN:
            return "sent too much"
        many = track.received > MAX_OPENING or self._pieces > MAX_PIECES
        return "said nothing sensible" if many and not (course.hello or course.clear) else None
