"""A connection in mitmproxy's hands, from where it is known for what it is to its end."""

from __future__ import annotations

import asyncio
from typing import Any

from mitmproxy.proxy import layers
from mitmproxy.proxy.mode_specs import ProxyMode

from lab.adversary.connections import Open, Shared
from lab.adversary.mitm import Handler
from lab.adversary.watch import WatchedReader

_PROXY_MODE = ProxyMode.parse("regular")
_GATEWAY_MODE = ProxyMode.parse("transparent")


async def serve_proxy(
    shared: Shared, connection: Open, reader: asyncio.StreamReader, came: bytes
) -> None:
    """Serve a client of the HTTP proxy. ``came`` is what it has said already."""
    handler = _handler(shared, connection, reader, _PROXY_MODE, came)
    handler.begin_with(layers.modes.HttpProxy(handler.layer.context))
    await _handle(shared, connection, handler)


async def serve_address(
    shared: Shared,
    connection: Open,
    reader: asyncio.StreamReader,
    host: str,
    port: int,
    came: bytes = b"",
) -> None:
    """Serve a client that believes itself connected to this address. ``came`` is what it has said
    already."""
    handler = _handler(shared, connection, reader, _GATEWAY_MODE, came)
    handler.layer.context.server.address = (host, port)
    handler.begin_with(layers.modes.TransparentProxy(handler.layer.context))
    await _handle(shared, connection, handler)


def _handler(
    shared: Shared, connection: Open, reader: asyncio.StreamReader, mode: ProxyMode, came: bytes
) -> Handler:
    watched: Any = WatchedReader(reader, connection.passage.track, came)
    connection.reader = watched
    return Handler(shared.adversary, watched, connection.writer, shared.options, mode)


async def _handle(shared: Shared, connection: Open, handler: Handler) -> None:
    connection.handler = handler
    shared.passages[handler.client.id] = connection.passage
    try:
        await handler.handle_client()
    finally:
        del shared.passages[handler.client.id]
