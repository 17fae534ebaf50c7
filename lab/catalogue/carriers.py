"""Chapter C, continued: somebody else answers for the configuration service, or nobody (C19).

Its own TLS is the first line, and the signature the second. Whether the SDK pins the service is
not documented (contract section 9.2 item 1); that it checks the certificate follows from https.
"""

from __future__ import annotations

from lab.catalogue.attackers import (
    COMPROMISED,
    COMPROMISED_ON_BOTH_ROUTES,
    ROGUE_ON_BOTH_ROUTES,
    WIFI,
)
from lab.catalogue.ground import Ground
from lab.catalogue.hosts import CONFIGURATION_SERVICE, EVIL, HOST
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.catalogue.sourcing import (
    EITHER,
    STALE,
    attackers_key,
    cold,
    genuine,
    no_source,
    refused_source,
    stale,
    trusted_ca,
)
from lab.model.attack import Concern, Control, Need, Trust, accept
from lab.model.publication import Carrier, Publication, Token
from lab.model.serving import DnsLie, HostPlan, Relay, Terminate


@entry(
    "C19",
    "Rogue CA answers for the configuration service, cold start",
    adversaries=ROGUE_ON_BOTH_ROUTES,
    trust=Trust.NONE,
    expect=no_source,
    needs=[Need.CONFIGURATION],
    fresh_start=True,
    asks_configuration=True,
    hands_out=Publication(Token.OLDER, carrier=Carrier.ROGUE_CA),
    versions=TLS13_ONLY,
)
def rogue_source_cold(ground: Ground) -> Terminate:
    """Served: a certificate of the genuine CA with a key that was stolen and then withdrawn. For
    the configuration service the attacker answers, with a certificate of a CA that no device
    trusts, and hands out an earlier configuration of the owner's that still vouches for that key.
    The app starts for the first time.

    Correct client: does not believe this server, has no configuration, and fails closed.

    Why it goes wrong: "the configuration is signed, so the connection need not be safe". The
    signature never expires: without TLS everybody on the network picks an old one.

    On the wire: a refused connection to the configuration service, no application data on it, and
    none for the host.
    """
    return terminate(ground.pki.intermediate.issue(ground.host, key=ground.pki.genuine(EVIL).key))


@stale(
    "Rogue CA answers for the configuration service, stale cache",
    Publication(Token.RIGHT, carrier=Carrier.ROGUE_CA),
)
def rogue_source_stale(ground: Ground) -> Terminate:
    """Served: the pinning case B4. The app's configuration is more than ten minutes old, and for
    the configuration service the attacker answers with a certificate of an untrusted CA.

    Correct client: asks, does not believe the answer, and refuses: by the pins that it has, or
    because it has none any more.

    Why it goes wrong: a certificate error at the source is counted as "no configuration", and no
    configuration as "no pins".

    On the wire: a refused connection to the configuration service; no application data for the
    host.
    """
    return trusted_ca(ground)


@cold(
    "Compromised CA answers for the configuration service, cold start",
    refused_source,
    Publication(Token.FORGED, carrier=Carrier.COMPROMISED_CA),
    adversaries=COMPROMISED_ON_BOTH_ROUTES,
)
def compromised_source_cold(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store. With another one the
    attacker answers for the configuration service, and hands out a configuration of its own that
    vouches for that key. The app starts for the first time.

    Correct client: refuses the configuration for its signature, and fails closed. That it asks
    this server at all is no failure: nothing says that the service is pinned.

    Why it goes wrong: a client that trusts the connection to its configuration is as safe as the
    weakest CA of the store: the very thing that pins are for.

    On the wire: a request to the configuration service in the adversary's hands; no application
    data for the host.
    """
    return attackers_key(ground)


@entry(
    "C19",
    "Compromised CA answers for the configuration service with an older one",
    adversaries=COMPROMISED,
    expect=EITHER,
    needs=[Need.CONFIGURATION, Need.CLOCK, Need.REFUSES_OLDER],
    asks_configuration=True,
    clock_offset=STALE,
    hands_out=Publication(Token.OLDER, carrier=Carrier.COMPROMISED_CA),
    versions=TLS13_ONLY,
)
def compromised_source_replays(ground: Ground) -> Terminate:
    """Served: a leaf from a CA in the system store with a key that the owner once vouched for and
    has withdrawn. With another one the attacker answers for the configuration service, and hands
    out the configuration of that time, rightly signed. The app holds the present one, more than
    ten minutes old.

    Correct client: refuses the older configuration and goes by the newer one that it has
    (contract TP-13): no pin matches. SDK 6 is documented to; earlier ones are not.

    Why it goes wrong: where no version is remembered, the signature alone is checked, and that is
    right.

    On the wire: a request to the configuration service in the adversary's hands; no application
    data for the host.
    """
    return attackers_key(ground)


@entry(
    "C19",
    "Configuration service with a renewed certificate",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.CLOCK],
    asks_configuration=True,
    clock_offset=STALE,
    hands_out=Publication(carrier=Carrier.RENEWED),
    versions=TLS13_ONLY,
)
def source_renewed(ground: Ground) -> Terminate:
    """Served: the genuine chain. The app's configuration is more than ten minutes old, and the
    configuration service's certificate has been renewed by its CA, with a new key.

    Correct client: takes the configuration from there, or goes on with the one that it has.

    Why it goes wrong: pins of the service that are built into the app break with the first
    renewal, and with them every update of the pins.

    On the wire: an attempt at the configuration service; the request is read by the responder.
    """
    return genuine(ground)


@entry(
    "C19",
    "Configuration service's name does not exist, cold start",
    adversaries=WIFI,
    expect=no_source,
    needs=[Need.CONFIGURATION],
    fresh_start=True,
    versions=TLS13_ONLY,
)
def service_name_unknown_cold(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4, to an app that starts for the first time in a network whose
    resolver denies the name of the configuration service.

    Correct client: fails closed with ErrorFetchingPinningInfo.

    Why it goes wrong: of all ways to keep the pins away this is the cheapest: a block list in a
    home router does it.

    On the wire: the name of the configuration service is looked up; no application data for the
    host.
    """
    return {
        HOST: HostPlan(trusted_ca(ground)),
        CONFIGURATION_SERVICE: HostPlan(Relay(), dns=DnsLie.NXDOMAIN),
    }
