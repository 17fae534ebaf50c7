"""A phone's end of the adb protocol that says whatever a test wants, byte by byte."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from lab.model.device import Endpoint
from tests.patience import CAP

VERSION = 0x01000001
MAX_DATA = 256 * 1024
BANNER = b"device::ro.product.name=fake;features=shell_v2,cmd\0"
OURS = 7
"""What the fake calls its end of a stream."""

_HEADER = struct.Struct("<4s5I")


def message(
    word: bytes,
    first: int,
    second: int,
    payload: bytes = b"",
    *,
    length: int | None = None,
    checksum: int | None = None,
    magic: int | None = None,
) -> bytes:
    right = int.from_bytes(word, "little") ^ 0xFFFFFFFF
    return (
        _HEADER.pack(
            word,
            first,
            second,
            len(payload) if length is None else length,
            sum(payload) & 0xFFFFFFFF if checksum is None else checksum,
            right if magic is None else magic,
        )
        + payload
    )


class Peer:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.settimeout(CAP)
        self.theirs = 0
        self.service = b""

    def read(self) -> tuple[bytes, int, int, bytes]:
        word, first, second, length, _, _ = _HEADER.unpack(self._exactly(_HEADER.size))
        return word, first, second, self._exactly(length)

    def raw(self, content: bytes) -> None:
        self._socket.sendall(content)

    def say(self, word: bytes, first: int, second: int, payload: bytes = b"") -> None:
        self.raw(message(word, first, second, payload))

    def greet(self) -> None:
        assert self.read()[0] == b"CNXN"
        self.say(b"CNXN", VERSION, MAX_DATA, BANNER)

    def opened(self) -> bytes:
        """Greet, accept a stream and return the service that it is for."""
        self.greet()
        return self.open_next()

    def open_next(self) -> bytes:
        word, self.theirs, _, service = self.read()
        assert word == b"OPEN"
        self.service = service.rstrip(b"\0")
        self.say(b"OKAY", OURS, self.theirs)
        return self.service

    def write(self, payload: bytes) -> None:
        """Write to the stream and wait for the acknowledgement."""
        self.say(b"WRTE", OURS, self.theirs, payload)
        if self.read()[0] != b"OKAY":
            raise OSError("nobody wants it any more")

    def taken(self) -> bytes:
        """Return what is written to the stream, and acknowledge it."""
        word, _, _, payload = self.read()
        assert word == b"WRTE"
        self.say(b"OKAY", OURS, self.theirs)
        return payload

    def end(self) -> None:
        """End the stream and wait for the other side's end."""
        self.say(b"CLSE", OURS, self.theirs)
        with suppress(OSError, struct.error):
            self.read()

    def closed(self) -> None:
        """Answer the other side's end of the stream, whatever comes before it."""
        while self.read()[0] != b"CLSE":
            pass
        self.say(b"CLSE", OURS, self.theirs)

    def hang_up(self) -> None:
        self._socket.close()

    def wait(self) -> None:
        """Say nothing until the other side hangs up."""
        with suppress(OSError):
            while self._socket.recv(65536):
                pass

    def flood(self, content: bytes) -> None:
        """Send the same without end."""
        until = time.monotonic() + CAP
        with suppress(OSError):
            while time.monotonic() < until:
                self._socket.sendall(content)

    def mark(self) -> bytes:
        """Return the word of the mark that the command asks for."""
        return self.service.rpartition(b'echo "')[2].partition(b".")[0]

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            chunk = self._socket.recv(size - len(content))
            if not chunk:
                raise OSError("hung up")
            content += chunk
        return content


Script = Callable[[Peer], None]


class FakeAdbd:
    """Plays a script on every connection."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = Endpoint("127.0.0.1", self._listening.getsockname()[1])
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in (self._accepting, *self._threads):
            thread.join(CAP)
            assert not thread.is_alive()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._connections.append(connection)
                thread = threading.Thread(target=self._play, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _play(self, connection: socket.socket) -> None:
        # The other side hangs up whenever it has had enough.
        with suppress(OSError, struct.error), connection:
            self._script(Peer(connection))
