"""Chapter G, continued: TLS sessions that outlive the connection in which they were judged."""

from __future__ import annotations

from dataclasses import replace

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.model.attack import Concern, Control, Need, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import HostPlan, Terminate
from lab.pki.authority import Leaf

ONE_SESSION = (Need.SEVERAL_REQUESTS,)
TWO_DAYS = 2 * 24 * 60 * 60.0


def _with_tickets(serving: Terminate, *, early_data: bool = False) -> Terminate:
    return replace(serving, tickets=True, early_data=early_data)


@entry(
    "G7",
    "Genuine server's ticket offered to a rogue",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=ONE_SESSION,
    tickets=True,
)
def genuine_ticket_offered_to_rogue(ground: Ground) -> Terminate:
    """Served: the genuine server lets its TLS session be resumed, and the app gets a ticket in the
    benign request. Then a rogue with a leaf from a CA in the system store answers; it cannot read
    that ticket, so the handshake is a full one with the rogue's certificate.

    Correct client: looks at what the server did, not at what it offered: the session was not
    resumed, so chain and pins are checked as on first contact, and it refuses by pin.

    Why it goes wrong: the check is left out for a host that is "known", because a ticket is held
    for it. An app that does this sends its request to anybody once it has talked to the genuine
    server. To mend: check after the handshake, whatever was offered in it.

    On the wire: a ClientHello with a pre_shared_key (TLS 1.3) or a session ticket (TLS 1.2), a
    full handshake, and no application data.
    """
    return _with_tickets(terminate(ground.pki.compromised.issue(ground.host)))


@entry(
    "G7",
    "Ticket of a refused connection",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=ONE_SESSION,
    repeats=2,
)
def ticket_of_a_refused_connection(ground: Ground) -> Terminate:
    """Served: a rogue with a leaf from a CA in the system store issues session tickets, also to
    the connection that is refused. The app tries twice, and the rogue resumes whatever session
    is offered.

    Correct client: refuses twice. It forgets the session whose pins failed, or checks the pins of
    a resumed session as well.

    Why it goes wrong: TLS libraries store sessions as the tickets come in, and know nothing of
    the pin check that follows. A resumed handshake brings no certificate: a check that hangs on
    the arrival of one is not called the second time, and the app sends its request to the
    rogue. To mend: drop the session when the check fails, and check the session's certificates
    on resumption.

    On the wire: two connections without application data; the second may be resumed.
    """
    return _with_tickets(terminate(ground.pki.compromised.issue(ground.host)))


@entry(
    "G7",
    "Ticket of another host",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=(*ONE_SESSION, Need.PERMISSIVE),
    configuration="permissive",
    beside={hosts.UNREGISTERED: accept()},
    beside_first=True,
    versions=TLS13_ONLY,
)
def ticket_of_another_host(ground: Ground) -> dict[str, HostPlan]:
    """Served: one leaf for two hosts from a CA in the system store. The app, which is permissive,
    requests the host without pins first and is given a ticket; then it requests the pinned host,
    and the rogue resumes any session that it is offered.

    Correct client: offers the ticket to no other host (RFC 8446 section 4.6.1 wants the same
    server name), makes a full handshake with the pinned host and refuses by pin.

    Why it goes wrong: a session cache keyed by address and port, or by nothing at all, carries
    the trust in one host over to another (origin confusion; Delignat-Lavaud and Bhargavan, WWW
    2015). The pinned request then goes out on a session in which no pin was ever asked for. To
    mend: keep sessions by host name and port, and check pins on resumption, too.

    On the wire: the pinned host's connection is not resumed and carries no application data.
    """
    both = ground.pki.compromised.issue(Leaf((hosts.UNREGISTERED, ground.host)))
    # The connection must end, or the second request could go out on it (that is G9).
    plan = HostPlan(replace(_with_tickets(terminate(both)), protocols=("http/1.1",)))
    return {ground.host: plan, hosts.UNREGISTERED: plan}


@entry(
    "G7",
    "Session resumed after its pins have expired",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PINS_EXPIRED),
    host=hosts.EXPIRING,
    needs=(*ONE_SESSION, Need.PIN_EXPIRY, Need.CLOCK),
    clock_offset=TWO_DAYS,
    tickets=True,
)
def resumed_after_pins_expired(ground: Ground) -> Terminate:
    """Served: the same server with the genuine chain, before and after the expiry of its pins. It
    resumes the session that it gave the app a ticket for while the pins were alive; the device's
    clock is two days ahead by then.

    Correct client: checks the pins of a resumed session as of now, and refuses: AllPinsExpired.

    Why it goes wrong: a pin that has expired or was withdrawn (a stolen key) goes on being
    trusted for as long as its sessions can be resumed, which the server decides, up to seven days
    at a time (RFC 8446 section 4.6.1). To mend: check pins on every connection, against the
    certificates that the session remembers.

    On the wire: a full or a resumed handshake, and no application data.
    """
    return _with_tickets(terminate(ground.pki.genuine(ground.host)))


@entry(
    "G7",
    "Genuine session is resumed",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=ONE_SESSION,
    repeats=2,
)
def resumed_session_is_accepted(ground: Ground) -> Terminate:
    """Served: the genuine chain by a server that issues tickets, ends the connection behind each
    answer, and resumes the session on the next connection.

    Correct client: completes both requests. Whether it resumes is its own affair; where it does,
    the pins are checked against the certificates that the session remembers.

    Why it goes wrong: a resumed handshake has no certificates, and a client that asks the
    handshake for them gets none: SSLPeerUnverifiedException, "peer not verified", on every second
    request, seen only against servers with tickets. To mend: take them from the session.

    On the wire: both requests are read by the responder.
    """
    genuine = terminate(ground.pki.genuine(ground.host))
    return replace(_with_tickets(genuine), protocols=("http/1.1",))


@entry(
    "G8",
    "Early data under a rogue's ticket",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=ONE_SESSION,
    repeats=2,
    versions=TLS13_ONLY,
)
def early_data_under_a_rogue_ticket(ground: Ground) -> Terminate:
    """Served: a rogue with a leaf from a CA in the system store issues tickets that allow early
    data, then waits for the app to come back and reads what it sends before the handshake ends.

    Correct client: keeps no ticket of a server whose pins failed, and announces no early data.

    Why it goes wrong: early data leaves with the ClientHello, before the server has shown
    anything: there is no moment at which a pin could be checked (RFC 8446 section 2.3). Whoever
    gets a ticket into the app's cache reads its requests. To mend: no early data for pinned
    hosts, or only under sessions whose pins held, checked again before it is sent.

    On the wire: no early_data extension; one byte of early data counts as application data.
    """
    rogue = terminate(ground.pki.compromised.issue(ground.host))
    return _with_tickets(rogue, early_data=True)
