"""What usbmuxd, lockdownd and the device services take before they hang up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are in seconds, sizes in bytes."""

    connections: int = 64
    """Connections to usbmuxd at one time; each is one to a phone later."""
    greeting: float = 10.0
    """For the first message of a connection, and for a TLS handshake."""
    message: float = 10.0
    """For a message from its first byte to its last, and for the peer to take one of ours."""
    idle: float = 60.0
    """Between two messages of a peer that has not shown that it is paired."""
    request: int = 1024 * 1024
    """Size of a message to usbmuxd or lockdownd."""
    service_request: int = 12 * 1024 * 1024
    """Size of a message to a device service: a profile, or a block of a file."""
    started: int = 64
    """Services that were started and that nobody has connected to yet."""
    pairings: int = 100
    """Computers that one phone is paired with."""
