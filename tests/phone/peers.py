"""Real servers on loopback, honest and hostile, that remember what arrived."""

from __future__ import annotations

import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from lab.model.device import Endpoint
from lab.pki.credential import Credential
from tests.patience import CAP

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello"

Script = Callable[[socket.socket], None]


class Server:
    """Lets ``script`` talk with each client that connects, one thread for each."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(CAP)
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._failures: list[Exception] = []
        self._closing = False
        self.endpoint = Endpoint(*self._listener.getsockname()[:2])

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        with suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()
        self.wait(leave_open=False)
        self._listener.close()
        assert self._failures == []

    @property
    def connections(self) -> int:
        return len(self._open)

    def wait(self, *, leave_open: bool = True) -> None:
        """Wait until every connection so far has been dealt with."""
        if not leave_open:
            for sock in self._open:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1 if leave_open else 0 :]:
            thread.join(CAP)
            assert not thread.is_alive()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._closing:
                sock.close()
                return
            sock.settimeout(CAP)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(sock)
            self._start(lambda sock=sock: self._talk(sock))  # type: ignore[misc]

    def _talk(self, sock: socket.socket) -> None:
        try:
            self._script(sock)
        except OSError:
            # A client that leaves is nothing to complain about.
            pass
        except Exception as error:  # noqa: BLE001 - told when the server is closed
            self._failures.append(error)
        finally:
            sock.close()


@dataclass
class Seen:
    """What a TLS server saw of one connection."""

    finished: bool = False
    """Whether the handshake was."""
    alert: str = ""
    """OpenSSL's name for what ended the connection."""
    closed: bool = False
    """Whether it ended with a close_notify."""
    resumed: bool = False
    application: bytes = b""
    server_name: str | None = None
    alpn: str | None = None
    version: str | None = None


@dataclass
class TlsScript:
    """A TLS server that answers each request as ``answer`` says. Call it with a socket."""

    context: ssl.SSLContext
    answer: Callable[[bytes], bytes] = lambda _: OK
    seen: list[Seen] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        def note(
            connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext
        ) -> None:
            self.names.append(name)

        self.context.sni_callback = note

    def __call__(self, sock: socket.socket) -> None:
        seen = Seen()
        self.seen.append(seen)
        try:
            secured = self.context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
        except ssl.SSLError as error:
            seen.alert = error.reason or ""
            return
        with secured:
            seen.finished = True
            seen.resumed = bool(secured.session_reused)
            seen.alpn, seen.version = secured.selected_alpn_protocol(), secured.version()
            try:
                self._serve(secured, seen)
            except ssl.SSLError as error:
                seen.alert = error.reason or ""

    def _serve(self, secured: ssl.SSLSocket, seen: Seen) -> None:
        request = b""
        while part := secured.recv(65536):
            seen.application += part
            request += part
            if whole(request):
                secured.sendall(self.answer(request))
                request = b""
        seen.closed = True


def whole(request: bytes) -> bool:
    """Tell whether a request with a Content-Length, or without a body, is complete."""
    head, found, body = request.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.lower().splitlines()
        if line.startswith(b"content-length:")
    ]
    return bool(found) and len(body) >= (lengths[0] if lengths else 0)


def server_context(
    credential: Credential,
    *,
    version: ssl.TLSVersion | None = None,
    alpn: tuple[str, ...] = ("http/1.1",),
) -> ssl.SSLContext:
    """Return a context that serves any credential, however weak."""
    with tempfile.TemporaryDirectory() as directory:
        chain, key = credential.write(Path(directory), "server")
        return context_of(chain, key, version=version, alpn=alpn)


def context_of(
    chain: Path,
    key: Path,
    *,
    version: ssl.TLSVersion | None = None,
    alpn: tuple[str, ...] = ("http/1.1",),
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    if version is not None:
        context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(list(alpn))
    context.load_cert_chain(chain, key)
    return context


def read_request(sock: socket.socket) -> bytes:
    """Read one request without TLS."""
    request = b""
    while not whole(request):
        part = sock.recv(65536)
        if not part:
            return request
        request += part
    return request


def until_closed(sock: socket.socket) -> bytes:
    """Read until the client leaves."""
    received = b""
    with suppress(OSError):
        while part := sock.recv(65536):
            received += part
    return received


def reset(sock: socket.socket) -> None:
    """Close so that the other side gets a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def answering(answer: bytes) -> Script:
    """A server without TLS that gives every client the same answer and hangs up."""

    def script(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(answer)

    return script


def tunnel(there: Endpoint) -> Script:
    """An HTTP proxy whose tunnels all lead to one place."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)

    def script(sock: socket.socket) -> None:
        read_request(sock)
        sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection((there.host, there.port), CAP) as onward:
            back = threading.Thread(target=pump, args=(onward, sock))
            back.start()
            pump(sock, onward)
            back.join(CAP)

    return script
