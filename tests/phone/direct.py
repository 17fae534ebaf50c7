"""A phone that reaches the servers of a test without any network of its own."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.model.device import Endpoint
from lab.phone.services import Cancellation, ClearConnection, ConnectError, UnknownHost


@dataclass
class DirectPhone:
    """Implements ``PhoneServices``. Every port of a host leads to the host's one endpoint."""

    clock: float
    anchors: tuple[bytes, ...] = ()
    user_anchors: tuple[bytes, ...] = ()
    hosts: dict[str, Endpoint] = field(default_factory=dict)

    def find(self, hosts: Mapping[str, Endpoint]) -> None:
        """Let hosts be found there from now on."""
        self.hosts.update(hosts)

    def now(self) -> float:
        return self.clock

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        if host not in self.hosts:
            raise UnknownHost(host)
        try:
            sock = socket.create_connection((self.hosts[host].host, self.hosts[host].port), timeout)
        except OSError as error:
            raise ConnectError(f"Failed to connect to {host}:{port}") from error
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def connect_clear(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> ClearConnection:
        return ClearConnection(self.connect(host, port, timeout, cancellation), False)

    def look_up(
        self, host: str, timeout: float, cancellation: Cancellation | None = None
    ) -> tuple[str, ...]:
        return (self.hosts[host].host,) if host in self.hosts else ()

    def trust_anchors(self, user_store: bool) -> tuple[bytes, ...]:
        return self.anchors + self.user_anchors if user_store else self.anchors

    def log(self, tag: str, level: str, message: str) -> None:
        raise AssertionError(f"nothing to log: {level} {tag}: {message}")
