"""The seams of the phone: what it offers its apps, what an SDK offers the app, what goes wrong.

A stand-in for the SDK (a mutant, a user's own) is any class with the methods of ``Sdk``; it is
named in devices.yaml as ``sdk: package.module:Class`` and constructed as ``cls(phone, storage)``.
"""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from lab.model.outcome import ErrorKind
from lab.model.pins import Mode

DEFAULT_TIMEOUT = 3.0
"""Seconds to wait for a connection, for a handshake, and for each read."""

Headers = Sequence[tuple[str, str]]


class PlatformError(Exception):
    """A failure that the platform, not the pinning SDK, raises. ``str()`` is Android's message."""

    java_name = "java.io.IOException"
    """The class that an app on Android would catch."""
    kind = ErrorKind.NETWORK


class UnknownHost(PlatformError):
    """The name could not be resolved."""

    java_name = "java.net.UnknownHostException"

    def __init__(self, host: str) -> None:
        super().__init__(f'Unable to resolve host "{host}": No address associated with hostname')


class ConnectError(PlatformError):
    """The connection was refused, or there is no way to the address."""

    java_name = "java.net.ConnectException"


class ProxyError(PlatformError):
    """The HTTP proxy did not open a tunnel."""


class ConnectionLost(PlatformError):
    """An open connection was reset or ended too early."""

    java_name = "java.net.SocketException"


class SocketTimeout(PlatformError):
    """Nothing came within the time limit."""

    java_name = "java.net.SocketTimeoutException"


class SslHandshakeError(PlatformError):
    """The server's certificate chain is not to be trusted."""

    java_name = "javax.net.ssl.SSLHandshakeException"
    kind = ErrorKind.CHAIN


class CertificateTimeError(SslHandshakeError):
    """A certificate of the chain is outside its validity at the phone's time."""

    kind = ErrorKind.TIME


class SslPeerUnverifiedError(PlatformError):
    """The certificate is for other names."""

    java_name = "javax.net.ssl.SSLPeerUnverifiedException"
    kind = ErrorKind.NAME


class SslProtocolError(PlatformError):
    """The handshake itself failed: no shared version or suite, an alert from the server."""

    java_name = "javax.net.ssl.SSLProtocolException"
    kind = ErrorKind.TLS


class HttpProtocolError(PlatformError):
    """The peer does not speak HTTP, or says too much."""

    java_name = "java.net.ProtocolException"
    kind = ErrorKind.HTTP


class BadUrl(PlatformError):
    """The text is not an http or https URL."""

    java_name = "java.lang.IllegalArgumentException"
    kind = ErrorKind.UNKNOWN


class Cancelled(PlatformError):
    """The caller itself ended the call."""

    java_name = "java.io.InterruptedIOException"


class Cancellation:
    """Ends the blocking network calls of other threads. May be fired once, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._fired = False

    def watch(self, sock: socket.socket) -> None:
        """Let ``sock`` be ended too. Raises Cancelled where that has happened already."""
        with self._lock:
            self._sockets.add(sock)
            if self._fired:
                raise Cancelled("Canceled")

    def check(self) -> None:
        """Raise Cancelled once fired."""
        if self._fired:
            raise Cancelled("Canceled")

    def fire(self) -> None:
        """End every socket under watch; each read or write on them returns at once."""
        with self._lock:
            self._fired = True
            sockets = list(self._sockets)
        for sock in sockets:
            try:
                # Closing would not wake a thread that waits on it; shutting down does.
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class ClearConnection(NamedTuple):
    """A connection for a plain ``http://`` request."""

    socket: socket.socket
    absolute_form: bool
    """It ends at the HTTP proxy, so the request line must hold the whole URL (RFC 9112
    section 3.2.2)."""


class PhoneServices(Protocol):
    """What the phone offers everything that runs on it. All methods may be called from any
    thread."""

    def now(self) -> float:
        """Return the phone's clock in epoch seconds."""

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        """Open a TCP connection through whatever network settings the phone has; with a global
        HTTP proxy that is a CONNECT tunnel. Raises PlatformError."""

    def connect_clear(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> ClearConnection:
        """Open a connection for a plain HTTP request: with a global HTTP proxy, to the proxy.
        Raises PlatformError."""

    def look_up(
        self, host: str, timeout: float, cancellation: Cancellation | None = None
    ) -> tuple[str, ...]:
        """Return the addresses that a connection to ``host`` would be made to; none where a
        global HTTP proxy looks names up. Raises PlatformError."""

    def trust_anchors(self, user_store: bool) -> tuple[bytes, ...]:
        """Return the trust anchors, DER. An Android app ignores the user store unless it opts
        in; a browser does not."""

    def log(self, tag: str, level: str, message: str) -> None:
        """Write a line to the phone's log. ``level`` is DEBUG, INFO, WARN or ERROR."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer to one HTTP request."""

    status: int
    reason: str
    """Reason phrase; empty over HTTP/2, which has none."""
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, in the order received."""
    body: bytes
    http_version: str
    """``HTTP/1.1`` or ``HTTP/2``."""

    def header(self, name: str) -> str | None:
        """Return the first value of the header ``name`` (any case), None where there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)


@dataclass(frozen=True, slots=True)
class SdkSettings:
    """What an app sets the SDK up with (contract section 2.1)."""

    organization_id: str
    project_id: str
    public_key: str
    """Verification key: base64 of the P-256 SPKI DER or of its PEM (contract section 1.4)."""
    mode: Mode = Mode.STRICT
    configuration_url: str = ""
    """Where the signed configuration is published, https only."""
    report_url: str = ""
    """Where failure reports go, https only; empty where none are sent."""
    device: str = ""
    """Name of the device as reports give it; left out where empty."""


class Sdk(Protocol):
    """A pinning SDK together with the app's HTTP client that is built on it.

    Constructed as ``cls(phone, storage)``; ``storage`` is the app's private directory, which
    outlives the process. Methods raise ``lab.phone.sdk.errors.TrustPinError`` for the SDK's own
    documented errors and PlatformError for the platform's.
    """

    def setup(self, settings: SdkSettings) -> None:
        """Validate ``settings`` and fetch the configuration."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        """Request ``url`` as the app's HTTP client would: each hop of a redirect is pinned."""

    def fetch_certificate(self, host: str, port: int = 443) -> str:
        """Return the server's leaf certificate, PEM, after the platform has validated it."""

    def close(self) -> None:
        """End background work. Returns within a second even where the network hangs."""


SdkFactory = Callable[[PhoneServices, Path], Sdk]
"""What ``sdk: package.module:Class`` in devices.yaml must name."""
