"""The third witness: the failure report that the app's owner received."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailureReport:
    """A pin validation failure as stored by the collector (fields of RFC 7469 section 3)."""

    id: str
    host: str
    port: int
    at: float
    """When the client says that it happened: epoch seconds on the device's clock."""
    received_at: float
    """When the collector had it on disk: epoch seconds on the lab's clock."""
    error: str
    """The documented error name, such as ``PinsMismatch``."""
    served_chain: tuple[str, ...]
    """SHA-256 of each reported certificate's DER, leaf first, lower-case hex."""
    known_pins: tuple[str, ...]
    """The pins that the client held for the host, as ``kind=base64``."""
    device: str = ""
    """Who sent it, where the client says so."""
