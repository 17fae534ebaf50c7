"""The wire witness: what the adversary saw of a device's connections."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.model.anomaly import Anomaly


class WireClass(StrEnum):
    """What one connection (or, for ``NO_ATTEMPT``, a whole attempt) came to.

    A finished handshake is not an accepted connection: a TLS 1.3 client that refuses a
    certificate usually finishes the handshake and closes without a byte of application data.
    Only application data proves interception.
    """

    NO_ATTEMPT = "no_attempt"
    """Nothing reached the adversary."""
    TCP_ONLY = "tcp_only"
    """A TCP connection, no complete ClientHello."""
    HANDSHAKE_REJECTED = "handshake_rejected"
    """The handshake was ended by an alert, by EOF or by a reset."""
    ESTABLISHED_ZERO_APPDATA = "established_zero_appdata"
    """The handshake was finished, then not one byte of application data followed."""
    PREFACE_ONLY = "preface_only"
    """Only the HTTP/2 preface and connection control frames, no request (RFC 9113 section 3.4)."""
    INTERCEPTED = "intercepted"
    """Request or payload bytes reached the adversary inside TLS."""
    CLEARTEXT = "cleartext"
    """Application protocol without TLS."""
    RELAYED = "relayed"
    """Passed through unopened: the adversary saw ciphertext only."""


REJECTED = frozenset({WireClass.HANDSHAKE_REJECTED, WireClass.ESTABLISHED_ZERO_APPDATA})
"""The shapes of the same rejection; which one appears depends on the client's TLS stack."""

LEAKED = frozenset({WireClass.INTERCEPTED, WireClass.CLEARTEXT})
"""The classes in which application bytes reached the adversary."""


class TlsVersion(StrEnum):
    """A TLS version that the adversary negotiates."""

    TLS12 = "tls1.2"
    TLS13 = "tls1.3"


@dataclass(frozen=True, slots=True)
class Alert:
    """A TLS alert (RFC 8446 section 6): its code, its registered name, and who sent it."""

    code: int
    name: str
    sent_by_client: bool
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Crossing:
    """How much of a connection crossed a network of the kernel's, as its capture shows it."""

    packets: tuple[int, int]
    """TCP segments (from, to) the client, each as often as it was sent."""
    bytes: tuple[int, int]
    """Bytes inside them (from, to) the client, TLS and all, each once."""


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """One connection as the adversary saw it."""

    id: int
    """Unique within a run, in the order in which connections were opened."""
    device: str
    arming: int
    """Number of the arming that was in force when the connection was opened."""
    peer: str
    """Source ``address:port``."""
    host: str | None
    """Where the client wanted to go: the name it gave the route, else its SNI, else the name
    that stands for the address it dialled. None where nothing told."""
    port: int | None
    wire_class: WireClass
    sni: str | None = None
    alpn_offered: tuple[str, ...] = ()
    alpn: str | None = None
    tls_version: str | None = None
    alert: Alert | None = None
    """The alert that ended the connection, if one did. A close_notify is not kept."""
    served_chain: tuple[str, ...] = ()
    """SHA-256 of each certificate's DER in the order served, lower-case hex."""
    client_bytes: int = 0
    """Application bytes from the client, after TLS was taken off."""
    request: str | None = None
    """First request line and the *names* of its headers; values are never kept."""
    relayed_bytes: tuple[int, int] = (0, 0)
    """Ciphertext bytes that were passed (from, to) the client."""
    fingerprint: str | None = None
    """Stable digest of the ClientHello's versions, suites and extensions without GREASE."""
    resumed: bool = False
    """The handshake resumed a session under one of the adversary's own tickets: no certificate
    was sent in it."""
    early_data: bool = False
    """The ClientHello announced early data (RFC 8446 section 4.2.10)."""
    authorities: tuple[str, ...] = ()
    """The hosts that its requests were for, as they said inside TLS; others than ``host`` where
    the client shares a connection between hosts (RFC 9113 section 9.1.1)."""
    anomaly: Anomaly | None = None
    """The anomaly of the handshake that went out on this connection."""
    misstep: str | None = None
    """What the client did that no correct client does in a handshake, whatever is served: in
    words that go on from "The client ..."."""
    foreign: bool = False
    """The connection did not come from the device's own address; it never counts in a verdict."""
    opened_at: float = 0.0
    """Epoch seconds."""
    closed_at: float | None = None
    """Epoch seconds; None while the connection is still open."""
    note: str | None = None
    """What ended the connection, in words, where that is known."""
    crossed: Crossing | None = None
    """How much of it is in the scenario's capture; None where there is none, or nothing in it."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """One DNS question that the network's resolver was asked, and what it answered."""

    device: str
    arming: int
    name: str
    kind: str
    answer: str
    """Addresses joined by a comma, or the DNS status (NXDOMAIN, SERVFAIL, TIMEOUT)."""
    at: float
    """Epoch seconds."""
