"""Chapter C, continued: what the app remembers of its configuration, and for how long (C19)."""

from __future__ import annotations

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.hosts import EVIL
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.catalogue.sourcing import (
    DAY,
    EITHER,
    STALE,
    genuine,
    no_source,
    trusted_ca,
    without_service,
)
from lab.catalogue.stage import Launch, Stage
from lab.model.attack import Concern, Control, Need, Trust, accept
from lab.model.publication import Publication, Token
from lab.model.serving import HostPlan, Terminate

HOUR = 3600.0


def _down_genuine(ground: Ground) -> dict[str, HostPlan]:
    return without_service(ground, genuine(ground))


@entry(
    "C19",
    "Launched again after a first start without a source",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION],
    before=[
        Stage("First start, no source", _down_genuine, no_source, "standard", launch=Launch.AFRESH)
    ],
    launch=Launch.AGAIN,
    versions=TLS13_ONLY,
)
def launched_again_after_cold_failure(ground: Ground) -> Terminate:
    """Served: the genuine chain. The app started for the first time while its configuration
    service could not be reached, and refused; now the service is there, and the app is launched
    again.

    Correct client: fetches its configuration and works (founding document: "automatic retry on
    next app launch").

    Why it goes wrong: the failure of the first start is stored like a result, and nobody asks
    again.

    On the wire: the request is read by the responder.
    """
    return genuine(ground)


@entry(
    "C19",
    "Launched again without a source, genuine chain",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.KEEPS_CONFIGURATION],
    launch=Launch.AGAIN,
    versions=TLS13_ONLY,
)
def launched_again_without_source(ground: Ground) -> dict[str, HostPlan]:
    """Served: the genuine chain, to an app that has worked before and is launched again while
    its configuration service cannot be reached.

    Correct client: works with the configuration that it stored. SDK 6 is documented to keep the
    last validated one on the device; of earlier ones nothing is said.

    Why it goes wrong: a cache in memory alone makes every outage of the service one of all apps
    that are opened meanwhile.

    On the wire: the request is read by the responder.
    """
    return _down_genuine(ground)


@entry(
    "C19",
    "Launched again without a source, device-trusted CA",
    adversaries=COMPROMISED,
    expect=EITHER,
    needs=[Need.CONFIGURATION],
    launch=Launch.AGAIN,
    versions=TLS13_ONLY,
)
def launched_again_without_source_trusted_ca(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4, to an app that has worked before and is launched again while
    its configuration service cannot be reached.

    Correct client: refuses: by the pins that it stored, or because it has none.

    Why it goes wrong: what was stored needs a moment to be read, and until then nothing is
    checked; or it counts as expired, and nothing is put in its place.

    On the wire: no application data for the host.
    """
    return without_service(ground, trusted_ca(ground))


@entry(
    "C19",
    "Older configuration replayed after a launch",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=EITHER,
    needs=[Need.CONFIGURATION, Need.REFUSES_OLDER, Need.KEEPS_CONFIGURATION],
    asks_configuration=True,
    launch=Launch.AGAIN,
    hands_out=Publication(Token.OLDER),
    versions=TLS13_ONLY,
)
def older_configuration_after_launch(ground: Ground) -> Terminate:
    """Served: a certificate of the genuine CA with a key that was stolen and then withdrawn, to an
    app that is launched again. The configuration that it is given is rightly signed, but of an
    earlier version, which still vouches for that key.

    Correct client: refuses the older configuration, as before it was ended (contract TP-13).
    SDK 6 is documented to be "sealed against downgrade" where it is set up with its context.

    Why it goes wrong: the highest version is remembered in memory alone: an attacker waits until
    the app is opened the next time (contract section 7.2, items 2 and 3).

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return terminate(ground.pki.intermediate.issue(ground.host, key=ground.pki.genuine(EVIL).key))


@entry(
    "C19",
    "Older configuration replayed, genuine chain",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.CLOCK, Need.REFUSES_OLDER],
    asks_configuration=True,
    clock_offset=STALE,
    hands_out=Publication(Token.OLDER),
    versions=TLS13_ONLY,
)
def older_configuration_genuine(ground: Ground) -> Terminate:
    """Served: the genuine chain. The app's configuration is more than ten minutes old, and the one
    that it is given now is rightly signed, but of an earlier version.

    Correct client: refuses that and goes on with its own: the previous one stays in force
    (contract section 3.1, ConfigIntegrityError).

    Why it goes wrong: a refused configuration takes the good one with it. A node of the delivery
    network that lags behind then locks its users out.

    On the wire: an attempt at the configuration service; the request is read by the responder.
    """
    return genuine(ground)


@entry(
    "C19",
    "Configuration service down for a day, device-trusted CA",
    adversaries=COMPROMISED,
    expect=EITHER,
    needs=[Need.CONFIGURATION, Need.CLOCK],
    asks_configuration=True,
    clock_offset=DAY + 60.0,
    versions=TLS13_ONLY,
)
def service_down_for_a_day(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4, while the configuration service cannot be reached. The app's
    configuration is more than a day old.

    Correct client: refuses: by the pins that it has, or because they are too old. Whether they
    are after a day is told by SDK 4.0's documents alone (contract section 9.1, C3).

    Why it goes wrong: what is too old to be used is thrown away, and without it nothing is
    checked: the attacker has to be patient for a day.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return without_service(ground, trusted_ca(ground))


@entry(
    "C19",
    "Clock set back, device-trusted CA",
    adversaries=COMPROMISED,
    expect=EITHER,
    needs=[Need.CONFIGURATION, Need.CLOCK],
    clock_offset=-HOUR,
    versions=TLS13_ONLY,
)
def clock_set_back(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4, on a device whose clock was set back by an hour: the app's
    configuration is from the future. The configuration service cannot be reached.

    Correct client: refuses: by the pins that it has, or because it has none. What an SDK makes of
    such a cache is not documented (contract section 9.2 item 11).

    Why it goes wrong: an age below zero is not foreseen, the cache counts as damaged, and nothing
    takes its place.

    On the wire: no application data for the host.
    """
    return without_service(ground, trusted_ca(ground))
