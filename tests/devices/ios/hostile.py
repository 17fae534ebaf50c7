"""A usbmuxd, and an iPhone behind it, that answer what a test tells them to."""

from __future__ import annotations

import plistlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from lab.model.device import Endpoint
from tests.patience import CAP

Talk = Callable[[socket.socket], None]


@contextmanager
def answering(talk: Talk) -> Iterator[Endpoint]:
    """Let ``talk`` talk with each client, one after the other, for the length of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(CAP)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError):
                    sock, _ = listener.accept()
                    with sock:
                        sock.settimeout(CAP)
                        if not over.is_set():
                            talk(sock)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield Endpoint(*listener.getsockname()[:2])
        finally:
            over.set()
            with suppress(OSError):
                socket.create_connection(listener.getsockname()).close()
            thread.join(CAP)


def request(sock: socket.socket) -> dict[str, Any]:
    """Return what usbmuxd is asked."""
    length, *_ = struct.unpack("<4I", _exactly(sock, 16))
    asked: dict[str, Any] = plistlib.loads(_exactly(sock, length - 16))
    return asked


def frame(answer: Mapping[str, Any]) -> bytes:
    """Return an answer of usbmuxd."""
    body = plistlib.dumps(dict(answer))
    return struct.pack("<4I", 16 + len(body), 1, 8, 1) + body


def message(answer: Mapping[str, Any]) -> bytes:
    """Return an answer of a service."""
    body = plistlib.dumps(dict(answer))
    return struct.pack(">I", len(body)) + body


def _exactly(sock: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        part = sock.recv(count - len(content))
        if not part:
            raise OSError("ended")
        content += part
    return content
