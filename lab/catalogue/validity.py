"""Chapter E: time. Name right, issuer trusted, pinned key: only the dates are wrong."""

from __future__ import annotations

from datetime import timedelta

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.make import terminate
from lab.catalogue.registry import Ground, entry
from lab.model.attack import Concern, Control, Need, Trust, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Leaf

DAY = 86_400.0


@entry(
    "E1",
    "Expired leaf",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.TIME),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def expired_leaf(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate that ended an hour ago.

    Correct client: refuses the time.

    Why it goes wrong: a client that checks nothing but the pin accepts it.

    On the wire: an alert (certificate_expired), an end without one, or no application data.
    """
    key = ground.pki.genuine(ground.host).key
    leaf = Leaf(
        (ground.host,),
        not_before=ground.now - timedelta(days=2),
        not_after=ground.now - timedelta(hours=1),
    )
    return terminate(ground.pki.intermediate.issue(leaf, key=key))


@entry(
    "E2",
    "Not yet valid",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.TIME),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def not_yet_valid(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate that begins in an hour.

    Correct client: refuses the time.

    Why it goes wrong: a client that looks at notAfter alone accepts it.

    On the wire: an alert, an end without one, or no application data.
    """
    key = ground.pki.genuine(ground.host).key
    leaf = Leaf(
        (ground.host,),
        not_before=ground.now + timedelta(hours=1),
        not_after=ground.now + timedelta(days=2),
    )
    return terminate(ground.pki.intermediate.issue(leaf, key=key))


@entry(
    "E6",
    "Clock far ahead, genuine chain",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.TIME, ErrorKind.CONFIGURATION),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
    needs=[Need.CLOCK],
    clock_offset=365 * DAY,
)
def clock_ahead_genuine_chain(ground: Ground) -> Terminate:
    """Served: the genuine chain, to a device whose clock is a year ahead, past the end of
    every certificate.

    Correct client: refuses the time; it does not make do with the pin.

    Why it goes wrong: a client that drops date checks when the clock looks wrong can be made
    to drop them.

    On the wire: an alert, an end without one, or no application data.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "E6",
    "Clock behind, device-trusted CA",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.TIME, ErrorKind.CONFIGURATION, ErrorKind.PIN),
    control=Control.CARELESS,
    needs=[Need.CLOCK],
    clock_offset=-365 * DAY,
)
def clock_behind_trusted_ca(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to a device whose clock is a year behind, as after a
    drained battery.

    Correct client: refuses it, for the time, the configuration or the pin.

    Why it goes wrong: a configuration that cannot be validated at this time must not mean that
    there are no pins.

    On the wire: an alert, an end without one, or no application data.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "E6",
    "Clock past the pins' expiry",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PINS_EXPIRED),
    host=hosts.EXPIRING,
    needs=[Need.CLOCK, Need.PIN_EXPIRY],
    clock_offset=1.5 * DAY,
)
def clock_past_pin_expiry(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to a device whose clock is past the expiry of the host's
    pins while every certificate is valid.

    Correct client: fails closed with AllPinsExpired.

    Why it goes wrong: pins that end silently leave the app without pinning.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))
