"""The phone's own loopback ports: a table, since the machine's loopback is not the phone's."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

FIRST_FREE, LAST_FREE = 32768, 60999
"""Range from which a free port is chosen, as in ``ip_local_port_range``."""

_RETRY = 0.005

Connect = Callable[[], "socket.socket | None"]
"""Returns an open connection to what the port leads to, None where it is refused."""


class PortInUse(Exception):
    """Somebody listens on that port already."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port}: Address already in use")
        self.port = port


class Ports:
    """What listens on which port of the phone. May be used from any thread."""

    def __init__(self) -> None:
        self._served: dict[int, Connect] = {}
        self._changed = threading.Condition()

    def serve(self, port: int, connect: Connect) -> int:
        """Let ``connect`` answer for a port, 0 for a free one, and return the port.

        Raises PortInUse, ValueError for what is no port.
        """
        if not 0 <= port < 65536:
            raise ValueError(f"{port} is not a port")
        with self._changed:
            port = port or self._free()
            if port in self._served:
                raise PortInUse(port)
            self._served[port] = connect
            self._changed.notify_all()
            return port

    def release(self, port: int) -> None:
        """Stop listening; a port on which nobody listens is left as it is."""
        with self._changed:
            self._served.pop(port, None)

    def served(self) -> tuple[int, ...]:
        """Return the ports on which somebody listens, sorted."""
        with self._changed:
            return tuple(sorted(self._served))

    def connect(self, port: int) -> socket.socket | None:
        """Open a connection to a port of the phone; None where it is refused."""
        with self._changed:
            connect = self._served.get(port)
        # Outside the lock: it may take its time.
        return None if connect is None else connect()

    def reach(self, port: int, cap: float) -> socket.socket | None:
        """Open a connection like ``connect``, but give who is about to listen ``cap`` seconds
        before the connection is refused."""
        deadline = time.monotonic() + cap
        while (sock := self.connect(port)) is None and (left := deadline - time.monotonic()) > 0:
            with self._changed:
                # Not for a change alone: who listens may go on refusing for a while.
                self._changed.wait(min(left, _RETRY))
        return sock

    def _free(self) -> int:
        for port in range(FIRST_FREE, LAST_FREE + 1):
            if port not in self._served:
                return port
        raise PortInUse(0)
