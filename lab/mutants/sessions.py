"""Mutants: what is made of TLS sessions that outlive their connection."""

from __future__ import annotations

from lab.mutants.early import EarlyHttp
from lab.mutants.registry import FACTS, LOCKED_OUT, mutant
from lab.phone.exchange import Request
from lab.phone.http import HttpClient
from lab.phone.link import Patience
from lab.phone.pool import Line
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.errors import PinsMismatch
from lab.phone.sessions import Sessions
from lab.phone.tls import TlsConnection
from lab.phone.url import Url

TICKET_CAP = 1.0
"""Seconds to wait for a ticket of a server that may send none."""


def _is_resumed(line: Line) -> bool:
    return isinstance(line.secured, TlsConnection) and line.secured.is_resumed


class _UncheckedOnResumption(HttpClient):
    def approve(self, request: Request, line: Line) -> None:
        if not _is_resumed(line):
            super().approve(request, line)


@mutant("resumption skips the check", killed_by=["resumed_after_pins_expired"])
class ResumptionSkipsCheck(ReferenceClient):
    """Checks pins in a callback for the server's certificates (``X509TrustManager``), which a
    resumed handshake does not have. Only sessions of accepted servers are kept, so it takes pins
    that have changed since to get past it."""

    http_class = _UncheckedOnResumption


class _RemembersAll(HttpClient):
    """Keeps sessions as the TLS library hands them out."""

    def approve(self, request: Request, line: Line) -> None:
        if isinstance(line.secured, TlsConnection) and not line.secured.is_resumed:
            # Under TLS 1.3 the tickets come behind the handshake.
            line.secured.wait_for_ticket(TICKET_CAP)
            self.remember(line)
        super().approve(request, line)


class _RemembersAllUnchecked(_RemembersAll, _UncheckedOnResumption):
    """Keeps them, and checks nothing when one is resumed."""


@mutant(
    "resumes the sessions of refused connections, unchecked",
    killed_by=["ticket_of_a_refused_connection"],
)
class ResumesRefusedSessions(ReferenceClient):
    """Leaves the session cache to the TLS library, which fills it whatever the pin check says
    later, and checks nothing on resumption. The second request goes to the rogue; the first one
    was refused by the book."""

    http_class = _RemembersAllUnchecked


class _OneForAll(Sessions):
    def key(self, host: str, port: int) -> object:
        return port


@mutant("offers a session of one host to all others", killed_by=["ticket_of_another_host"])
class SharesSessionsBetweenHosts(ReferenceClient):
    """Keys its session cache by port, as caches keyed by address do behind one proxy or CDN
    (Delignat-Lavaud and Bhargavan, "Network-based Origin Confusion Attacks", WWW 2015). What was
    agreed with a host without pins is continued with a pinned one."""

    http_class = _UncheckedOnResumption
    sessions_class = _OneForAll


class _TrustsTheKnown(HttpClient):
    def line(self, url: Url, patience: Patience) -> Line:
        known = self.sessions is not None and self.sessions.knows(url.host, url.port)
        line = super().line(url, patience)
        line.is_reused = known
        return line

    def approve(self, request: Request, line: Line) -> None:
        if not line.is_reused:
            super().approve(request, line)


@mutant(
    "checks no pins of a host that it holds a ticket of",
    killed_by=["genuine_ticket_offered_to_rogue"],
)
class TrustsHostsWithATicket(ReferenceClient):
    """Decides by what it offered in the handshake, not by what the server took up: with a ticket
    at hand it expects a resumption and skips the check. A rogue that cannot read the ticket gets
    a full handshake and the request."""

    http_class = _TrustsTheKnown


class _WantsCertificates(HttpClient):
    def approve(self, request: Request, line: Line) -> None:
        if _is_resumed(line):
            raise PinsMismatch("peer not authenticated")
        super().approve(request, line)


@mutant(
    "refuses resumed sessions, as they have no certificates",
    killed_by=["resumed_session_is_accepted"],
    rules=[*LOCKED_OUT, *FACTS],
)
class NeedsCertificates(ReferenceClient):
    """Asks the handshake for the peer's certificates and takes their absence for an attack
    (``SSLPeerUnverifiedException: peer not authenticated``, a classic of resumed sessions in Java
    clients). Every second request fails, against servers with tickets alone."""

    http_class = _WantsCertificates


class _Early(EarlyHttp, _RemembersAll):
    """Sends early data under whatever ticket there is."""


@mutant(
    "sends early data under the ticket of a refused connection",
    killed_by=["early_data_under_a_rogue_ticket"],
)
class SendsEarlyData(ReferenceClient):
    """Turns 0-RTT on for speed and keeps tickets as they come. The request leaves with the
    ClientHello, before there is anything to check (RFC 8446 section 2.3, appendix E.5)."""

    http_class = _Early
