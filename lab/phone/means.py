"""What the phone opens connections with: its network settings, its rules, its networks."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lab.model.device import Endpoint, Network
from lab.phone.routing import Firewall, Loopback


class SocketMaker(Protocol):
    """Makes sockets in some network of the kernel's (``lab.network.kernel.namespace``)."""

    def socket(self, family: int, type: int, proto: int = 0) -> socket.socket:
        """Return a socket that is in that network. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A network of the kernel's: what is opened there goes where it is routed, as it is."""

    sockets: SocketMaker
    resolver: Endpoint
    """The resolver, as it is reached from inside."""


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """What the phone's network settings say."""

    joined: Network | None = None
    http_proxy: Endpoint | None = None
    source: str | None = None
    """Address that the phone's own connections come from; ignored where the system refuses it."""
    private_dns: str = ""
    """The one resolver that is to be asked, over TLS; empty where the network's own is."""
    tunnel: Wire | None = None
    """The VPN that is up: everything goes through it, lookups too."""
    air: Wire | None = None
    """The joined network, where the phone has an interface of its own there."""


@dataclass(frozen=True, slots=True)
class Means:
    """What connections are opened with; it does not change any more."""

    settings: NetworkSettings
    firewall: Firewall
    loopback: Loopback | None
    anchors: Callable[[], tuple[bytes, ...]]
    uid: int
    """Who asks for the connection."""
