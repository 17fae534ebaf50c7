"""Bytes between a stream and a socket, both ways, until either ends."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from lab.phone.android.adbd.stream import Stream, StreamClosed

_PART = 64 * 1024


def pump(stream: Stream, sock: socket.socket) -> None:
    """Carry bytes until both sides are done; close both."""
    inward = threading.Thread(target=_inward, args=(stream, sock), name="adbd pump", daemon=True)
    sock.settimeout(None)
    inward.start()
    try:
        with suppress(OSError, StreamClosed):
            while part := sock.recv(_PART):
                stream.write(part)
    finally:
        # An end of the socket's side ends the stream: adb knows no half of one.
        stream.close()
        _end(sock)
        inward.join()
        sock.close()


def _inward(stream: Stream, sock: socket.socket) -> None:
    with suppress(OSError):
        while part := stream.read(_PART):
            sock.sendall(part)
    _end(sock)


def _end(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
