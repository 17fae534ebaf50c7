"""What the adb daemon takes before it hangs up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one daemon; times in seconds."""

    connections: int = 32
    streams: int = 128
    """Streams that are open on one connection."""
    unread: int = 8 * 1024 * 1024
    """Bytes that one connection has sent and the phone's services have not read."""
    message: float = 10.0
    """For a message from its first byte to its last, and for the peer to take one of ours."""
    greeting: float = 10.0
    """For the first message of a connection, and for each answer to a token."""
    consent: float = 60.0
    """That a connection with a key that is not accepted may stay."""
    tokens: int = 32
    """Signatures that a connection may try."""
    accept: float = 5.0
    """For the peer to accept a stream that the phone opens."""
