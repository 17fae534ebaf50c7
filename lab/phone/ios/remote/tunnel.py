"""The tunnel's other end: every service of the phone on a port of its own.

In a real tunnel each phone has an address (IPv6, unique local). Here it is one of 127.0.0.0/8,
which never leaves the machine.
"""

from __future__ import annotations

import secrets
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from lab.phone.ios.lockdown.limits import Limits
from lab.phone.ios.lockdown.service import Service, Serving

SHARED = "127.0.0.1"
"""The address where a system gives the loopback interface no other one."""
END_CAP = 0.3
"""Seconds to wait for the threads on closing; what still works then is left alone."""


def own_address() -> str:
    """Return an address of the loopback interface that no other phone has, or ``SHARED``."""
    second, third, fourth = (secrets.randbelow(size) for size in (64, 256, 254))
    address = f"127.{64 + second}.{third}.{1 + fourth}"
    try:
        socket.create_server((address, 0)).close()
    except OSError:
        return SHARED
    return address


class Tunnel:
    """Listens from construction until ``close``. May be used from any thread.

    ``services`` are what it leads to, by name; ``say`` takes lines for the phone's log. Raises
    OSError where there are no ports.
    """

    def __init__(
        self,
        address: str,
        services: Mapping[str, Service],
        say: Callable[[str], None],
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._say = say
        self._serving = Serving(self._limits, say)
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._closed = False
        self._selector = selectors.DefaultSelector()
        self._waking, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self.ports: dict[str, int] = {}
        """Where each service listens."""
        try:
            for name, service in services.items():
                listener = socket.create_server((address, 0), backlog=64)
                listener.setblocking(False)
                self._selector.register(listener, selectors.EVENT_READ, (name, service))
                self.ports[name] = listener.getsockname()[1]
        except OSError:
            self._let_go()
            raise
        self._accepting = threading.Thread(target=self._accept, name="usbmux tunnel", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """End every connection and stop listening. May be repeated."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            threads = list(self._threads)
        deadline = time.monotonic() + END_CAP
        self._waking.send(b"\0")
        self._serving.close()
        for thread in (self._accepting, *threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        self._let_go()

    def _let_go(self) -> None:
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        self._waking.close()
        self._selector.close()

    def _accept(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select():
                if key.data is None or not isinstance(key.fileobj, socket.socket):
                    return
                with suppress(OSError):
                    sock, _ = key.fileobj.accept()
                    self._welcome(sock, *key.data)

    def _welcome(self, sock: socket.socket, name: str, service: Service) -> None:
        thread = threading.Thread(
            target=self._serve, args=(sock, name, service), name="usbmux remote", daemon=True
        )
        with self._lock:
            full = self._closed or len(self._threads) >= self._limits.connections
            if not full:
                self._threads.add(thread)
                thread.start()
        # Said before the peer learns of it: who then looks into the log finds the reason there.
        if full:
            self._say(f"there are {self._limits.connections} connections already; closed")
            sock.close()

    def _serve(self, sock: socket.socket, name: str, service: Service) -> None:
        try:
            self._serving.run(sock, name, service)
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
