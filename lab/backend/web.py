"""What the three services share: one request and its answer, and a record of who asked."""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPScope,
    Scope,
)

MAX_HITS = 4096
"""Requests that a service remembers; older ones are forgotten."""
MAX_TEXT = 1024
"""Characters of a path, host or header name that are remembered."""
MAX_NAMES = 64
"""Header names of one request that are remembered."""
DRAIN = 4 << 20
"""Bytes of a body that are read and dropped, so that the client gets to read the answer."""
BODY_CAP = 10.0
"""Seconds that a body may take."""

Headers = Iterable[tuple[str, str]]


class ClientGone(Exception):
    """The client closed the connection or the stream: there is nobody to answer."""


class BodyRefused(Exception):
    """The request's body is too large (413) or takes too long (408)."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Hit:
    """One request that arrived. Of its headers the names alone: values may be secrets."""

    host: str
    """Of the Host header or ``:authority``, lower case, without the port."""
    sni: str | None
    method: str
    path: str
    """As sent, percent-encoded, without the query."""
    http_version: str
    header_names: tuple[str, ...]
    at: float
    """Epoch seconds."""


class Exchange:
    """One HTTP request, and the answer to it. Every method may raise ClientGone."""

    def __init__(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.hit = _hit_of(scope)

    @property
    def method(self) -> str:
        return self.hit.method

    @property
    def path(self) -> str:
        return self.hit.path

    def head(self) -> bytes:
        """Return the request's target and its headers as they were sent, a line each. They may
        hold secrets: to be looked at, not to be kept."""
        target = self._scope["raw_path"] + b"?" + self._scope["query_string"]
        lines = (name + b": " + value for name, value in self._scope["headers"])
        return b"\n".join((target, *lines))

    async def body(self, limit: int) -> bytes:
        """Read the body. Raises BodyRefused past ``limit`` bytes or BODY_CAP seconds."""
        kept = bytearray()
        seen = 0
        try:
            async with asyncio.timeout(BODY_CAP):
                while True:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        raise ClientGone
                    seen += len(message["body"])
                    if seen <= limit:
                        kept += message["body"]
                    if not message["more_body"] or seen > max(DRAIN, limit):
                        break
        except TimeoutError:
            raise BodyRefused(408, f"the body took longer than {BODY_CAP:g} seconds") from None
        if seen > limit:
            raise BodyRefused(413, f"the body is larger than {limit} bytes")
        return bytes(kept)

    async def reply(
        self, status: int, content: bytes, media_type: str, headers: Headers = ()
    ) -> None:
        """Answer in full."""
        await self.begin(status, len(content), media_type, headers)
        await self.send(content, more=False)

    async def reply_json(
        self, status: int, content: Mapping[str, object], headers: Headers = ()
    ) -> None:
        """Answer with a JSON object."""
        await self.reply(status, json.dumps(content).encode(), "application/json", headers)

    async def begin(self, status: int, length: int, media_type: str, headers: Headers = ()) -> None:
        """Send the status and the header of an answer of ``length`` bytes."""
        every = (("content-type", media_type), ("content-length", str(length)), *headers)
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in every],
            }
        )

    async def send(self, part: bytes, *, more: bool) -> None:
        """Send a part of the answer's body."""
        await self._send({"type": "http.response.body", "body": part, "more_body": more})

    async def gone(self, cap: float | None = None) -> bool:
        """Wait until the client gives up, at most ``cap`` seconds; tell whether it did."""
        try:
            async with asyncio.timeout(cap):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return False
        return True

    def cut(self) -> None:
        """Break the connection off, with every other request on it."""
        self._scope["state"]["cut"]()


class Site(ABC):
    """An ASGI application that remembers its last requests."""

    def __init__(self) -> None:
        self._hits: deque[Hit] = deque(maxlen=MAX_HITS)

    @abstractmethod
    async def answer(self, exchange: Exchange) -> None:
        """Answer one request. May raise BodyRefused and ClientGone."""

    def hits(self, since: float = 0.0) -> tuple[Hit, ...]:
        """Return the requests at or after ``since`` (epoch seconds), oldest first."""
        return tuple(hit for hit in self._hits.copy() if hit.at >= since)

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003, "reason": None})
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send)
        self._hits.append(exchange.hit)
        try:
            await self.answer(exchange)
        except BodyRefused as error:
            await exchange.reply_json(error.status, {"error": str(error)})
        except ClientGone:
            return


def _hit_of(scope: HTTPScope) -> Hit:
    headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
    authority = next((value for name, value in headers if name == "host"), "")
    host, colon, port = authority.rpartition(":")
    return Hit(
        host=(host if colon and port.isdecimal() else authority).lower()[:MAX_TEXT],
        sni=scope["state"].get("sni"),
        method=scope["method"][:MAX_TEXT],
        path=scope["raw_path"].decode("latin-1")[:MAX_TEXT],
        http_version=scope["http_version"],
        header_names=tuple(name[:MAX_TEXT] for name, _ in headers[:MAX_NAMES]),
        at=time.time(),
    )
