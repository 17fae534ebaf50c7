"""What an adversary does with a connection: the vocabulary in which attacks are written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from lab.model.anomaly import Anomaly
from lab.model.wire import TlsVersion


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What is answered to a request that the client was willing to send."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    body: bytes = b'{"status":"ok","served-by":"adversary"}'


@dataclass(frozen=True, slots=True)
class Terminate:
    """Take TLS off with this chain and key, and answer whatever is asked."""

    chain: tuple[bytes, ...]
    """DER certificates in the order of the Certificate message, leaf first."""
    key: bytes = field(repr=False)
    """The leaf's private key, PKCS#8 DER. Kept out of ``repr`` and of every record."""
    answer: HttpAnswer = HttpAnswer()
    protocols: tuple[str, ...] = ("h2", "http/1.1")
    """Application protocols that are agreed on where the client offers them (ALPN, RFC 7301), in
    the client's order of preference; none: the extension is ignored."""
    tickets: bool = False
    """Whether sessions can be resumed: tickets are issued, and those of this very serving
    taken (RFC 8446 section 2.2, RFC 5077)."""
    early_data: bool = False
    """Whether the tickets allow early data and it is read (RFC 8446 section 2.3)."""
    anomaly: Anomaly | None = None
    """What is done wrong on the way; None for nothing. Tickets are not issued then."""

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of each certificate of the chain, leaf first, lower-case hex."""
        return tuple(hashlib.sha256(certificate).hexdigest() for certificate in self.chain)


@dataclass(frozen=True, slots=True)
class Relay:
    """Pass through to the genuine endpoint without opening."""


class Interference(StrEnum):
    """What a network can do without any certificate."""

    REFUSE = "refuse"
    """Close the connection at once (the route's own refusal, or a reset)."""
    BLACK_HOLE = "black_hole"
    """Take the connection and never answer."""


@dataclass(frozen=True, slots=True)
class Interfere:
    """Refuse the connection or let it starve."""

    how: Interference


@dataclass(frozen=True, slots=True)
class Plain:
    """Answer cleartext HTTP on a port that is not TLS."""

    answer: HttpAnswer = HttpAnswer()


Serving = Terminate | Relay | Interfere | Plain


class DnsLie(StrEnum):
    """What the resolver of a rogue network does with a name."""

    HONEST = "honest"
    ATTACKER_ADDRESS = "attacker_address"
    """Answer with the attacker's own address."""
    ATTACKER_ADDRESS_6 = "attacker_address_6"
    """Answer with the attacker's own IPv6 address, and with no other."""
    NXDOMAIN = "nxdomain"
    SILENCE = "silence"


class Gateway(StrEnum):
    """Who is the gateway of the network that the device has joined."""

    OWNER = "owner"
    """The attacker: the network is his."""
    HONEST = "honest"
    """Somebody honest: the attacker is a station like any other, and looks on."""
    POISONED = "poisoned"
    """The attacker, who has told the device by ARP that the honest gateway's address is his."""


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What happens to one host while an attack is armed."""

    serving: Serving
    cleartext: Serving = field(default_factory=Relay)
    """For connections to ports other than the host's TLS port."""
    dns: DnsLie = DnsLie.HONEST
    dns_delay: float = 0.0
    """Seconds that the resolver lets questions for the host wait."""
    delay: float = 0.0
    """Seconds that a connection to the host's address waits before anything on it is read."""
    spared: int = 0
    """So many TLS connections are passed through unopened before ``serving`` begins."""
    gateway: Gateway = Gateway.OWNER
    """By whom the device's packets go, those for other hosts too."""

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of the certificates that are served, leaf first; empty where none is."""
        return self.serving.digests if isinstance(self.serving, Terminate) else ()


@dataclass(frozen=True, slots=True)
class Arming:
    """Everything an adversary needs to know to attack one device: host by host."""

    label: str
    hosts: tuple[tuple[str, HostPlan], ...]
    """Declared hosts, lower case. A host that is not named here is never opened."""
    versions: tuple[TlsVersion, ...] = (TlsVersion.TLS12, TlsVersion.TLS13)
    """The TLS versions that the adversary is willing to speak."""

    @property
    def gateway(self) -> Gateway:
        """By whom the device's packets go."""
        others = (plan.gateway for _, plan in self.hosts if plan.gateway is not Gateway.OWNER)
        return next(others, Gateway.OWNER)

    def plan_for(self, host: str) -> HostPlan | None:
        """Return the plan of ``host``, None where the host is not declared."""
        return next((plan for name, plan in self.hosts if name == host), None)
