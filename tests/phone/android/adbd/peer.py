"""A client of the adb protocol that does as it is told, right or wrong."""

from __future__ import annotations

import socket
import struct
import time
from types import TracebackType
from typing import NamedTuple

from tests.patience import CAP

BANNER = b"host::features=shell_v2,cmd,stat_v2"


class Got(NamedTuple):
    """A message from the phone."""

    name: str
    arg0: int
    arg1: int
    payload: bytes


def packed(
    name: str,
    arg0: int,
    arg1: int,
    payload: bytes = b"",
    *,
    length: int | None = None,
    total: int | None = None,
    magic: int | None = None,
) -> bytes:
    """Return a message, with wrong fields where some are given."""
    word = int.from_bytes(name.encode(), "little")
    header = struct.pack(
        "<6I",
        word,
        arg0,
        arg1,
        len(payload) if length is None else length,
        sum(payload) & 0xFFFFFFFF if total is None else total,
        word ^ 0xFFFFFFFF if magic is None else magic,
    )
    return header + payload


class Peer:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=CAP)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._last_id = 100

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.sock.close()

    def send(self, name: str, arg0: int, arg1: int, payload: bytes = b"") -> None:
        self.sock.sendall(packed(name, arg0, arg1, payload))

    def receive(self) -> Got:
        """Return the next message. Raises EOFError, and OSError, where there is none."""
        word, arg0, arg1, length, total, magic = struct.unpack("<6I", self._exactly(24))
        assert magic == word ^ 0xFFFFFFFF
        payload = self._exactly(length)
        assert total in (0, sum(payload) & 0xFFFFFFFF)
        return Got(word.to_bytes(4, "little").decode(), arg0, arg1, payload)

    def greet(self, version: int = 0x01000001, max_data: int = 1 << 20) -> Got:
        """Say hello to a phone that wants no key."""
        self.send("CNXN", version, max_data, BANNER)
        answer = self.receive()
        assert answer.name == "CNXN"
        return answer

    def open(self, service: str) -> OpenStream:
        """Open a stream that the phone must accept."""
        stream = self.ask(service)
        answer = self.receive()
        assert (answer.name, answer.arg1) == ("OKAY", stream.local), answer
        stream.remote = answer.arg0
        return stream

    def ask(self, service: str) -> OpenStream:
        """Ask for a stream without waiting for an answer."""
        self._last_id += 1
        self.send("OPEN", self._last_id, 0, service.encode() + b"\0")
        return OpenStream(self, self._last_id)

    def was_closed(self) -> bool:
        """Wait for the end of the connection; whether the phone closed it in time."""
        self.sock.settimeout(CAP)
        try:
            while self.sock.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True

    def _exactly(self, count: int) -> bytes:
        content = b""
        while len(content) < count:
            part = self.sock.recv(count - len(content))
            if not part:
                raise EOFError
            content += part
        return content


class OpenStream:
    """A stream of a peer; there must be no other that is talked on at the same time."""

    def __init__(self, peer: Peer, local: int) -> None:
        self.peer = peer
        self.local = local
        self.remote = 0
        self.closed = False
        self._unread = b""
        self._acknowledged = True

    def send(self, content: bytes) -> None:
        """Write, and wait for the acknowledgement."""
        self.peer.send("WRTE", self.local, self.remote, content)
        self._acknowledged = False
        while not self._acknowledged and not self.closed:
            self._take()

    def close(self) -> None:
        """Close, and wait for the answer in kind."""
        self.peer.send("CLSE", self.local, self.remote)
        while not self.closed:
            self._take()

    def exactly(self, count: int) -> bytes:
        """Return the next bytes. Raises EOFError where the stream ends before."""
        while len(self._unread) < count:
            if self.closed:
                raise EOFError
            self._take()
        content, self._unread = self._unread[:count], self._unread[count:]
        return content

    def rest(self) -> bytes:
        """Return what comes until the phone closes the stream."""
        while not self.closed:
            self._take()
        content, self._unread = self._unread, b""
        return content

    def until(self, end: bytes) -> bytes:
        """Return what comes up to ``end``, included."""
        deadline = time.monotonic() + CAP
        while end not in self._unread:
            assert time.monotonic() < deadline, self._unread
            assert not self.closed, self._unread
            self._take()
        at = self._unread.index(end) + len(end)
        content, self._unread = self._unread[:at], self._unread[at:]
        return content

    def _take(self) -> None:
        got = self.peer.receive()
        assert got.arg1 == self.local, got
        if got.name == "WRTE":
            self._unread += got.payload
            self.peer.send("OKAY", self.local, self.remote)
        elif got.name == "OKAY":
            self._acknowledged = True
        else:
            assert got.name == "CLSE", got
            self.closed = True
