"""Chapter H: below and above TLS. The adversary owns resolver and gateway."""

from __future__ import annotations

from lab.catalogue.attackers import WIFI
from lab.catalogue.ground import Ground
from lab.catalogue.hosts import CONFIGURATION_SERVICE
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.catalogue.sourcing import no_source
from lab.model.attack import (
    Attempt,
    Concern,
    Control,
    Need,
    Trust,
    refuse,
    relayed,
    unreachable,
)
from lab.model.outcome import ErrorKind
from lab.model.serving import (
    DnsLie,
    HostPlan,
    Interfere,
    Interference,
    Plain,
    Relay,
)

NEEDS_WIFI = (Need.WIFI,)


@entry(
    "H1",
    "Cleartext seen",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=relayed(),
    control=Control.CLEARTEXT,
    concern=Concern.CLEARTEXT,
    needs=NEEDS_WIFI,
    versions=(),
)
def cleartext_seen(ground: Ground) -> HostPlan:
    """Served: nothing on TLS; the network watches every port and answers HTTP on port 80.

    Correct client: makes its request over TLS and sends nothing in clear.

    Why it goes wrong: a forgotten http:// address, or a tracker in a library.

    On the wire: ciphertext only from the app; the control's cleartext request is read.
    """
    return HostPlan(Relay(), cleartext=Plain())


@entry(
    "H2",
    "TLS stripping",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=unreachable(),
    control=Control.CLEARTEXT,
    concern=Concern.CLEARTEXT,
    needs=NEEDS_WIFI,
    versions=(),
)
def tls_stripping(ground: Ground) -> HostPlan:
    """Served: port 443 is closed; port 80 answers as the API would.

    Correct client: fails; no HTTP request leaves.

    Why it goes wrong: a "compatibility" fallback to http:// when https:// fails (sslstrip,
    Marlinspike 2009).

    On the wire: connections to 443 that lead nowhere, nothing in clear.
    """
    return HostPlan(Interfere(Interference.REFUSE), cleartext=Plain())


@entry(
    "H3",
    "Resolver lies, untrusted CA",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
    needs=NEEDS_WIFI,
)
def resolver_lies_untrusted_ca(ground: Ground) -> HostPlan:
    """Served: the resolver gives the attacker's own address for the host; there a leaf from an
    untrusted CA waits.

    Correct client: refuses the chain.

    Why it goes wrong: as B1; being sent to another address changes nothing for TLS.

    On the wire: the look-up and the SNI prove the attempt; no application data follows.
    """
    served = terminate(ground.pki.rogue.issue(ground.host))
    return HostPlan(served, dns=DnsLie.ATTACKER_ADDRESS)


@entry(
    "H3",
    "Resolver lies, device-trusted CA",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=NEEDS_WIFI,
)
def resolver_lies_trusted_ca(ground: Ground) -> HostPlan:
    """Served: the resolver gives the attacker's own address for the host; there a leaf from a
    CA in the system store waits.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: as B4.

    On the wire: the look-up and the SNI prove the attempt; no application data follows.
    """
    served = terminate(ground.pki.compromised.issue(ground.host))
    return HostPlan(served, dns=DnsLie.ATTACKER_ADDRESS)


@entry(
    "H4",
    "Connection refused",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=unreachable(),
    control=Control.NONE,
    concern=Concern.CLEARTEXT,
    needs=NEEDS_WIFI,
    versions=(),
)
def connection_refused(ground: Ground) -> HostPlan:
    """Served: nothing; connections to the host are reset.

    Correct client: fails closed: no cleartext, no other host, no unpinned retry.

    Why it goes wrong: error paths are the least tested code of a client.

    On the wire: connections that lead nowhere.
    """
    refused = Interfere(Interference.REFUSE)
    return HostPlan(refused, cleartext=refused)


@entry(
    "H4",
    "Black hole",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=unreachable(),
    control=Control.NONE,
    concern=Concern.CLEARTEXT,
    needs=NEEDS_WIFI,
    versions=(),
)
def black_hole(ground: Ground) -> HostPlan:
    """Served: nothing; connections to the host are taken and never answered.

    Correct client: gives up after its own time limit and fails closed.

    Why it goes wrong: an app without a time limit hangs; one with a fallback leaks.

    On the wire: connections that lead nowhere.
    """
    hole = Interfere(Interference.BLACK_HOLE)
    return HostPlan(hole, cleartext=hole)


@entry(
    "H4",
    "Name does not exist",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=unreachable(Attempt.LOOKED_UP),
    control=Control.NONE,
    concern=Concern.CLEARTEXT,
    needs=NEEDS_WIFI,
    versions=(),
)
def name_does_not_exist(ground: Ground) -> HostPlan:
    """Served: the resolver answers NXDOMAIN for the host.

    Correct client: fails closed: no other resolver's answer, no other host.

    Why it goes wrong: error paths are the least tested code of a client.

    On the wire: the look-up, and no connection.
    """
    return HostPlan(
        Interfere(Interference.REFUSE),
        cleartext=Interfere(Interference.REFUSE),
        dns=DnsLie.NXDOMAIN,
    )


@entry(
    "H4",
    "Name does not exist, address answers",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=unreachable(Attempt.LOOKED_UP),
    control=Control.NONE,
    concern=Concern.VALIDATION,
    needs=NEEDS_WIFI,
    versions=(),
)
def name_taken_away(ground: Ground) -> HostPlan:
    """Served: the resolver answers NXDOMAIN for the host; at the address that it has in the
    honest internet the attacker waits with a certificate for it.

    Correct client: fails closed. An address that it knows from elsewhere is no way around the
    resolver, least of all with less care.

    Why it goes wrong: an address that is built in as a last resort, on a path that nobody tests;
    as certificates are for names, the check of it is often off there.

    On the wire: the look-up, and no connection. A connection to the bare address, without SNI,
    is the built-in way.
    """
    served = terminate(ground.pki.rogue.issue(ground.host))
    return HostPlan(served, cleartext=Interfere(Interference.REFUSE), dns=DnsLie.NXDOMAIN)


@entry(
    "H4",
    "Name of the configuration service does not exist, cold start",
    adversaries=WIFI,
    expect=no_source,
    needs=[*NEEDS_WIFI, Need.CONFIGURATION],
    fresh_start=True,
    versions=TLS13_ONLY,
)
def configuration_name_unknown(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4, to an app that starts for the first time in a network whose
    resolver answers NXDOMAIN for the configuration service.

    Correct client: fails closed with ErrorFetchingPinningInfo, as it has no pins to judge by.

    Why it goes wrong: a name that does not exist is taken for a phone without network, and a
    phone without network for one that nobody attacks.

    On the wire: the look-up of the configuration service; no application data for the host.
    """
    refused = Interfere(Interference.REFUSE)
    return {
        ground.host: HostPlan(terminate(ground.pki.compromised.issue(ground.host))),
        CONFIGURATION_SERVICE: HostPlan(refused, cleartext=refused, dns=DnsLie.NXDOMAIN),
    }
