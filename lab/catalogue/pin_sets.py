"""Chapter C, continued: pins in the wrong form, pins past their expiry, permissive mode."""

from __future__ import annotations

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.make import terminate
from lab.catalogue.registry import Ground, entry
from lab.model.attack import (
    Attempt,
    Concern,
    Control,
    Need,
    Trust,
    accept,
    refuse,
)
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate

_BAD_FORM = refuse(ErrorKind.PIN, ErrorKind.CONFIGURATION, attempt=Attempt.OPTIONAL)


@entry(
    "C13",
    "Right key, digest as SHA-1",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=_BAD_FORM,
    needs=[Need.CONFIGURATION],
    configuration="sha1",
    fresh_start=True,
)
def digest_as_sha1(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the published pin is the SHA-1 digest of the right key.

    Correct client: refuses the connection or the whole configuration; it never matches by
    accident.

    Why it goes wrong: choosing the hash by the digest's length lets a weaker hash in.

    On the wire: no application data, or no connection at all.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "C13",
    "Right key, digest as hexadecimal",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=_BAD_FORM,
    needs=[Need.CONFIGURATION],
    configuration="hex",
    fresh_start=True,
)
def digest_as_hex(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the published pin is the right digest in hexadecimal.

    Correct client: refuses the connection or the whole configuration: the wire form is base64
    (contract section 1.2), in which 64 hexadecimal digits mean 48 other bytes.

    Why it goes wrong: a lenient decoder makes what a pin means depend on how it looks.

    On the wire: no application data, or no connection at all.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "C13",
    "Digests in each other's field",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    host=hosts.SWAPPED,
    needs=[Need.LEAF_PINS],
)
def digests_swapped(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host whose certificate digest is published as a key
    digest and the other way round.

    Correct client: refuses it: each digest is of the wrong thing.

    Why it goes wrong: comparing every digest with every hash matches by accident and hides
    the owner's mistake until it matters.

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
