"""``adb reverse``: ports of the phone that lead to the machine at the other end of adb."""

from __future__ import annotations

import socket
import threading
from functools import partial

from lab.phone.android.adbd.connection import Connection
from lab.phone.android.adbd.pump import pump
from lab.phone.android.adbd.stream import Stream
from lab.phone.android.ports import PortInUse, Ports

MAX_REVERSES = 100
"""Ports that lead out of the phone at a time."""
MAX_TARGET = 200
"""Characters of what the other machine is to connect to."""
_OKAY = b"OKAY"


class _Refused(Exception):
    """What adb is told; ``str()`` says why."""


class Reverses:
    """The ports of the phone that lead out of it, each through the adb connection that asked for
    it; they go when it ends."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._lock = threading.Lock()
        self._targets: dict[int, tuple[Connection, str]] = {}
        self._watched: set[Connection] = set()

    def serve(self, connection: Connection, request: str, stream: Stream) -> None:
        """Carry out what comes after ``reverse:``. Raises StreamClosed."""
        stream.accept()
        try:
            stream.write(self._carry_out(connection, request))
        except _Refused as refused:
            stream.write(b"FAIL" + _string(str(refused)))

    def _carry_out(self, connection: Connection, request: str) -> bytes:
        """Return the answer. Raises _Refused."""
        name, _, rest = request.partition(":")
        if name == "forward":
            rebind = not rest.startswith("norebind:")
            return _OKAY + self._forward(connection, rest.removeprefix("norebind:"), rebind)
        if name == "killforward":
            self._remove(rest)
            return _OKAY
        if request == "killforward-all":
            self._remove_all()
            return _OKAY
        if request == "list-forward":
            # The one answer without a status before it (AOSP, adb/adb.cpp, handle_forward_request).
            return _string("".join(self._listed()))
        raise _Refused(f"unknown reverse command {name[:40]}")

    def _forward(self, connection: Connection, request: str, rebind: bool) -> bytes:
        """Let a port lead out; return its number where it was not given. Raises _Refused."""
        local, semicolon, target = request.partition(";")
        port = _local_port(local)
        if not semicolon or not target or len(target) > MAX_TARGET or not target.isprintable():
            raise _Refused("bad forward: expected LOCAL;REMOTE")
        wanted = port
        with self._lock:
            if port in self._targets:
                if not rebind:
                    raise _Refused("cannot rebind existing socket")
            elif len(self._targets) >= MAX_REVERSES:
                raise _Refused("cannot bind listener: Too many open files")
            else:
                port = self._listen(port)
            self._targets[port] = (connection, target)
            new = connection not in self._watched
            self._watched.add(connection)
        if new:
            connection.on_end(partial(self._forget, connection))
        return b"" if wanted else _string(str(port))

    def _listen(self, port: int) -> int:
        """Listen on a port, 0 for a free one, and return it. Raises _Refused."""
        chosen: list[int] = []
        try:
            chosen.append(self._ports.serve(port, lambda: self._connect(chosen[0])))
        except PortInUse:
            raise _Refused("cannot bind listener: Address already in use") from None
        return chosen[0]

    def _connect(self, port: int) -> socket.socket | None:
        """Connect an app to what the port leads to."""
        with self._lock:
            found = self._targets.get(port)
        if found is None:
            return None
        connection, target = found
        stream = connection.open(target)
        if stream is None:
            return None
        app, own = socket.socketpair()
        connection.start(stream, partial(_carry, own))
        return app

    def _remove(self, local: str) -> None:
        port = _local_port(local)
        with self._lock:
            if self._targets.pop(port, None) is None:
                raise _Refused(f"listener '{local[:40]}' not found")
            self._ports.release(port)

    def _remove_all(self) -> None:
        with self._lock:
            for port in self._targets:
                self._ports.release(port)
            self._targets.clear()

    def _forget(self, connection: Connection) -> None:
        with self._lock:
            self._watched.discard(connection)
            gone = [port for port, (owner, _) in self._targets.items() if owner is connection]
            for port in gone:
                del self._targets[port]
                self._ports.release(port)

    def _listed(self) -> list[str]:
        with self._lock:
            return [
                f"host-{connection.number} tcp:{port} {target}\n"
                for port, (connection, target) in sorted(self._targets.items())
            ]


def read_port(text: str) -> int | None:
    """Read a port number; None for what is none."""
    if not text.isascii() or not text.isdigit() or len(text) > 5 or int(text) > 65535:
        return None
    return int(text)


def _local_port(local: str) -> int:
    """Read ``tcp:PORT``. Raises _Refused."""
    kind, _, number = local.partition(":")
    port = read_port(number)
    if kind != "tcp" or port is None:
        raise _Refused(f"unknown socket specification '{local[:40]}'; this phone listens on tcp:N")
    return port


def _carry(sock: socket.socket, stream: Stream) -> None:
    pump(stream, sock)


def _string(text: str) -> bytes:
    """Return a text with its length before it, four hexadecimal digits."""
    content = text.encode("utf-8", "replace")[:0xFFFF]
    return f"{len(content):04x}".encode() + content
