"""What a connection came to, from what happened on it. Pure: no socket, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto

from lab.model.wire import WireClass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""The client connection preface (RFC 9113 section 3.4)."""

FRAME_HEADER = 9

_RECORD_TYPES = range(20, 24)
"""change_cipher_spec to application_data (RFC 8446 section 5.1)."""
_RECORD_MAJOR = 3


class Opening(Enum):
    """What the first bytes of a connection look like."""

    TLS = auto()
    """A TLS record of any type, so no application data."""
    HTTP = auto()
    """A request line (RFC 9112 section 3), which empty lines may come before."""
    OTHER = auto()


def opening(data: bytes) -> Opening:
    """Tell what a connection whose first bytes are ``data`` begins with."""
    if data[:1] and data[0] in _RECORD_TYPES and all(b == _RECORD_MAJOR for b in data[1:2]):
        return Opening.TLS
    start = data.lstrip(b"\r\n")[:1]
    return Opening.HTTP if start.isalpha() or not start else Opening.OTHER


class FrameType(IntEnum):
    """HTTP/2 frames that manage a connection and carry no part of a request.

    RFC 9113 section 6; PRIORITY_UPDATE is of RFC 9218 section 7.1.
    """

    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    PRIORITY_UPDATE = 16


_CONTROL = frozenset(FrameType)


@dataclass(slots=True)
class Http2Watch:
    """Tells the preface and control frames of HTTP/2 from a request, however it is cut.

    Feed it the decrypted bytes in any portions; ``request_seen`` turns true with the first byte
    that is neither preface nor control frame.
    """

    request_seen: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _preface_done: bool = False
    _skip: int = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes from the client."""
        if self.request_seen:
            return
        self._buffer += data
        if not self._preface_done:
            self._read_preface()
        while self._preface_done and not self.request_seen and self._read_frame():
            pass

    def _read_preface(self) -> None:
        seen = bytes(self._buffer[: len(PREFACE)])
        if not PREFACE.startswith(seen):
            self.request_seen = True
        elif len(seen) == len(PREFACE):
            del self._buffer[: len(PREFACE)]
            self._preface_done = True

    def _read_frame(self) -> bool:
        if self._skip:
            skipped = min(self._skip, len(self._buffer))
            del self._buffer[:skipped]
            self._skip -= skipped
            return skipped > 0
        if len(self._buffer) < FRAME_HEADER:
            return False
        if self._buffer[3] not in _CONTROL:
            self.request_seen = True
            return False
        self._skip = int.from_bytes(self._buffer[:3], "big")
        del self._buffer[:FRAME_HEADER]
        return True


@dataclass(slots=True)
class Course:
    """The course of one connection, as far as it matters for its class."""

    hello: bool = False
    """A complete ClientHello was read."""
    relayed: bool = False
    """It was passed through unopened to a genuine endpoint."""
    established: bool = False
    """The handshake with the adversary was finished."""
    client_bytes: int = 0
    """Application bytes from the client, decrypted or in clear."""
    clear: bool = False
    """Application bytes came without TLS."""
    http2: Http2Watch | None = None

    def plaintext(self, data: bytes) -> None:
        """Take decrypted application bytes."""
        self.client_bytes += len(data)
        if self.http2 is not None:
            self.http2.feed(data)

    @property
    def wire_class(self) -> WireClass:
        """The class of the connection as of now."""
        if self.clear:
            return WireClass.CLEARTEXT
        if self.established:
            if not self.client_bytes:
                return WireClass.ESTABLISHED_ZERO_APPDATA
            if self.http2 is not None and not self.http2.request_seen:
                return WireClass.PREFACE_ONLY
            return WireClass.INTERCEPTED
        if self.relayed:
            return WireClass.RELAYED
        return WireClass.HANDSHAKE_REJECTED if self.hello else WireClass.TCP_ONLY
