"""Chapter C, continued: the configuration service under attack (C19; contract TP-11 to TP-13).

The pins come over the network like everything else. An adversary who cannot forge them can keep
them away, and hope that an app without pins runs without pinning.
"""

from __future__ import annotations

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.hosts import EVIL
from lab.catalogue.make import terminate
from lab.catalogue.registry import BOTH_VERSIONS, entry
from lab.catalogue.sourcing import (
    EITHER,
    FRESH,
    STALE,
    attackers_key,
    cold,
    genuine,
    no_source,
    refused_source,
    stale,
    trusted_ca,
    without_service,
)
from lab.model.attack import Concern, Control, Need, Trust, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.publication import Publication, Token
from lab.model.serving import HostPlan, Terminate

FORGED = Publication(Token.FORGED)
OLDER = Publication(Token.OLDER)


@entry(
    "C19",
    "Configuration service down, fresh cache, genuine chain",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.CLOCK],
    asks_configuration=False,
    clock_offset=FRESH,
)
def service_down_fresh_genuine(ground: Ground) -> dict[str, HostPlan]:
    """Served: the genuine chain; the configuration service cannot be reached. The app's
    configuration is just under ten minutes old.

    Correct client: accepts, and does not even ask for a new configuration.

    Why it goes wrong: an app that asks before each request is down whenever its CDN is.

    On the wire: the request is read by the responder; no connection to the configuration service.
    """
    return without_service(ground, genuine(ground))


@entry(
    "C19",
    "Configuration service down, fresh cache, device-trusted CA",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.CONFIGURATION, Need.CLOCK],
    asks_configuration=False,
    clock_offset=FRESH,
)
def service_down_fresh_trusted_ca(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4, while the configuration service cannot be reached. The app's
    configuration is just under ten minutes old.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: pins that are only enforced while their source answers.

    On the wire: typically no application data after a finished handshake.
    """
    return without_service(ground, trusted_ca(ground))


@entry(
    "C19",
    "Configuration service down, stale cache, genuine chain",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.CLOCK],
    asks_configuration=True,
    clock_offset=STALE,
)
def service_down_stale_genuine(ground: Ground) -> dict[str, HostPlan]:
    """Served: the genuine chain; the configuration service cannot be reached. The app's
    configuration is more than ten minutes old.

    Correct client: asks in vain, then goes on with the last known configuration and accepts
    (founding document: "Stale pins used if CDN unreachable").

    Why it goes wrong: a cache that is thrown away when it expires locks every user out with
    the first outage.

    On the wire: an attempt at the configuration service; the request is read by the responder.
    """
    return without_service(ground, genuine(ground))


@entry(
    "C19",
    "Configuration service down, stale cache, device-trusted CA",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.CONFIGURATION, Need.CLOCK],
    asks_configuration=True,
    clock_offset=STALE,
)
def service_down_stale_trusted_ca(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4, while the configuration service cannot be reached. The app's
    configuration is more than ten minutes old.

    Correct client: asks in vain, then refuses, because no pin of the last known configuration
    matches.

    Why it goes wrong: this is what an attacker on the network would do: keep the pins away for
    ten minutes, then intercept. A client that drops stale pins is then without any.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return without_service(ground, trusted_ca(ground))


@entry(
    "C19",
    "Configuration service down, cold start, genuine chain",
    adversaries=COMPROMISED,
    expect=no_source,
    control=Control.NONE,
    needs=[Need.CONFIGURATION],
    fresh_start=True,
    asks_configuration=True,
)
def service_down_cold_genuine(ground: Ground) -> dict[str, HostPlan]:
    """Served: the genuine chain, to an app that starts for the first time while the
    configuration service cannot be reached.

    Correct client: fails closed with ErrorFetchingPinningInfo: it has no pins to judge by.

    Why it goes wrong: an app that goes on without pins until some arrive can be kept there.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return without_service(ground, genuine(ground))


@entry(
    "C19",
    "Configuration service down, cold start, device-trusted CA",
    adversaries=COMPROMISED,
    expect=no_source,
    needs=[Need.CONFIGURATION],
    fresh_start=True,
    asks_configuration=True,
)
def service_down_cold_trusted_ca(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4, to an app that starts for the first time while the
    configuration service cannot be reached.

    Correct client: fails closed with ErrorFetchingPinningInfo.

    Why it goes wrong: the first start in a hostile network is when nothing protects the app
    but its refusal to run without pins.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return without_service(ground, trusted_ca(ground))


@cold(
    "Configuration signed by the attacker, cold start",
    refused_source,
    FORGED,
    versions=BOTH_VERSIONS,
)
def forged_configuration_cold(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store, to an app that
    starts for the first time and is given a configuration that vouches for that key, signed
    with another key than the owner's.

    Correct client: refuses the configuration and fails closed, as it has no other (contract
    TP-12).

    Why it goes wrong: pins that come over the network are worth as much as the check of who
    signed them; without it the app is pinned to whoever answers first.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return attackers_key(ground)


@stale("Configuration signed by the attacker, stale cache", FORGED, versions=BOTH_VERSIONS)
def forged_configuration_stale(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store. The app's
    configuration is more than ten minutes old, and the one that it is given now vouches for that
    key, but is signed with another key than the owner's.

    Correct client: refuses the configuration, and then the connection: by the pins that it
    has, or because it has none any more.

    Why it goes wrong: a signature that is checked at the first start alone protects nobody
    from the second configuration.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return attackers_key(ground)


@entry(
    "C19",
    "Older configuration replayed",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=EITHER,
    needs=[Need.CONFIGURATION, Need.CLOCK, Need.REFUSES_OLDER],
    asks_configuration=True,
    clock_offset=STALE,
    hands_out=OLDER,
)
def older_configuration_replayed(ground: Ground) -> Terminate:
    """Served: a certificate of the genuine CA with a key that was stolen and then withdrawn.
    The app's configuration is more than ten minutes old, and the one that it is given now is
    rightly signed, but of an earlier version, which still vouches for that key.

    Correct client: refuses the older configuration and goes by the newer one that it has
    (contract TP-13): no pin matches. SDK 6 is documented to; earlier ones are not.

    Why it goes wrong: the signed configuration never expires, so whoever kept an old one can
    bring a withdrawn key back wherever no version is remembered.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return terminate(ground.pki.intermediate.issue(ground.host, key=ground.pki.genuine(EVIL).key))
