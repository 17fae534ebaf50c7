"""Servers for the command line to look at: openssl's, and such as are none."""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.patience import CAP

Behaviour = Callable[[socket.socket], None]
"""What a server does with its only connection."""


@contextlib.contextmanager
def s_server(
    certificate: Path, key: Path, *arguments: str, host: str = "127.0.0.1"
) -> Iterator[int]:
    """Serve ``certificate`` with the openssl program; yields the port."""
    command = ["openssl", "s_server", "-www", "-accept", f"{host}:0", *arguments]
    command += ["-cert", str(certificate), "-key", str(key)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as server:
        assert server.stdout is not None
        watchdog = threading.Timer(CAP, server.kill)
        watchdog.start()
        try:
            told = next(line for line in server.stdout if line.startswith(b"ACCEPT "))
            yield int(told.rpartition(b":")[2])
        finally:
            watchdog.cancel()
            server.kill()


@contextlib.contextmanager
def server(behave: Behaviour) -> Iterator[int]:
    """Accept one connection and do with it what ``behave`` does; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(CAP)

        def serve() -> None:
            connection, _ = listening.accept()
            connection.settimeout(CAP)
            with connection, contextlib.suppress(OSError):
                behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join()


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """Yield a port that nothing listens on, and that nobody else can take meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def hang_up(connection: socket.socket) -> None:
    connection.recv(1)


def hang_up_politely(connection: socket.socket) -> None:
    """Read all there is first, so that no reset is sent."""
    connection.recv(65536)
    connection.shutdown(socket.SHUT_WR)
    connection.recv(65536)


def reset(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def speak_http(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    connection.recv(65536)


def refuse(connection: socket.socket) -> None:
    """Send the alert handshake_failure."""
    connection.recv(65536)
    connection.sendall(bytes([21, 3, 3, 0, 2, 2, 40]))
    connection.recv(65536)


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def drip(connection: socket.socket) -> None:
    """Send a handshake record a byte at a time, so that each byte is new hope."""
    connection.settimeout(0.01)
    for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(16_000):
        connection.sendall(bytes([byte]))
        with contextlib.suppress(TimeoutError):
            if not connection.recv(65536):
                return
