"""Chapter H, continued: ways around the network's owner, all of them his own again."""

from __future__ import annotations

from lab.catalogue.attackers import WIFI
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.model.attack import Concern, Control, Need, Trust, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import DnsLie, HostPlan

OVER_IPV6 = (Need.WIFI, Need.IPV6)


@entry(
    "H6",
    "Over IPv6 alone, device-trusted CA",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=OVER_IPV6,
)
def ipv6_trusted_ca(ground: Ground) -> HostPlan:
    """Served: the network hands out IPv6 addresses, and its resolver knows an IPv6 address for the
    host and no other (AAAA); there a leaf from a CA in the system store waits.

    Correct client: refuses it, because no pin matches. How a server is reached says nothing of
    who it is.

    Why it goes wrong: two ways to connect (Happy Eyeballs, RFC 8305), of which one has no check:
    a socket factory of its own, a library that does the dialling, pins that are looked up by
    address. A network of the office has one kind of address alone, so nobody sees it.

    On the wire: the look-up, a connection over IPv6 whose SNI proves the attempt; no application
    data follows.
    """
    served = terminate(ground.pki.compromised.issue(ground.host))
    return HostPlan(served, dns=DnsLie.ATTACKER_ADDRESS_6)


@entry(
    "H6",
    "Over IPv6 alone, untrusted CA",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
    needs=OVER_IPV6,
    versions=TLS13_ONLY,
)
def ipv6_untrusted_ca(ground: Ground) -> HostPlan:
    """Served: the network's resolver knows an IPv6 address for the host and no other (AAAA); there
    a leaf from an untrusted CA waits.

    Correct client: refuses the chain.

    Why it goes wrong: IPv6 addresses are rare in tests and common at home, so "local" is told
    from "public" by the form of the address, and what is local is not looked at closely.

    On the wire: the look-up, a connection over IPv6 whose SNI proves the attempt; no application
    data follows.
    """
    served = terminate(ground.pki.rogue.issue(ground.host))
    return HostPlan(served, dns=DnsLie.ATTACKER_ADDRESS_6)


@entry(
    "H6",
    "Private DNS refused",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=(Need.WIFI,),
    versions=TLS13_ONLY,
)
def private_dns_refused(ground: Ground) -> HostPlan:
    """Served: the network lets nobody ask another resolver than its own: connections to resolvers
    that are asked over TLS or HTTPS (port 853, RFC 7858; RFC 8484) are ended, HTTP/3 is refused.
    Its own resolver gives the attacker's address for the host; there a leaf from a CA in the
    system store waits.

    Correct client: refuses it, because no pin matches. That names cannot be asked for in private
    is no reason to expect less of who answers to them.

    Why it goes wrong: "the network is restricted" is taken for a kind of network, an office's or
    a hotel's, that needs a gentler mode; whoever owns the network decides what is restricted on
    it.

    On the wire: tries at other resolvers that lead nowhere, and are counted; the look-up at the
    network's own; no application data for the host.
    """
    served = terminate(ground.pki.compromised.issue(ground.host))
    return HostPlan(served, dns=DnsLie.ATTACKER_ADDRESS)
