"""Chapter H, continued: the network's owner takes his time, and clients lose patience."""

from __future__ import annotations

from lab.catalogue.attackers import WIFI
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.model.attack import Attempt, Concern, Control, Need, Trust, refuse, unreachable
from lab.model.outcome import ErrorKind
from lab.model.serving import HostPlan, Interfere, Interference

SLOW = 0.4
"""Seconds: well within what any client waits, and longer than a network takes."""
TOO_SLOW = 30.0
"""Seconds: longer than the resolvers of Android (5 s a try), glibc (5 s) and curl wait."""


@entry(
    "H4",
    "Name answered late, device-trusted CA",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.WIFI],
    versions=TLS13_ONLY,
)
def name_answered_late(ground: Ground) -> HostPlan:
    """Served: the resolver lets the question for the host wait for 0.4 seconds; at the address that
    it then gives, a leaf from a CA in the system store waits.

    Correct client: waits, and refuses it, because no pin matches.

    Why it goes wrong: "the network is slow" is a state that apps know, with shorter ways for it: an
    address from before, a check that may be left out. Whoever owns the network decides when it
    is slow.

    On the wire: the look-up, then the SNI; no application data follows.
    """
    return HostPlan(terminate(ground.pki.compromised.issue(ground.host)), dns_delay=SLOW)


@entry(
    "H4",
    "Connection served late, device-trusted CA",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.WIFI],
    versions=TLS13_ONLY,
)
def connection_served_late(ground: Ground) -> HostPlan:
    """Served: connections to the host are taken, and wait for 0.4 seconds before their ClientHello
    is read; then a leaf from a CA in the system store is served.

    Correct client: waits, and refuses it, because no pin matches.

    Why it goes wrong: a check with a time limit of its own, for the user's sake, that lets pass
    what it could not look at in time.

    On the wire: typically a finished handshake that is closed without application data.
    """
    return HostPlan(terminate(ground.pki.compromised.issue(ground.host)), delay=SLOW)


@entry(
    "H4",
    "Name answered too late, address answers",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=unreachable(Attempt.LOOKED_UP),
    control=Control.NONE,
    concern=Concern.VALIDATION,
    needs=[Need.WIFI],
    versions=(),
)
def name_answered_too_late(ground: Ground) -> HostPlan:
    """Served: the resolver lets the question for the host wait for 30 seconds, longer than anybody
    does; at the address that the host has in the honest internet the attacker waits with a
    certificate for it.

    Correct client: gives up and fails closed. That the name could not be asked for is an error of
    the network, and no reason to go on without it.

    Why it goes wrong: as with a name that does not exist, an address that is built in is a way that
    nobody tests. Connections that are never answered at all are the black hole's.

    On the wire: the look-up, and no connection.
    """
    served = terminate(ground.pki.rogue.issue(ground.host))
    refused = Interfere(Interference.REFUSE)
    return HostPlan(served, cleartext=refused, dns_delay=TOO_SLOW)
