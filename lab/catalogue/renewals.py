"""Chapter C, continued: rotations from end to end, and what time does to pins (C20).

Stories on the device's own clock: nobody waits. Renewals that lie in the past are played there,
so that the lab's authorities need not live longer than the run. A scenario takes a moment, so no
pin is tried in the very second in which it expires: margins are a minute before and a second
after, and the second itself is left to the tests of the comparison.
"""

from __future__ import annotations

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.catalogue.rotation import LATER, MUCH_LATER, WITHDRAWN, new_key
from lab.catalogue.rotations import ENDING
from lab.catalogue.sourcing import DAY, STALE, genuine, without_service
from lab.catalogue.stage import Launch, Stage
from lab.model.attack import Concern, Control, Need, Trust, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import HostPlan, Terminate

TERM = 60 * DAY
"""How long AWS ACM uses a certificate, as the founding document has it."""
NOTICE = 30 * DAY
"""How long before the switch a new pin is to be published (founding document)."""
LIFE = ENDING.total_seconds()


@entry(
    "C20",
    "Whole rotation, old key served in the end",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=WITHDRAWN,
    needs=[Need.CONFIGURATION, Need.CLOCK],
    configuration="old",
    clock_offset=MUCH_LATER,
    before=[
        Stage(
            "Both keys published, old one in use",
            genuine,
            accept(),
            "old_and_new",
            clock_offset=STALE,
        ),
        Stage("Both keys published, new one in use", new_key, accept(), clock_offset=STALE),
        Stage("New key alone published and in use", new_key, accept(), "new", clock_offset=LATER),
    ],
)
def whole_rotation(ground: Ground) -> Terminate:
    """Served: in the end a valid certificate of the genuine CA with the old key. Before that the
    owner went through a rotation as the founding document has it, while the app ran: both keys
    published; the server switched; the old key withdrawn.

    Correct client: accepts in every phase, and refuses the old key when it has been withdrawn.

    Why it goes wrong: each of the changes is a chance to lose a pin or to keep one for ever, and
    an app that is tried in one phase only has shown nothing of the others.

    On the wire: the requests of the first stages are read by the responder; then typically no
    application data after a finished handshake.
    """
    return genuine(ground)


@entry(
    "C20",
    "Managed renewals every 60 days, each with a new key",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.CLOCK],
    publishes="newer",
    before=[
        Stage(
            "120 days ago: first key in use, second one announced",
            genuine,
            accept(),
            "old_and_new",
            clock_offset=-2 * TERM,
            launch=Launch.AFRESH,
        ),
        Stage("90 days ago: no change", genuine, accept(), clock_offset=-2 * TERM + NOTICE),
        Stage(
            "60 days ago: second key in use, third one announced",
            new_key,
            accept(),
            "new_and_newer",
            clock_offset=-TERM,
        ),
    ],
    versions=TLS13_ONLY,
)
def managed_renewals(ground: Ground) -> Terminate:
    """Served: the genuine chain with the third key. The certificate was renewed twice, every 60
    days and with a new key each time, as AWS ACM does; each key was published before it was used,
    and each old one withdrawn later on.

    Correct client: accepts at every time of this.

    Why it goes wrong: a renewal by somebody else's clock: pins that are only as new as the app
    break with the first one, and a client that takes one update but not the next with the second.

    On the wire: the request is read by the responder.
    """
    return terminate(ground.pki.reserve(ground.host, 2))


@entry(
    "C20",
    "Renewal with the same key (certbot --reuse-key), key pinned",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.CLOCK],
    before=[
        Stage(
            "60 days ago: first certificate",
            genuine,
            accept(),
            "old",
            clock_offset=-TERM,
            launch=Launch.AFRESH,
        )
    ],
    versions=TLS13_ONLY,
)
def renewal_with_the_same_key(ground: Ground) -> Terminate:
    """Served: a renewed certificate with the same key, 60 days after the first one was accepted.
    The key's pin is published all the time, and nothing else.

    Correct client: accepts (contract TP-04): what is pinned has not changed.

    Why it goes wrong: a client that remembers the certificate, by its digest or its serial
    number, where it was told the key.

    On the wire: the request is read by the responder.
    """
    return terminate(ground.pki.renewed(ground.host, same_key=True))


