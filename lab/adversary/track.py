"""A connection while it lives: what is known of it, and the arming it came under."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.adversary.classify import Course, Http2Watch
from lab.adversary.names import normal
from lab.model.anomaly import Anomaly
from lab.model.device import Endpoint
from lab.model.serving import Arming, HostPlan, HttpAnswer
from lab.model.wire import Alert, ConnectionRecord, WireClass

QUIET = 0.05
"""Seconds without a byte after which a relayed connection is taken for answered: nobody can read
what passes on it."""

ACKNOWLEDGEMENT = 48
"""Bytes that a client may send behind an answer: a frame of HTTP/2 that acknowledges or grants
something, in a TLS record. A request takes more."""


@dataclass(slots=True)
class Track:
    """What is known of a connection. Owned by the adversary's loop."""

    id: int
    device: str
    arming: int
    peer: str
    foreign: bool
    opened_at: float
    changed: Callable[[], None]
    """To be called when something of it has changed that others may wait for."""
    course: Course = field(default_factory=Course)
    received: int = 0
    """Bytes from the client as they came."""
    head_size: int = 0
    """Those of them that made up the head of a first HTTP request; 0 for not yet."""
    preamble: int = 0
    """Those of them that were for the route."""
    host: str | None = None
    port: int | None = None
    sni: str | None = None
    alpn_offered: tuple[str, ...] = ()
    alpn: str | None = None
    tls_version: str | None = None
    alert: Alert | None = None
    served_chain: tuple[str, ...] = ()
    request: str | None = None
    requests: int = 0
    """How many requests have begun inside the TLS that was taken off."""
    answered: int = 0
    """How many of them have been answered in full; counted in HTTP/2 only, as HTTP/1
    connections are closed behind their first answer."""
    resumed: bool = False
    early_data: bool = False
    authorities: tuple[str, ...] = ()
    anomaly: Anomaly | None = None
    misstep: str | None = None
    relayed_up: int = 0
    relayed_down: int = 0
    told_at: float | None = None
    """When something last passed after the genuine endpoint's answer, on the clock of ``born``;
    None while the endpoint is to answer."""
    _behind: int = 0
    """Bytes from the client since the genuine endpoint last said something."""
    fingerprint: str | None = None
    closed_at: float | None = None
    note: str | None = None
    secrets: list[bytes] = field(default_factory=list)
    """Lines of a TLS key log, of the TLS that the adversary spoke itself."""
    born: float = field(default_factory=time.monotonic)
    """As ``opened_at``, on a clock that nobody sets."""

    @property
    def target(self) -> str | None:
        """Where the client wants to go, None where nothing told."""
        return self.host or (normal(self.sni) if self.sni else None)

    @property
    def told(self) -> bool:
        """Whether the client has said anything about what it wants."""
        return self.target is not None or self.course.wire_class is not WireClass.TCP_ONLY

    @property
    def idle(self) -> bool:
        """Whether all that was asked has been answered, as far as that can be told."""
        if self.told_at is not None:
            return time.monotonic() - self.told_at >= QUIET
        return 0 < self.requests <= self.answered

    def take(self, size: int) -> None:
        """So many bytes came from the client."""
        self.received += size
        if self.course.clear:
            self.cleartext()

    def established(self, version: str, alpn: str | None) -> None:
        """The handshake with the adversary was finished."""
        self.course.established = True
        self.tls_version = version
        self.alpn = alpn
        if alpn == "h2":
            self.course.http2 = Http2Watch()
        self.changed()

    def plaintext(self, data: bytes) -> None:
        """Application bytes came, decrypted by now."""
        self.course.plaintext(data)
        self.changed()

    def cleartext(self) -> None:
        """What was not for the route are application bytes without TLS."""
        self.course.clear = True
        self.course.client_bytes = self.received - self.preamble
        self.changed()

    def relayed(self, *, up: int = 0, down: int = 0) -> None:
        """So many bytes of ciphertext were passed on from and to the client."""
        self.relayed_up += up
        self.relayed_down += down
        self._behind = 0 if down else self._behind + up
        if down:
            # A client that takes an answer has not ended, though it may have said its last word.
            self.closed_at = None
        if down or up:
            answered = bool(down) or (self.told_at is not None and self._behind <= ACKNOWLEDGEMENT)
            self.told_at = time.monotonic() if answered else None
        self.changed()

    def left(self) -> None:
        """The client of a relayed connection has ended its side. The genuine endpoint may take its
        time: what it does then is no affair of the client's, unless an answer still comes."""
        self.closed_at = time.time()
        self.changed()

    def record(self) -> ConnectionRecord:
        """Return what is known as of now."""
        return ConnectionRecord(
            id=self.id,
            device=self.device,
            arming=self.arming,
            peer=self.peer,
            host=self.target,
            port=self.port,
            wire_class=self.course.wire_class,
            sni=self.sni,
            alpn_offered=self.alpn_offered,
            alpn=self.alpn,
            tls_version=self.tls_version,
            alert=self.alert,
            served_chain=self.served_chain,
            client_bytes=self.course.client_bytes,
            request=self.request,
            relayed_bytes=(self.relayed_up, self.relayed_down),
            fingerprint=self.fingerprint,
            resumed=self.resumed,
            early_data=self.early_data,
            authorities=self.authorities,
            anomaly=self.anomaly,
            misstep=self.misstep,
            foreign=self.foreign,
            opened_at=self.opened_at,
            closed_at=self.closed_at,
            note=self.note,
        )


@dataclass(slots=True)
class Passage:
    """A connection on its way through the adversary: its track, its arming, what was decided."""

    track: Track
    arming: Arming
    genuine: Endpoint | None = None
    """The one endpoint that may be dialled for it, None while there is none."""
    answer: HttpAnswer | None = None
    """What is answered inside the TLS that was taken off."""

    @property
    def plan(self) -> HostPlan | None:
        """What happens to the host that this connection is for, None out of scope."""
        target = self.track.target
        return None if target is None else self.arming.plan_for(target)
