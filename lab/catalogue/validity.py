"""Chapter E: time. Name right, issuer trusted, pinned key: only the dates are wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, defect, oddity, pinned, terminate
from lab.catalogue.registry import BOTH_VERSIONS, entry
from lab.model.attack import Concern, Control, Need, Trust, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Leaf
from lab.pki.credential import Credential

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@defect("E1", "Expired leaf", ErrorKind.TIME, versions=BOTH_VERSIONS)
def expired_leaf(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate that ended an hour ago.

    Correct client: refuses the time.

    Why it goes wrong: a client that checks nothing but the pin accepts it.

    On the wire: an alert (certificate_expired), an end without one, or no application data.
    """
    return terminate(_lasting(ground, begins=-2 * DAY, ends=-HOUR))


@defect("E2", "Not yet valid", ErrorKind.TIME)
def not_yet_valid(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate that begins in an hour.

    Correct client: refuses the time.

    Why it goes wrong: a client that looks at notAfter alone accepts it.

    On the wire: an alert, an end without one, or no application data.
    """
    return terminate(_lasting(ground, begins=HOUR, ends=2 * DAY))


@defect("E3", "Expired intermediate", ErrorKind.TIME)
def expired_intermediate(ground: Ground) -> Terminate:
    """Served: the pinned key in a valid leaf below an intermediate that ended an hour ago.

    Correct client: refuses the time: every certificate of the path must be valid (RFC 5280
    section 6.1.3).

    Why it goes wrong: only the leaf's dates are looked at, so a CA that was given up, and whose
    key is no longer guarded, goes on.

    On the wire: an alert (certificate_expired), an end without one, or no application data.
    """
    ended = ground.now - timedelta(seconds=HOUR)
    old = ground.pki.public_root.subordinate("Ended CA", not_after=ended)
    return terminate(pinned(ground, below=old))


@defect("E3", "Intermediate not yet valid", ErrorKind.TIME)
def early_intermediate(ground: Ground) -> Terminate:
    """Served: the pinned key in a valid leaf below an intermediate that begins in an hour.

    Correct client: refuses the time.

    Why it goes wrong: as with an expired intermediate.

    On the wire: an alert, an end without one, or no application data.
    """
    begins = ground.now + timedelta(seconds=HOUR)
    early = ground.pki.public_root.subordinate("Early CA", not_before=begins)
    return terminate(pinned(ground, below=early))


@oddity(
    "E3",
    "Expired root in the store",
    trust=Trust.SYSTEM,
    anchor="expired_root",
    needs=[Need.ANDROID_RULES],
)
def expired_root(ground: Ground) -> Terminate:
    """Served: the pinned key in a valid chain to a root of the system store that has ended.

    Correct client: accepts, on Android: an anchor is a name and a key, its dates do not count
    (RFC 5280 section 6.1.1). Let's Encrypt kept old phones alive with that until 2024. Other
    platforms refuse.

    Why it goes wrong: an app with a TLS stack or a trust manager of its own breaks on old phones
    whose roots have ended, where everything else on the phone works.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(pinned(ground, below=ground.pki.expired_root))


@oddity("E4", "In its first minute")
def first_minute(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate that began a minute ago.

    Correct client: accepts from notBefore on (RFC 5280 section 4.1.2.5).

    Why it goes wrong: a client that compares days, or asks for some age, refuses a server that
    has just renewed its certificate.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(_lasting(ground, begins=-MINUTE, ends=2 * DAY))


@defect("E4", "A minute too early", ErrorKind.TIME)
def minute_too_early(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate that begins in a minute.

    Correct client: refuses the time. (The second itself is beyond a scenario, which takes
    seconds; the lab's tests hold the phone to it.)

    Why it goes wrong: clients that allow for clocks that differ, or compare days.

    On the wire: an alert, an end without one, or no application data.
    """
    return terminate(_lasting(ground, begins=MINUTE, ends=2 * DAY))


@oddity("E4", "In its last minute")
def last_minute(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate that ends in a minute.

    Correct client: accepts up to and including notAfter.

    Why it goes wrong: a client that asks for some remaining life, or compares days, locks its
    users out before the certificate ends.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(_lasting(ground, begins=-2 * DAY, ends=MINUTE))


@defect("E4", "A minute too late", ErrorKind.TIME)
def minute_too_late(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate that ended a minute ago.

    Correct client: refuses the time.

    Why it goes wrong: a grace period for servers that renew late is one for stolen keys, too;
    clients that compare days have one of up to a day.

    On the wire: an alert (certificate_expired), an end without one, or no application data.
    """
    return terminate(_lasting(ground, begins=-2 * DAY, ends=-MINUTE))


@oddity("E4", "Ends after 2049", needs=[Need.PLAIN_X509])
def ends_after_2049(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate that ends in 2051, so that its notAfter is
    a GeneralizedTime with four digits for the year (RFC 5280 section 4.1.2.5).

    Correct client: accepts.

    Why it goes wrong: a client that reads two digits for every year takes it for expired, or
    fails on the other format.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    leaf = Leaf((ground.host,), not_after=datetime(2051, 1, 1, tzinfo=UTC))
    return terminate(pinned(ground, leaf))


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
    versions=TLS13_ONLY,
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
    versions=TLS13_ONLY,
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
    versions=TLS13_ONLY,
)
def clock_past_pin_expiry(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to a device whose clock is past the expiry of the host's
    pins while every certificate is valid.

    Correct client: fails closed with AllPinsExpired.

    Why it goes wrong: pins that end silently leave the app without pinning.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


def _lasting(ground: Ground, *, begins: float, ends: float) -> Credential:
    """Issue the pinned key a certificate with these dates, in seconds from now."""
    first, last = (ground.now + timedelta(seconds=seconds) for seconds in (begins, ends))
    return pinned(ground, Leaf((ground.host,), not_before=first, not_after=last))
