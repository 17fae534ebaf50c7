"""Opening a TCP connection, straight or through a gateway; failures in Android's words."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from lab.model.device import Endpoint
from lab.phone import socks
from lab.phone.means import Wire
from lab.phone.services import Cancellation, ConnectError, SocketTimeout
from lab.phone.socks import time_left


@dataclass(frozen=True, slots=True)
class Tcp:
    """Opens connections, each within ``timeout`` seconds. Methods raise PlatformError."""

    timeout: float
    cancellation: Cancellation
    source: str | None = None
    """Address that they come from; ignored where the system refuses it."""

    def deadline(self) -> float:
        """Return when what begins now must be done, in ``time.monotonic`` seconds."""
        return time.monotonic() + self.timeout

    def connect(
        self,
        endpoint: Endpoint,
        failure: str,
        wire: Wire | None = None,
        *,
        deadline: float | None = None,
    ) -> socket.socket:
        """Connect to ``endpoint``, in a network of the kernel's where one is given. ``failure`` is
        what the error says where that fails."""
        make = socket.socket if wire is None else wire.sockets.socket
        try:
            family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
            sock = make(family, socket.SOCK_STREAM)
        except OSError as error:
            raise ConnectError(failure) from error
        try:
            self.cancellation.watch(sock)
            if wire is None:
                _bind_source(sock, self.source)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(time_left(self.deadline() if deadline is None else deadline))
            sock.connect((endpoint.host, endpoint.port))
        except OSError as error:
            sock.close()
            self.cancellation.check()
            if isinstance(error, TimeoutError):
                raise self._too_late(failure) from error
            raise ConnectError(failure) from error
        except BaseException:
            sock.close()
            raise
        return sock

    def through_gateway(
        self, gateway: Endpoint, host: str, address: str, port: int
    ) -> socket.socket:
        """Connect to an address of ``host`` as the joined network's gateway does it."""
        failure = failed(host, address, port)
        deadline = self.deadline()
        sock = self.connect(gateway, failure, deadline=deadline)
        try:
            socks.ask(sock, address, port, deadline)
        except TimeoutError as error:
            sock.close()
            raise SocketTimeout(
                f"failed to connect to {_shown(host, address)} (port {port}) "
                f"after {self._milliseconds}ms"
            ) from error
        except (OSError, socks.Refused) as error:
            sock.close()
            self.cancellation.check()
            raise ConnectError(failure) from error
        except BaseException:
            sock.close()
            raise
        return sock

    def in_vain(self, failure: str) -> NoReturn:
        """Wait for an answer that never comes. Raises SocketTimeout, Cancelled."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.cancellation.watch(ours)
            ours.settimeout(self.timeout)
            with suppress(TimeoutError):
                ours.recv(1)
        self.cancellation.check()
        raise self._too_late(failure)

    def _too_late(self, failure: str) -> SocketTimeout:
        return SocketTimeout(f"{failure} after {self._milliseconds}ms")

    @property
    def _milliseconds(self) -> int:
        return round(self.timeout * 1000)


def failed(host: str, address: str, port: int) -> str:
    """Return what an error says where no connection came about."""
    return f"Failed to connect to {_shown(host, address)}:{port}"


def _bind_source(sock: socket.socket, source: str | None) -> None:
    """Let ``sock`` come from ``source`` where the system allows it."""
    if source is not None:
        with suppress(OSError):
            sock.bind((source, 0))


def _shown(host: str, address: str) -> str:
    """Return host and address the way that Android does."""
    literal = f"[{address}]" if ":" in address else address
    return f"{'' if host == address else host}/{literal}"
