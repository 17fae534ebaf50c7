"""A TCP connection that carries messages: every wait of it has its limit."""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import suppress

from lab.phone.android.adbd.messages import Decoder, Message, encode

_PART = 256 * 1024


class Wire:
    """Receives in one thread, sends from any. Owns ``sock``.

    ``cap`` is how many seconds a message may take from its first byte to its last, and how many
    the peer may take to accept one. Methods raise OSError where the connection is lost,
    TimeoutError included, and EOFError where it has ended.
    """

    def __init__(self, sock: socket.socket, cap: float) -> None:
        self.decoder = Decoder()
        self.with_checksums = True
        self._sock = sock
        self._cap = cap
        self._sending = threading.Lock()
        # It stays in blocking mode, as one mode holds for both directions: each call says for
        # itself that it must not block, and waits in a poll of its own.
        sock.settimeout(None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self, deadline: float | None) -> Message:
        """Return the next message, whose first byte has come until ``deadline``, a
        ``time.monotonic`` time or None. Raises ProtocolBroken, too."""
        if self.decoder.halfway:
            deadline = time.monotonic() + self._cap
        while (message := self.decoder.next()) is None:
            halfway = self.decoder.halfway
            self._wait(select.POLLIN, deadline)
            try:
                part = self._sock.recv(_PART, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            if not part:
                raise EOFError
            self.decoder.feed(part)
            if not halfway:
                deadline = time.monotonic() + self._cap
        return message

    def send(self, message: Message) -> None:
        """Send a message."""
        waiting = memoryview(encode(message, with_checksum=self.with_checksums))
        with self._sending:
            deadline = time.monotonic() + self._cap
            while waiting:
                try:
                    sent = self._sock.send(waiting, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
                except BlockingIOError:
                    self._wait(select.POLLOUT, deadline)
                else:
                    waiting = waiting[sent:]

    def end(self) -> None:
        """End the connection, from any thread; whoever waits on it is woken. May be repeated."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the connection and let go of the socket; what is still sent fails."""
        self.end()
        with self._sending:
            self._sock.close()

    def _wait(self, event: int, deadline: float | None) -> None:
        descriptor = self._sock.fileno()
        if descriptor < 0:
            raise OSError("the connection has been closed")
        poll = select.poll()
        poll.register(descriptor, event)
        left = None if deadline is None else max(deadline - time.monotonic(), 0) * 1000
        if not poll.poll(left):
            raise TimeoutError("the peer took too long")
