"""The listening side of the adb daemon."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from lab.phone.android.adbd.auth import AuthorizedKeys, KeyPolicy
from lab.phone.android.adbd.connection import Connection
from lab.phone.android.adbd.limits import Limits
from lab.phone.android.adbd.services import Services
from lab.phone.android.adbd.wire import Wire
from lab.phone.android.shell import Shell
from lab.phone.android.system import AndroidSystem

FEATURES = ("shell_v2", "cmd", "stat_v2")
FOLDERS = ("/data/local/tmp", "/sdcard")
"""Folders that adb's users count on: what is pushed there must not become a file of that name."""
END_CAP = 0.3
"""Seconds to wait for the threads on closing; what still works then is left alone."""
_NAMES = ("ro.product.name", "ro.product.model", "ro.product.device")


class Adbd:
    """Listens on 127.0.0.1 until closed; ``port`` 0 is a free one.

    ``features`` are announced to the other side: without ``shell_v2`` it gets no exit codes,
    without ``stat_v2`` it asks for less of a file, as with old phones.
    Raises OSError where the port is not to be had.
    """

    def __init__(
        self,
        system: AndroidSystem,
        *,
        port: int = 0,
        keys: KeyPolicy = KeyPolicy.ACCEPT,
        features: Sequence[str] = FEATURES,
        limits: Limits | None = None,
    ) -> None:
        self._system = system
        for folder in FOLDERS:
            system.phone.files.make_folder(folder)
        self._policy = keys
        self._features = features
        self._limits = limits or Limits()
        self._keys = AuthorizedKeys(system.phone.files)
        self._services = Services(system, self._drop)
        self._lock = threading.Lock()
        self._open: dict[Connection, threading.Thread] = {}
        self._count = 0
        self._closed = self._ended = False
        self._listen(port)
        self.port: int = self._socket.getsockname()[1]
        system.boot.on_reboot(self._stop, self._go_on)

    def close(self) -> None:
        """End every connection and stop listening. May be repeated."""
        with self._lock:
            self._ended = True
        self._stop()

    def _listen(self, port: int) -> None:
        """Begin to listen. Raises OSError."""
        self._socket = socket.create_server(("127.0.0.1", port), backlog=128)
        self._closed = False
        self._accepting = threading.Thread(
            target=self._accept, args=(self._socket,), name="adbd", daemon=True
        )
        self._accepting.start()

    def _go_on(self) -> None:
        """Listen again, after the phone has restarted."""
        with self._lock:
            if self._ended or not self._closed:
                return
            try:
                self._listen(self.port)
            except OSError as error:
                self._say(f"port {self.port} is not to be had any more: {error.strerror}")

    def _drop(self) -> None:
        """End every connection, as adbd does when it starts anew."""
        with self._lock:
            open_ones = list(self._open)
        for connection in open_ones:
            connection.end()

    def _stop(self) -> None:
        with self._lock:
            self._closed = True
            open_ones = list(self._open.items())
        deadline = time.monotonic() + END_CAP
        with suppress(OSError):
            # Closing would not wake the thread that waits on it; shutting down does.
            self._socket.shutdown(socket.SHUT_RDWR)
        for connection, _ in open_ones:
            connection.end()
        for connection, thread in open_ones:
            thread.join(max(0.0, deadline - time.monotonic()))
            connection.join(deadline)
        self._accepting.join(max(0.0, deadline - time.monotonic()))
        self._socket.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                if self._closed or listening is not self._socket:
                    return
                continue
            self._welcome(sock)

    def _welcome(self, sock: socket.socket) -> None:
        with self._lock:
            self._count += 1
            number = self._count
            full = len(self._open) >= self._limits.connections
            if full or self._closed:
                sock.close()
            else:
                connection = Connection(
                    Wire(sock, self._limits.message),
                    number,
                    banner=self._banner,
                    keys=self._keys,
                    policy=self._policy,
                    find=self._services.find,
                    say=self._say,
                    limits=self._limits,
                )
                thread = threading.Thread(
                    target=self._serve, args=(connection,), name=f"adbd {number}", daemon=True
                )
                self._open[connection] = thread
                thread.start()
        if full:
            self._say(f"connection {number}: there are {self._limits.connections} already; closed")

    def _serve(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._open.pop(connection, None)

    def _banner(self) -> bytes:
        """Return what the phone says of itself: properties and features."""
        shell = Shell(self._system)
        items = [f"{name}={_clean(shell.run(f'getprop {name}').stdout)}" for name in _NAMES]
        items.append(f"features={','.join(self._features)}")
        return f"device::{';'.join(items)}".encode()

    def _say(self, text: str) -> None:
        self._system.phone.log("adbd", "INFO", text)


def _clean(value: bytes) -> str:
    """Return a property's value without what has a meaning in a banner."""
    text = value.decode("utf-8", "replace").strip()
    return "".join(sign for sign in text if sign.isprintable() and sign not in ";,")
