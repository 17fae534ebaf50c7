"""What a phone's own network monitor tells of an app: a witness beside the wire."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MonitoredConnection:
    """One connection of the app's, opened or used during an attempt, as the phone itself saw it."""

    pid: int
    """The app's process."""
    protocol: str
    """``tcp`` or ``udp``."""
    local: str
    """``address:port``, an IPv6 address in brackets; so is ``remote``."""
    remote: str
    interface: str
    """The phone's name for it: ``en0`` is Wi-Fi, ``pdp_ip0`` the mobile network."""
    on_route: bool
    """It leads to where the lab's route begins: the adversary's proxy, or the rogue Wi-Fi."""
    sent_bytes: int = 0
    """Bytes inside TCP or UDP, TLS and all, as far as the monitor has told by the end of the
    attempt: it counts now and then. So with ``received_bytes``."""
    received_bytes: int = 0
