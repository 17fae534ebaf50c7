"""The app witness: what the app under test said about one attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lab.model.monitored import MonitoredConnection


class Answer(StrEnum):
    """What the app said."""

    ACCEPTED = "accepted"
    """The app says that the request was answered."""
    REFUSED = "refused"
    """The app says that it failed, and why."""
    SILENT = "silent"
    """The app said nothing before the cap, crashed, or could not be asked."""


class ErrorKind(StrEnum):
    """Why the app says that it failed."""

    PIN = "pin"
    PINS_EXPIRED = "pins_expired"
    UNREGISTERED = "unregistered"
    CHAIN = "chain"
    NAME = "name"
    TIME = "time"
    TLS = "tls"
    """A failure of the handshake itself: no shared version, an alert from the server."""
    CONFIGURATION = "configuration"
    """The pinning configuration could not be had or was refused."""
    NETWORK = "network"
    """Name not found, connection refused or reset, timeout."""
    HTTP = "http"
    """Something answered, but not what the app needs (a portal, an error page)."""
    UNKNOWN = "unknown"


PIN_KINDS = frozenset({ErrorKind.PIN, ErrorKind.PINS_EXPIRED, ErrorKind.UNREGISTERED})
"""The definitive verdicts of the pinning SDK: those which it documents an event for."""


DOCUMENTED_ERRORS: Mapping[str, ErrorKind] = {
    "PinsMismatch": ErrorKind.PIN,
    "AllPinsExpired": ErrorKind.PINS_EXPIRED,
    "DomainNotRegistered": ErrorKind.UNREGISTERED,
    "InvalidServerCert": ErrorKind.CHAIN,
    "InvalidProjectConfig": ErrorKind.CONFIGURATION,
    "ErrorFetchingPinningInfo": ErrorKind.CONFIGURATION,
    "ConfigurationValidationFailed": ErrorKind.CONFIGURATION,
    "ConfigIntegrityError": ErrorKind.CONFIGURATION,
    "NotInitialized": ErrorKind.CONFIGURATION,
    "SetupInProgress": ErrorKind.CONFIGURATION,
    "AlreadyInitialized": ErrorKind.CONFIGURATION,
    "Timeout": ErrorKind.NETWORK,
    "LockTimeout": ErrorKind.UNKNOWN,
    "SSLContextSetupFailed": ErrorKind.UNKNOWN,
    "UnsupportedDevice": ErrorKind.UNKNOWN,
}
"""The SDK's documented error names (contract section 3.1, Kotlin's spelling) and their kinds. The
last three say nothing about the connection: the SDK or the device is not fit for a test."""


@dataclass(frozen=True, slots=True)
class AppOutcome:
    """The app's own account of one attempt."""

    answer: Answer
    kinds: frozenset[ErrorKind] = field(default_factory=frozenset)
    """The kinds of error that the app's words can mean; empty when accepted. A client that
    tells less (curl's exit code 60 is chain, name or time) names several."""
    code: str | None = None
    """The documented error name, such as ``PinsMismatch``, or an exit code."""
    message: str = ""
    log: tuple[str, ...] = ()
    system_log: tuple[str, ...] = ()
    """What the phone's own log says meanwhile, where that is where the app reports to."""
    screenshot: str | None = None
    """File name of a PNG in the run's folder."""
    seconds: float = 0.0
    commands: int = 0
    """Automation commands that this attempt cost."""
    monitored: tuple[MonitoredConnection, ...] | None = None
    """The app's connections meanwhile, as the phone's own network monitor tells them; None where
    there was none to ask."""
