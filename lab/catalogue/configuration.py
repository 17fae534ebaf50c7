"""Chapter C, continued: the configuration service under attack (catalogue C19, contract TP-11).

The pins come over the network like everything else. An adversary who cannot forge them can keep
them away, and hope that an app without pins runs without pinning.
"""

from __future__ import annotations

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.hosts import CONFIGURATION_SERVICE
from lab.catalogue.make import terminate
from lab.catalogue.registry import Ground, entry
from lab.model.attack import Attempt, Concern, Control, Need, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import HostPlan, Interfere, Interference, Serving

FRESH = 590.0
"""Seconds: the cache is good for ten minutes (contract section 4.1)."""
STALE = 610.0


def _without_service(ground: Ground, serving: Serving) -> dict[str, HostPlan]:
    down = Interfere(Interference.REFUSE)
    return {ground.host: HostPlan(serving), CONFIGURATION_SERVICE: HostPlan(down, cleartext=down)}


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
    return _without_service(ground, terminate(ground.pki.genuine(ground.host)))


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
    return _without_service(ground, terminate(ground.pki.compromised.issue(ground.host)))


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
    return _without_service(ground, terminate(ground.pki.genuine(ground.host)))


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
    return _without_service(ground, terminate(ground.pki.compromised.issue(ground.host)))


@entry(
    "C19",
    "Configuration service down, cold start, genuine chain",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.CONFIGURATION, attempt=Attempt.OPTIONAL),
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
    return _without_service(ground, terminate(ground.pki.genuine(ground.host)))


@entry(
    "C19",
    "Configuration service down, cold start, device-trusted CA",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.CONFIGURATION, attempt=Attempt.OPTIONAL),
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
    return _without_service(ground, terminate(ground.pki.compromised.issue(ground.host)))
