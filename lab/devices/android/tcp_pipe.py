"""Bytes to and from an adb daemon that listens on a port."""

from __future__ import annotations

import socket

from lab.devices.android.guard import Broken
from lab.model.device import Endpoint

_CHUNK = 64 * 1024


class TcpPipe:
    """Implements ``guard.Pipe`` over TCP."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._socket: socket.socket | None = None

    def open(self, cap: float) -> None:
        self.close()
        address = (self._endpoint.host, self._endpoint.port)
        self._socket = socket.create_connection(address, timeout=cap)
        # adb-shell sends a message in two pieces: without this each waits for an acknowledgement.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, most: int, cap: float) -> bytes:
        connection = self.connection
        connection.settimeout(cap)
        return connection.recv(min(most, _CHUNK))

    def write(self, content: bytes, cap: float) -> None:
        connection = self.connection
        connection.settimeout(cap)
        # The cap is for all of it together (documented for sendall).
        connection.sendall(content)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def connection(self) -> socket.socket:
        """The connection. Raises Broken where there is none."""
        if self._socket is None:
            raise Broken("there is no connection")
        return self._socket
