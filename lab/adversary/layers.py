"""What can become of a connection, as layers of mitmproxy: events in, commands out, no I/O."""

from __future__ import annotations

import contextlib

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.tls import ClientTLSLayer
from OpenSSL import SSL

from lab.adversary.track import Track
from lab.adversary.witness import WitnessedConnection

LINGER = 0.5
"""Seconds that the other direction of a relayed connection stays open when one has ended."""

FRAME_HEADER = 9
DATA, HEADERS, END_STREAM = 0, 1, 1
"""Of HTTP/2 frames (RFC 9113 section 6)."""

Commands = layer.CommandGenerator[None]


class Closed(layer.Layer):
    """Ends the connection without a word."""

    def _handle_event(self, event: events.Event) -> Commands:
        yield commands.CloseConnection(self.context.client)


class BlackHole(layer.Layer):
    """Takes everything and answers nothing."""

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.ConnectionClosed):
            yield commands.CloseConnection(self.context.client)


class Relayed(layer.Layer):
    """Passes everything on to the genuine endpoint and back, unopened, and counts it."""

    def __init__(self, context: Context, track: Track) -> None:
        super().__init__(context)
        self._track = track
        self._broken = False

    def _handle_event(self, event: events.Event) -> Commands:
        client, server = self.context.client, self.context.server
        if self._broken:
            return
        if isinstance(event, events.Start):
            error = yield commands.OpenConnection(server)
            if error:
                self._broken = True
                self._track.note = "the genuine endpoint was not reached"
                yield commands.CloseConnection(client)
        elif isinstance(event, events.DataReceived):
            if event.connection == client:
                self._track.relayed(up=len(event.data))
                yield commands.SendData(server, event.data)
            else:
                self._track.relayed(down=len(event.data))
                yield commands.SendData(client, event.data)
        elif isinstance(event, events.ConnectionClosed):
            other = server if event.connection == client else client
            yield commands.CloseTcpConnection(other, half_close=True)
            # An endpoint that hangs would keep a connection that its client has long left.
            yield commands.RequestWakeup(LINGER)
        elif isinstance(event, events.Wakeup):
            yield commands.CloseConnection(server)
            yield commands.CloseConnection(client)


def ended_streams(frames: bytes) -> int:
    """Return how many streams are ended by ``frames``, which are whole ones of HTTP/2."""
    at = ended = 0
    while at + FRAME_HEADER <= len(frames):
        length, kind, flags = int.from_bytes(frames[at : at + 3], "big"), *frames[at + 3 : at + 5]
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            ended += 1
        at += FRAME_HEADER + length
    return ended


class Terminated(ClientTLSLayer):
    """Takes TLS off with ``connection``. The ClientHello has been read and judged before."""

    def __init__(self, context: Context, connection: WitnessedConnection) -> None:
        super().__init__(context)
        self._connection = connection

    def start_handshake(self) -> Commands:
        self.client_hello_parsed = True
        self.tls = self._connection
        yield from ()

    def send_data(self, data: bytes) -> Commands:
        yield from super().send_data(data)
        track = self._connection.track
        if track.alpn == "h2" and (ended := ended_streams(data)):
            track.answered += ended
            track.changed()

    def on_handshake_error(self, err: str) -> Commands:
        # An alert of our own is ready by now, but mitmproxy would never send it.
        yield from self.tls_interact()
        yield from super().on_handshake_error(err)

    def receive_data(self, data: bytes) -> Commands:
        yield from super().receive_data(data)
        # To mitmproxy an alert is worth a line in its log; the connection would stay open.
        if self._connection.track.alert is not None:
            yield commands.CloseConnection(self.context.client)

    def send_close(self, command: commands.CloseConnection) -> Commands:
        # A connection that ends without a close_notify looks cut off (RFC 8446 section 6.1).
        with contextlib.suppress(SSL.Error):
            self.tls.shutdown()
        yield from self.tls_interact()
        yield from super().send_close(command)
