"""What a device service is, and what carries one out on a connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from OpenSSL import SSL

from lab.phone.ios.lockdown.limits import Limits
from lab.phone.ios.lockdown.messages import ProtocolBroken
from lab.phone.ios.lockdown.wire import Wire


class Service(Protocol):
    """What answers on the connections to one service, each in a thread of its own."""

    def __call__(self, wire: Wire) -> None:
        """Serve one connection until its client leaves. Raises ProtocolBroken, OSError,
        EOFError."""


class Serving:
    """Carries services out on connections that it is handed, until closed.

    ``say`` takes lines for the phone's log. May be used from any thread.
    """

    def __init__(self, limits: Limits, say: Callable[[str], None]) -> None:
        self._limits = limits
        self._say = say
        self._lock = threading.Lock()
        self._open: set[Wire] = set()
        self._closed = False

    def run(
        self, sock: socket.socket, name: str, service: Service, tls: SSL.Context | None = None
    ) -> None:
        """Serve one connection until it ends, with TLS from its beginning where a context is
        given. Owns ``sock``. Raises nothing."""
        wire = Wire(sock, self._limits)
        with self._lock:
            self._open.add(wire)
            closed = self._closed
        try:
            if closed:
                return
            if tls is not None:
                wire.secure(tls, self._limits.greeting)
            service(wire)
        except ProtocolBroken as error:
            self._say(f"{name}: {error}; closed")
        except (EOFError, ConnectionError):
            # The client has left, which it need not announce.
            pass
        except OSError as error:
            self._say(f"{name}: {error}; closed")
        finally:
            with self._lock:
                self._open.discard(wire)
            with suppress(OSError):
                wire.close()

    def close(self) -> None:
        """End every connection. May be repeated."""
        with self._lock:
            self._closed = True
            open_ones = list(self._open)
        for wire in open_ones:
            wire.end()
