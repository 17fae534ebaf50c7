"""A phone without network settings: its clock is set by hand and every host has an address."""

from __future__ import annotations

import socket
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from lab.model.device import Endpoint
from lab.phone.services import (
    Cancellation,
    ClearConnection,
    ConnectError,
    SocketTimeout,
    UnknownHost,
)
from tests.patience import CAP

NOON = 1_800_000_000.0


@dataclass
class TestPhone:
    """Implements ``PhoneServices``."""

    __test__ = False

    clock: float = NOON
    anchors: tuple[bytes, ...] = ()
    user_anchors: tuple[bytes, ...] = ()
    addresses: dict[str, Endpoint] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)
    """The host of each connection that was opened."""
    open: dict[str, weakref.WeakSet[socket.socket]] = field(default_factory=dict)
    """What was opened to each host."""
    changed: threading.Condition = field(default_factory=threading.Condition)
    """Notified of each line, each connection and whatever a test adds."""

    def now(self) -> float:
        return self.clock

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        if host not in self.addresses:
            raise UnknownHost(host)
        endpoint = self.addresses[host]
        sock = socket.socket()
        try:
            (cancellation or Cancellation()).watch(sock)
            sock.settimeout(timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect((endpoint.host, endpoint.port))
        except TimeoutError as error:
            sock.close()
            raise SocketTimeout("timeout") from error
        except OSError as error:
            sock.close()
            raise ConnectError(f"Failed to connect to {host}") from error
        except BaseException:
            sock.close()
            raise
        with self.changed:
            self.connected.append(host)
            self.open.setdefault(host, weakref.WeakSet()).add(sock)
            self.changed.notify_all()
        return sock

    def hang_up(self, host: str) -> None:
        """End what is open to ``host``, as another network does."""
        for sock in self.open.pop(host, ()):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def connect_clear(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> ClearConnection:
        return ClearConnection(self.connect(host, port, timeout, cancellation), False)

    def look_up(
        self, host: str, timeout: float, cancellation: Cancellation | None = None
    ) -> tuple[str, ...]:
        return (self.addresses[host].host,) if host in self.addresses else ()

    def trust_anchors(self, user_store: bool) -> tuple[bytes, ...]:
        return self.anchors + self.user_anchors if user_store else self.anchors

    def log(self, tag: str, level: str, message: str) -> None:
        with self.changed:
            self.lines.append(f"{level} {tag}: {message}")
            self.changed.notify_all()

    def logged(self, part: str) -> int:
        """Return in how many lines ``part`` stands."""
        return sum(part in line for line in self.lines)

    def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until ``predicate`` holds; it is looked at after each change."""
        with self.changed:
            assert self.changed.wait_for(predicate, CAP)
