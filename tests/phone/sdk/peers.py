"""Servers that the backend knows nothing of: attackers, and hosts with an answer of their own."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from lab.model.device import Endpoint
from lab.pki.credential import Credential
from tests.patience import CAP, LONG


@dataclass
class Seen:
    """One connection that has ended."""

    handshake: bool
    received: bytes
    """Application data of the client."""


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    """Write an HTTP/1.1 answer after which the connection ends."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Peer:
    """A TLS server with ``credential`` (None: plain HTTP). Use as a context manager.

    It takes whatever is sent, keeps it, and gives ``reply`` to a complete header.
    """

    def __init__(self, credential: Credential | None, folder: Path, reply: bytes = b"") -> None:
        self._context: ssl.SSLContext | None = None
        if credential is not None:
            folder.mkdir(exist_ok=True)
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*credential.write(folder, "peer"))
            # A server that answers does so over HTTP/1.1.
            self._context.set_alpn_protocols(["http/1.1"] if reply else ["h2", "http/1.1"])
        self._reply = reply
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = Endpoint(*self._listener.getsockname()[:2])
        self._seen: list[Seen] = []
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def seen(self) -> list[Seen]:
        with self._changed:
            return list(self._seen)

    def wait(self, count: int = 1) -> list[Seen]:
        """Return the connections once ``count`` of them have ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._seen) >= count, CAP)
            return list(self._seen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(CAP)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = self._listener.accept()
                accepted.settimeout(CAP)
                thread = threading.Thread(target=self._serve, args=(accepted,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, accepted: socket.socket) -> None:
        seen = Seen(handshake=False, received=b"")
        with suppress(OSError), accepted:
            if self._context is None:
                self._talk(accepted, seen)
            else:
                with self._context.wrap_socket(accepted, server_side=True) as secure:
                    seen.handshake = True
                    self._talk(secure, seen)
        with self._changed:
            self._seen.append(seen)
            self._changed.notify_all()

    def _talk(self, connection: socket.socket, seen: Seen) -> None:
        while part := connection.recv(65536):
            seen.received += part
            if self._reply and b"\r\n\r\n" in seen.received:
                connection.sendall(self._reply)
                return


class DrippingPeer(Peer):
    """Answers each request a byte at a time, for as long as the client listens: that could be
    for LONG."""

    def _talk(self, connection: socket.socket, seen: Seen) -> None:
        seen.received += connection.recv(65536)
        step = 0.05
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {LONG / step:.0f}\r\n\r\n"
        connection.sendall(head.encode())
        connection.settimeout(step)
        while True:
            with suppress(TimeoutError):
                if not connection.recv(1):
                    return
            connection.sendall(b"x")