@entry(
    "C20",
    "Renewal with the same key (certbot --reuse-key), certificate pinned",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=WITHDRAWN,
    needs=[Need.LEAF_PINS],
    configuration="old_leaf",
    fresh_start=True,
    versions=TLS13_ONLY,
)
def renewal_breaks_a_leaf_pin(ground: Ground) -> Terminate:
    """Served: a renewed certificate with the same key, while the first certificate is pinned.

    Correct client: refuses it (contract TP-04; founding document: "breaks on renewal"). It is an
    outage of the owner's making, and is reported.

    Why it goes wrong: a client that compares keys whatever the pin is of. The owner who pins a
    certificate means this one, for compliance, and gets less.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.renewed(ground.host, same_key=True))


@entry(
    "C20",
    "Yearly certificate, renewed by hand",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.CLOCK, Need.LEAF_PINS],
    before=[
        Stage(
            "Both certificates published 30 days ahead, old one in use",
            genuine,
            accept(),
            "old_and_new_leaf",
            clock_offset=-NOTICE,
            launch=Launch.AFRESH,
        )
    ],
    versions=TLS13_ONLY,
)
def yearly_leaf_renewed(ground: Ground) -> Terminate:
    """Served: the new certificate. Certificates are pinned, not keys, as the founding document
    has it for those that are renewed by hand once a year; the new one's pin was published 30 days
    ahead.

    Correct client: accepts the old one before and the new one after the switch.

    Why it goes wrong: of two pins of certificates the one that is not valid yet, or not any more,
    is dropped, because a date was read into it.

    On the wire: the request is read by the responder.
    """
    return new_key(ground)


@entry(
    "C20",
    "Pins a minute before they expire",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.CONFIGURATION, Need.CLOCK, Need.PIN_EXPIRY],
    configuration="ending",
    fresh_start=True,
    clock_offset=LIFE - 60.0,
    versions=TLS13_ONLY,
)
def pins_before_expiry(ground: Ground) -> Terminate:
    """Served: the genuine chain, on a device on whose clock the host's pins expire in a minute.

    Correct client: accepts: a pin is good until it expires.

    Why it goes wrong: seconds taken for milliseconds, local time for UTC, or a margin that nobody
    was told of.

    On the wire: the request is read by the responder.
    """
    return genuine(ground)


@entry(
    "C20",
    "Pins a second after they expired",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PINS_EXPIRED),
    needs=[Need.CONFIGURATION, Need.CLOCK, Need.PIN_EXPIRY],
    configuration="ending",
    asks_configuration=True,
    clock_offset=LIFE + 1.0,
    versions=TLS13_ONLY,
)
def pins_after_expiry(ground: Ground) -> Terminate:
    """Served: the genuine chain, on a device on whose clock the host's pins expired a second ago.

    Correct client: fails closed with AllPinsExpired (contract TP-08).

    Why it goes wrong: the expiry is compared with another clock than the device's: the ``Date`` of
    a server's answer, which comes from whoever answers.

    On the wire: typically no application data after a finished handshake.
    """
    return genuine(ground)


@entry(
    "C20",
    "Pins expired while the configuration service is down",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PINS_EXPIRED),
    needs=[Need.CONFIGURATION, Need.CLOCK, Need.PIN_EXPIRY],
    configuration="ending",
    asks_configuration=True,
    clock_offset=LIFE + 1.0,
    versions=TLS13_ONLY,
)
def expired_pins_without_source(ground: Ground) -> dict[str, HostPlan]:
    """Served: the genuine chain, while the configuration service cannot be reached and the pins
    that the app holds have expired.

    Correct client: goes by the stale configuration, and that says AllPinsExpired: a cache cannot
    make pins live longer (contract section 4.3).

    Why it goes wrong: an outage is met with leniency about everything. Who keeps the new pins
    away decides then how long the old ones are good.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return without_service(ground, genuine(ground))
