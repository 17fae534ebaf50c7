"""HTTP requests and their answers over a connection that is open already."""

# Older versions of h2 have no types.

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import h2.config
import h2.exceptions

from lab.phone.link import Link
from lab.phone.services import ConnectionLost, Headers, HttpProtocolError, HttpResponse
from lab.phone.sparing import without
from lab.phone.url import Url

# Its half without threads is not used; what that is made with is a quarter of a phone's start.
with without("trio", "anyio"):
    import httpcore

MAX_BODY = 1024 * 1024
"""Bytes of a response body."""
_FULL = 64 * 1024
_VERSIONS = frozenset({"HTTP/1.0", "HTTP/1.1", "HTTP/2"})


class Channel(Protocol):
    """An open connection, with or without TLS. Raises nothing but PlatformError."""

    def receive(self) -> bytes:
        """Return what comes next, nothing at the end."""

    def send(self, content: bytes) -> None:
        """Send all of ``content``."""

    def close(self) -> None:
        """Close it. May be repeated."""


class ClearChannel:
    """A connection without TLS."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def receive(self) -> bytes:
        return self._link.receive(self._link.patience.step())

    def send(self, content: bytes) -> None:
        self._link.send(content, self._link.patience.step())

    def close(self) -> None:
        self._link.close()


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; the headers do not hold what belongs to the connection."""

    method: str
    url: Url
    headers: Headers = ()
    body: bytes = b""
    hops: int = 0
    """How many redirects led to it."""


def exchange(
    channel: Channel, request: Request, *, http2: bool, absolute_form: bool = False
) -> HttpResponse:
    """Send ``request`` and return the answer. The channel is closed in every case.

    ``absolute_form`` names the whole URL in the request line, as proxies need it. Raises
    PlatformError.
    """
    try:
        conversation = Conversation(channel, request.url, http2=http2, absolute_form=absolute_form)
        return conversation.ask(request)
    finally:
        channel.close()


class Conversation:
    """Requests on one channel, one after the other.

    ``url`` is what the channel was opened for; ``absolute_form`` names the whole URL in each
    request line, as proxies need it.
    """

    def __init__(
        self, channel: Channel, url: Url, *, http2: bool, absolute_form: bool = False
    ) -> None:
        self._channel = channel
        self._stream = _Stream(channel)
        self._http2 = http2
        self._absolute_form = absolute_form
        origin = httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target="/").origin
        make: Callable[..., Any] = _Http2 if http2 else httpcore.HTTP11Connection
        self._connection = make(origin=origin, stream=self._stream)

    @property
    def is_over(self) -> bool:
        """Whether either side said that no further request can be made."""
        return not self._connection.is_available()

    def ask(self, request: Request) -> HttpResponse:
        """Send ``request`` and return the answer. Raises PlatformError; the channel is closed
        then, as it is where it can take no further request."""
        stream = self._stream
        stream.received = stream.ended = False
        try:
            return _exchange(self._connection, request, self._http2, self._absolute_form)
        except _MALFORMED as error:
            self._channel.close()
            if stream.ended and not stream.received:
                raise ConnectionLost(f"unexpected end of stream on {request.url.origin}") from error
            words = str(error).splitlines() or [type(error).__name__]
            raise HttpProtocolError(f"Unexpected answer: {words[0][:200]}") from error
        except BaseException:
            self._channel.close()
            raise


_MALFORMED = (
    httpcore.ProtocolError,
    httpcore.ConnectionNotAvailable,
    h2.exceptions.H2Error,
    # What the parsers raise on numbers and texts that are none.
    ValueError,
    LookupError,
)


class _Stream(httpcore.NetworkStream):
    """A channel as httpcore wants it. Time limits are the channel's own.

    What is written waits for the next read, so that a request leaves in one piece.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting = bytearray()
        self.received = self.ended = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._flush()
        part = self._channel.receive()
        assert len(part) <= max_bytes, "channels read in parts of 64 KiB, as httpcore does"
        self.received = self.received or bool(part)
        self.ended = not part
        return part

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._waiting += buffer
        if len(self._waiting) >= _FULL:
            self._flush()

    def close(self) -> None:
        self._channel.close()

    def _flush(self) -> None:
        waiting, self._waiting = bytes(self._waiting), bytearray()
        # A server may answer early and stop listening: what it said is still to be read
        # (RFC 9112 section 9.5). Where it said nothing, reading fails the same way.
        with suppress(ConnectionLost):
            self._channel.send(waiting)


class _Http2(httpcore.HTTP2Connection):
    """Refuses answers whose headers break RFC 9113 section 8.3, such as one without a status."""

    CONFIG = h2.config.H2Configuration(validate_inbound_headers=True)

    def can_handle_request(self, origin: httpcore.Origin) -> bool:
        # Which hosts may share a connection is not decided here.
        return True


def _exchange(connection: Any, request: Request, http2: bool, absolute_form: bool) -> HttpResponse:
    url = request.url
    target = str(url) if absolute_form else url.target
    asked = httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=target)
    response = connection.handle_request(
        httpcore.Request(
            request.method, asked, headers=_headers(request, http2), content=request.body
        )
    )
    version = _text(response.extensions["http_version"])
    if version not in _VERSIONS:
        raise HttpProtocolError(f"Unexpected status line: {version} {response.status}")
    body = bytearray()
    with closing(response):
        for part in response.iter_stream():
            body += part
            if len(body) > MAX_BODY:
                raise HttpProtocolError(f"The answer is longer than {MAX_BODY} bytes")
    return HttpResponse(
        status=response.status,
        reason=_text(response.extensions.get("reason_phrase", b"")),
        headers=tuple((_text(k).lower(), _text(v)) for k, v in response.headers),
        body=bytes(body),
        http_version=version,
    )


def _headers(request: Request, http2: bool) -> list[tuple[bytes, bytes]]:
    headers = [("host", request.url.authority)]
    if not http2:
        # Belongs to HTTP/1.1 only (RFC 9113 section 8.2.2).
        headers.append(("connection", "Keep-Alive"))
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        headers.append(("content-length", str(len(request.body))))
    headers += request.headers
    return [(name.encode(), value.encode()) for name, value in headers]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
