"""The seam between the phone's network and whatever rewrites its connections."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lab.model.device import Endpoint

ROUTER = "192.168.43.1"
"""The address that the joined network's router and resolver have, to the phone."""
DNS_PORT = 53
DNS_USER = 1051
"""Who asks the resolver for the apps (AOSP, netd: ``dns``)."""

Loopback = Callable[[int], socket.socket | None]
"""Opens a connection to one of the phone's own ports; None where nothing of its own listens."""


class Transport(StrEnum):
    """What connections are made over."""

    TCP = "tcp"
    UDP = "udp"


class Fate(StrEnum):
    """What becomes of a connection."""

    PASS = "pass"  # noqa: S105 - no password
    REJECT = "reject"
    """The caller is told at once that it is refused."""
    DROP = "drop"
    """Nothing ever comes back."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A connection that somebody on the phone wants to open."""

    protocol: Transport
    host: str
    """An address."""
    port: int
    uid: int = 0


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided about a flow."""

    fate: Fate = Fate.PASS
    target: Endpoint | None = None
    """Where it leads instead; None where it is left as it is."""


class Firewall(Protocol):
    """Decides about the connections that the phone opens. May be used from any thread."""

    def decide(self, flow: Flow) -> Ruling: ...


class NoFirewall:
    """Leaves everything as it is."""

    def decide(self, _: Flow) -> Ruling:
        return Ruling()
