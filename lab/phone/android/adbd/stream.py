"""One stream of an adb connection: bytes both ways, one unacknowledged WRTE in each direction."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from lab.phone.android.adbd.messages import Kind, Message, ProtocolBroken

CLOSE_CAP = 5.0
"""Seconds for the peer to acknowledge the last bytes of a stream."""


MOST_AHEAD = 4
"""Writes that a peer may be ahead of its acknowledgements."""


class StreamClosed(Exception):
    """The peer has closed the stream, or the connection has ended."""


Send = Callable[[Message], None]
"""Sends a message; drops it where the connection has ended. Raises nothing."""


class Stream:
    """A stream between a service of the phone, which reads and writes in its own threads, and a
    connection, which delivers what comes. ``max_data`` is the longest payload of the peer.
    """

    def __init__(self, local: int, remote: int, max_data: int, send: Send) -> None:
        self.local = local
        self.hung_up = threading.Event()
        """Set when the stream has been closed by either side, or the connection has ended."""
        self._remote = remote
        # What the peer knows this side as: a stream that is refused never gets an id.
        self._known = 0 if remote else local
        self._max_data = max_data
        self._send = send
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._unread: deque[memoryview] = deque()
        """What has come and was not read yet, each to be acknowledged once it was."""
        # A stream that the phone opens may be written to once the peer has accepted it.
        self._ready = remote != 0
        self._closed = False
        self._said_goodbye = False

    @property
    def remote(self) -> int:
        """The peer's id; 0 until it has accepted a stream that the phone opens."""
        return self._remote

    def accept(self) -> None:
        """Accept a stream that the peer has opened."""
        self._known = self.local
        self._send(Message(Kind.OKAY, self.local, self._remote))

    def opened(self, cap: float) -> bool:
        """Wait until the peer has accepted a stream that the phone opens, ``cap`` seconds at
        most; whether it has."""
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self.hung_up.is_set(), cap)
            return self._ready and not self.hung_up.is_set()

    def read(self, size: int) -> bytes:
        """Return what comes next, ``size`` bytes at most; waits for the first of them. Nothing
        once the stream is closed."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._unread or self.hung_up.is_set() or self._closed,
            )
            if self._closed or not self._unread:
                return b""
            part, rest = self._unread[0][:size], self._unread[0][size:]
            self._unread.popleft()
            if rest:
                self._unread.appendleft(rest)
        if not rest and not self.hung_up.is_set():
            self._send(Message(Kind.OKAY, self.local, self._remote))
        return bytes(part)

    def read_exactly(self, size: int) -> bytes:
        """Return the next ``size`` bytes. Raises StreamClosed where fewer come."""
        content = bytearray()
        while len(content) < size:
            part = self.read(size - len(content))
            if not part:
                raise StreamClosed
            content += part
        return bytes(content)

    def write(self, content: bytes) -> None:
        """Send ``content``, each part once the peer has acknowledged the one before. Raises
        StreamClosed."""
        waiting = memoryview(content)
        with self._writing:
            while waiting:
                with self._changed:
                    self._changed.wait_for(
                        lambda: self._ready or self.hung_up.is_set() or self._closed
                    )
                    if self.hung_up.is_set() or self._closed:
                        raise StreamClosed
                    self._ready = False
                part, waiting = waiting[: self._max_data], waiting[self._max_data :]
                self._send(Message(Kind.WRTE, self.local, self._remote, bytes(part)))

    def close(self) -> None:
        """End the stream from this side, once the peer has acknowledged what was written, or
        after ``CLOSE_CAP``. May be repeated."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._ready or self._remote == 0 or self.hung_up.is_set(), CLOSE_CAP
            )
            self._closed = True
            self._unread.clear()
            self.hung_up.set()
            self._changed.notify_all()
        self._say_goodbye()

    @property
    def held(self) -> int:
        """Bytes that have come and were not read yet."""
        with self._changed:
            return sum(map(len, self._unread))

    def deliver(self, content: bytes) -> None:
        """Take what the peer has written. Raises ProtocolBroken where it does not wait for
        acknowledgements: adb itself sends the last of a stream's bytes without."""
        with self._changed:
            if self._closed:
                return
            if len(self._unread) >= MOST_AHEAD:
                raise ProtocolBroken("WRTE before those before it were acknowledged")
            if content:
                self._unread.append(memoryview(content))
            self._changed.notify_all()
        if not content:
            self._send(Message(Kind.OKAY, self.local, self._remote))

    def acknowledge(self, remote: int) -> None:
        """Take the peer's OKAY."""
        with self._changed:
            self._remote = self._remote or remote
            self._ready = True
            self._changed.notify_all()

    def hang_up(self) -> None:
        """The peer has closed the stream: answer in kind. What has come can still be read."""
        with self._changed:
            self.hung_up.set()
            self._changed.notify_all()
        self._say_goodbye()

    def _say_goodbye(self) -> None:
        with self._changed:
            first = not self._said_goodbye
            self._said_goodbye = True
        if first and self._remote:
            self._send(Message(Kind.CLSE, self._known, self._remote))
