"""An open TCP connection with its limits: time, bytes, and a caller who may lose patience."""

from __future__ import annotations

import socket
import time
import weakref
from contextlib import suppress
from typing import Protocol

from lab.phone.services import (
    Cancellation,
    ConnectionLost,
    HttpProtocolError,
    SocketTimeout,
)

CALL_FACTOR = 5
"""How many times the limit of one step a whole call may take, redirects included."""
MAX_RECEIVED = 4 * 1024 * 1024
"""Bytes that one connection may send, of whatever kind."""

_PART = 64 * 1024


class Tap(Protocol):
    """Is told what passes through a connection, as it is on the wire. Raises nothing."""

    def sent(self, content: bytes) -> None:
        """Take what was sent."""

    def received(self, content: bytes) -> None:
        """Take what was received."""

    def closed(self) -> None:
        """Note that the connection was closed. May be repeated."""


_taps: weakref.WeakKeyDictionary[socket.socket, Tap] = weakref.WeakKeyDictionary()


def tap(sock: socket.socket, listener: Tap) -> None:
    """Let ``listener`` be told what passes through the Link that ``sock`` will be in."""
    _taps[sock] = listener


class Patience:
    """How long one call may take.

    ``timeout``, in seconds, is the limit of each step: a connection, a handshake, a read.
    """

    def __init__(self, timeout: float, cancellation: Cancellation | None = None) -> None:
        self.cancellation = cancellation or Cancellation()
        self._timeout = timeout
        self._end = time.monotonic() + timeout * CALL_FACTOR
        self.cancellation.check()

    def step(self) -> float:
        """Return when the step that begins now must be done, in ``time.monotonic`` seconds."""
        return min(time.monotonic() + self._timeout, self._end)

    def left(self, deadline: float) -> float:
        """Return the seconds until ``deadline``. Raises SocketTimeout past it, Cancelled."""
        self.cancellation.check()
        left = deadline - time.monotonic()
        if left <= 0:
            raise SocketTimeout("timeout")
        return left


class Link:
    """Sends and receives within the limits; raises nothing but PlatformError. Owns ``sock``."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._tap = _taps.get(sock)
        self.adopt(patience)

    def adopt(self, patience: Patience) -> None:
        """Serve another call, within its limits. Raises Cancelled, and is closed then."""
        self.patience = patience
        self._received = 0
        try:
            patience.cancellation.watch(self._sock)
        except BaseException:
            self._sock.close()
            raise

    def arrived(self) -> bytes | None:
        """Return what has come already, nothing at the end of the connection; None where there
        is nothing yet."""
        try:
            self._sock.settimeout(0)
            return self._told(self._sock.recv(_PART))
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def receive(self, deadline: float) -> bytes:
        """Return what comes next, nothing at the end of the connection."""
        try:
            self._sock.settimeout(self.patience.left(deadline))
            part = self._told(self._sock.recv(_PART))
        except OSError as error:
            raise self._failure(error) from error
        if not part:
            # A cancelled connection ends like this, too.
            self.patience.cancellation.check()
        self._received += len(part)
        if self._received > MAX_RECEIVED:
            raise HttpProtocolError(f"The server sent more than {MAX_RECEIVED} bytes")
        return part

    def send(self, content: bytes, deadline: float) -> None:
        """Send all of ``content``."""
        if not content:
            return
        try:
            self._sock.settimeout(self.patience.left(deadline))
            self._sock.sendall(content)
        except OSError as error:
            raise self._failure(error) from error
        if self._tap is not None:
            self._tap.sent(content)

    def close(self, farewell: bytes = b"") -> None:
        """Close, after sending ``farewell`` as far as that does not block. May be repeated."""
        if self._sock.fileno() < 0:
            return
        with suppress(OSError):
            self._sock.settimeout(0)
            self._sock.send(farewell)
            # With bytes left unread the system would reset the connection, and the reset could
            # overtake the farewell.
            self._sock.recv(_PART)
        self._sock.close()
        if self._tap is not None:
            if farewell:
                self._tap.sent(farewell)
            self._tap.closed()

    def _told(self, part: bytes) -> bytes:
        if self._tap is not None:
            self._tap.received(part)
        return part

    def _failure(self, error: OSError) -> ConnectionLost | SocketTimeout:
        self.patience.cancellation.check()
        if isinstance(error, TimeoutError):
            return SocketTimeout("timeout")
        return ConnectionLost("Connection reset")
