"""What can become of a connection, as layers of mitmproxy: events in, commands out, no I/O."""

from __future__ import annotations

import contextlib
import time
from collections import deque

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer, tunnel
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.tls import ClientTLSLayer
from OpenSSL import SSL

from lab.adversary.handmade import Handmade
from lab.adversary.track import Track
from lab.adversary.witness import WitnessedConnection

LINGER = 0.5
"""Seconds that the other direction of a relayed connection stays open when one has ended."""

PAUSE = 0.002
"""Seconds between two pieces of a flight that is sent in pieces."""

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
            if other == server:
                self._track.left()
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


class TerminatedByHand(tunnel.TunnelLayer):
    """Takes TLS off with a handmade server. The ClientHello has been read and judged before."""

    def __init__(self, context: Context, made: Handmade, track: Track) -> None:
        super().__init__(context, context.client, context.client)
        self.conn.tls = True
        self._made = made
        self._track = track
        self._pieces: deque[bytes] = deque()
        self._pause: commands.RequestWakeup | None = None

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, events.Wakeup) and event.command is self._pause:
            self._pause = None
            yield from self._go_on()
        else:
            yield from super()._handle_event(event)

    def start_handshake(self) -> Commands:
        yield from ()

    def receive_handshake_data(
        self, data: bytes
    ) -> layer.CommandGenerator[tuple[bool, str | None]]:
        yield from self._send(self._made.feed(data))
        if self._track.course.established:
            self.conn.alpn = (self._track.alpn or "").encode()
            self.conn.timestamp_tls_setup = time.time()
            yield from self._deliver()
            return True, None
        return False, "the handshake is over" if self._made.over else None

    def receive_data(self, data: bytes) -> Commands:
        yield from self._send(self._made.feed(data))
        yield from self._deliver()

    def receive_close(self) -> Commands:
        self._made.end()
        yield from super().receive_close()

    def send_data(self, data: bytes) -> Commands:
        yield from self._send(self._made.say(data))
        if self._track.alpn == "h2" and (ended := ended_streams(data)):
            self._track.answered += ended
            self._track.changed()

    def send_close(self, command: commands.CloseConnection) -> Commands:
        yield from self._send(self._made.farewell())
        if rest := b"".join(self._pieces):
            self._pieces.clear()
            yield commands.SendData(self.conn, rest)
        yield from super().send_close(command)

    def _send(self, content: bytes) -> Commands:
        size = self._made.piece
        if not size and content:
            yield commands.SendData(self.conn, content)
        elif size:
            starts = range(0, len(content), size)
            self._pieces.extend(content[start : start + size] for start in starts)
            yield from self._go_on()

    def _go_on(self) -> Commands:
        """Send the next piece, and come back for the one behind it."""
        if self._pieces and self._pause is None:
            yield commands.SendData(self.conn, self._pieces.popleft())
            self._pause = commands.RequestWakeup(PAUSE)
            yield self._pause

    def _deliver(self) -> Commands:
        """Pass on what has been decrypted, and the end where it has come."""
        if plain := self._made.take():
            yield from self.event_to_child(events.DataReceived(self.conn, plain))
        if self._made.over:
            self.conn.state &= ~ConnectionState.CAN_READ
            yield from self.event_to_child(events.ConnectionClosed(self.conn))
            yield commands.CloseConnection(self.conn)
