"""Chapter C, continued: several pins of one host, pins past their expiry, permissive mode."""

from __future__ import annotations

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.model.attack import (
    Concern,
    Control,
    Need,
    Trust,
    accept,
    refuse,
)
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate


@entry(
    "C3",
    "Pins of several kinds, the first one matches",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.MIXED,
    needs=[Need.LEAF_PINS],
    versions=TLS13_ONLY,
)
def mixed_kinds_first_pin(ground: Ground) -> Terminate:
    """Served: the certificate that the first of a host's four pins is of; each pin is of another
    kind and of another key.

    Correct client: accepts: any live pin will do, of whatever kind (contract section 1.2).

    Why it goes wrong: a client that keeps one pin per host, the last one that it read, or one
    hash function per host.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.reserve(ground.host, 1))


@entry(
    "C3",
    "Pins of several kinds, one in the middle matches",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.MIXED,
    needs=[Need.SHA512_PINS],
    versions=TLS13_ONLY,
)
def mixed_kinds_middle_pin(ground: Ground) -> Terminate:
    """Served: the key that the second of a host's four pins is of, a SHA-512 digest.

    Correct client: accepts: any live pin will do, of whatever kind.

    Why it goes wrong: a client that hashes with the function of the first pin, or that knows a
    primary and a backup and nothing between.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.reserve(ground.host, 2))


@entry(
    "C15",
    "Expired pin beside a live one, the live one matches",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.RENEWING,
    versions=TLS13_ONLY,
)
def live_pin_beside_expired(ground: Ground) -> Terminate:
    """Served: a genuine chain with the key whose pin is alive; the pin beside it has expired.

    Correct client: accepts: an expired pin counts for nothing, neither way.

    Why it goes wrong: a client that takes the earliest expiry for that of the whole host locks
    its users out in the middle of a rotation.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.backup(ground.host))


@entry(
    "C15",
    "Expired pin beside a live one, the expired one matches",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    host=hosts.RENEWING,
    needs=[Need.PIN_EXPIRY],
    versions=TLS13_ONLY,
)
def expired_pin_beside_live(ground: Ground) -> Terminate:
    """Served: a genuine chain with the key whose pin has expired; the pin beside it is alive.

    Correct client: refuses it with PinsMismatch, as there is a live pin and it is another's
    (contract TP-09).

    Why it goes wrong: a client that looks at expiry only once all pins are past it keeps
    believing in a key that its owner has given up.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "C15",
    "Expired pin set, genuine chain",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PINS_EXPIRED),
    host=hosts.EXPIRED,
    needs=[Need.PIN_EXPIRY],
)
def expired_pins_genuine_chain(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host all of whose pins are past their expiry.

    Correct client: fails closed with AllPinsExpired (contract TP-08).

    Why it goes wrong: pins that merely end, as in Android's network security configuration,
    leave the app without pinning and without a word.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "C15",
    "Expired pin set, device-trusted CA",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PINS_EXPIRED),
    host=hosts.EXPIRED,
    needs=[Need.PIN_EXPIRY],
)
def expired_pins_trusted_ca(ground: Ground) -> Terminate:
    """Served: the pinning case B4 for a host all of whose pins are past their expiry.

    Correct client: fails closed with AllPinsExpired (contract TP-08).

    Why it goes wrong: the attacker need only wait for the day on which the pins end.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "C15",
    "Expired pin set, permissive mode",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PINS_EXPIRED),
    host=hosts.EXPIRED,
    needs=[Need.PIN_EXPIRY, Need.PERMISSIVE],
    configuration="permissive",
)
def expired_pins_permissive(ground: Ground) -> Terminate:
    """Served: the pinning case B4 for a host whose pins have all expired, to an app in
    permissive mode.

    Correct client: fails closed all the same: permissive is about unregistered hosts only.

    Why it goes wrong: an emergency switch that turns more off than it says.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "C16",
    "Permissive mode, registered host",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.PERMISSIVE],
    configuration="permissive",
)
def permissive_registered(ground: Ground) -> Terminate:
    """Served: the pinning case B4 for a registered host, to an app in permissive mode.

    Correct client: refuses it: permissive is about unregistered hosts only (contract 2.6).

    Why it goes wrong: a mode that was meant for the roll-out and switches enforcement off.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "C16",
    "Permissive mode, unregistered host",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.UNREGISTERED,
    needs=[Need.PERMISSIVE],
    configuration="permissive",
)
def permissive_unregistered(ground: Ground) -> Terminate:
    """Served: the pinning case B4 for a host without pins, to an app in permissive mode.

    Correct client: accepts it under the platform's trust and reports nothing.

    Why it goes wrong: an app that refuses here breaks the third-party services which the mode
    exists for.

    On the wire: the request is read by the adversary, as documented.
    """
    return terminate(ground.pki.compromised.issue(ground.host))
