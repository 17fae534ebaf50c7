"""The third witness: the failure report that the app's owner received."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReportWay(StrEnum):
    """Where an app tells its owner or user about a refusal."""

    HTTP = "http"
    """In a report to the collector."""
    LOG = "log"
    """In the phone's log, which a crash reporter or a log sink takes up."""
    UI = "ui"
    """On its screen."""


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
