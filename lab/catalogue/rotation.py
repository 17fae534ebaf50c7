"""Chapter C, continued: rotation (C20; contract TP-05, TP-14).

The founding document's way: publish the new key beside the old one, switch the server, withdraw
the old key. Whoever keeps to it locks nobody out; whoever does not must be told by the right
error. The first five cases are the phases as such, for any client with pins; after them the
configuration changes while the app runs, and the time that passes is the device's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Attack, Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.catalogue.sourcing import FRESH, STALE, genuine
from lab.catalogue.stage import Stage
from lab.model.attack import Concern, Control, Expectation, Need, Trust, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.model.wire import TlsVersion

LATER = 2 * STALE
"""Seconds: another ten minutes have passed."""
MUCH_LATER = 3 * STALE
WITHDRAWN = refuse(ErrorKind.PIN)


def new_key(ground: Ground) -> Terminate:
    """The certificate with the owner's next key."""
    return terminate(ground.pki.reserve(ground.host, 1))


def backup_key(ground: Ground) -> Terminate:
    """The certificate with the owner's backup key."""
    return terminate(ground.pki.backup(ground.host))


def _phase(
    title: str,
    published: str,
    expected: Expectation,
    versions: Sequence[TlsVersion] = TLS13_ONLY,
) -> Callable[[Attack], Attack]:
    """Start an app from nothing under the configuration called ``published``."""
    works = expected == accept()
    return entry(
        "C20",
        title,
        adversaries=COMPROMISED,
        trust=Trust.NONE,
        expect=expected,
        control=Control.NONE if works else Control.UNPINNED,
        concern=Concern.AVAILABILITY if works else Concern.PINNING,
        configuration=published,
        fresh_start=True,
        versions=versions,
    )


def _change(
    title: str,
    held: str,
    published: str | None,
    expected: Expectation,
    *,
    after: float = STALE,
    before: Sequence[Stage] = (),
    asks: bool | None = None,
) -> Callable[[Attack], Attack]:
    """Publish another configuration than the app holds, and let time pass."""
    works = expected == accept()
    return entry(
        "C20",
        title,
        adversaries=COMPROMISED,
        trust=Trust.NONE,
        expect=expected,
        control=Control.NONE if works else Control.UNPINNED,
        concern=Concern.AVAILABILITY if works else Concern.PINNING,
        needs=[Need.CONFIGURATION, Need.CLOCK],
        configuration=held,
        publishes=published,
        before=before,
        asks_configuration=asks,
        clock_offset=after,
        versions=TLS13_ONLY,
    )


@_phase("Before the rotation: old key alone", "old", accept())
def rotation_old_key_alone(ground: Ground) -> Terminate:
    """Served: the genuine chain, while the old key's pin is the only one that is published.

    Correct client: accepts.

    Why it goes wrong: a client that insists on a backup pin locks out who has none yet.

    On the wire: the request is read by the responder.
    """
    return genuine(ground)


@_phase("Both keys published, old one in use", "new_and_old", accept())
def rotation_both_old_in_use(ground: Ground) -> Terminate:
    """Served: the genuine chain with the old key, while the new and the old key are published, in
    this order.

    Correct client: accepts: each pin alone is enough (contract TP-05).

    Why it goes wrong: only the first pin of the list is looked at; or the new one is taken to
    replace the old one at once.

    On the wire: the request is read by the responder.
    """
    return genuine(ground)


@_phase("Both keys published, new one in use", "old_and_new", accept())
def rotation_both_new_in_use(ground: Ground) -> Terminate:
    """Served: the genuine chain with the new key, while the old and the new key are published.

    Correct client: accepts: each pin alone is enough (contract TP-05).

    Why it goes wrong: only the first pin of the list is looked at, which shows on the day of the
    switch and not before; or the last one, which no test with one pin shows.

    On the wire: the request is read by the responder.
    """
    return new_key(ground)


@_phase("After the rotation: new key alone", "new", accept())
def rotation_new_key_alone(ground: Ground) -> Terminate:
    """Served: the genuine chain with the new key, while that is the only one published.

    Correct client: accepts.

    Why it goes wrong: pins that came with the app count for more than those that were fetched.

    On the wire: the request is read by the responder.
    """
    return new_key(ground)


@_phase(
    "After the rotation: the withdrawn key is served",
    "new",
    WITHDRAWN,
    (TlsVersion.TLS12, TlsVersion.TLS13),
)
def rotation_withdrawn_key(ground: Ground) -> Terminate:
    """Served: a valid certificate of the genuine CA with the key that was in use before, while
    only the new one is published: what somebody has who got at the old server.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: pins that came with the app are accepted beside those that were fetched, so
    that a key can never be withdrawn.

    On the wire: typically no application data after a finished handshake.
    """
    return genuine(ground)


@_change("New key published while the app runs, old one in use", "old", "old_and_new", accept())
def rotation_announced(ground: Ground) -> Terminate:
    """Served: the genuine chain with the old key. The app holds the old pin; the owner has
    published both, and more than ten minutes have passed.

    Correct client: accepts, whichever of the two configurations it goes by.

    Why it goes wrong: a client that knows an update only as a replacement drops what it had, and
    refuses until the server has been switched, too.

    On the wire: the request is read by the responder.
    """
    return genuine(ground)


@_change("New key published while the app runs, new one in use", "old", "old_and_new", accept())
def rotation_switched(ground: Ground) -> Terminate:
    """Served: the genuine chain with the new key. The app holds the old pin; the owner has
    published both, and more than ten minutes have passed.

    Correct client: fetches the new configuration before it judges, and accepts.

    Why it goes wrong: a client that never asks again, or puts what it got in force at the next
    launch only, is locked out on the day of the switch.

    On the wire: the request is read by the responder.
    """
    return new_key(ground)


@_change(
    "Old key withdrawn, less than ten minutes ago",
    "old_and_new",
    "new",
    accept(),
    after=FRESH,
    asks=False,
)
def rotation_withdrawn_in_time(ground: Ground) -> Terminate:
    """Served: the genuine chain with the old key, by a server that is a little late. The app
    holds both pins, fetched just under ten minutes ago; the owner has since withdrawn the old one.

    Correct client: accepts, and does not ask: what it holds is fresh (contract section 4.1).

    Why it goes wrong: a client that asks each time has its owner's outages; and where nodes of a
    delivery network differ, it changes its mind with each of them.

    On the wire: the request is read by the responder; no connection to the configuration service.
    """
    return genuine(ground)


@_change("Old key withdrawn, more than ten minutes ago", "old_and_new", "new", WITHDRAWN)
def rotation_withdrawn_too_late(ground: Ground) -> Terminate:
    """Served: a valid certificate of the genuine CA with the old key. The app holds both pins,
    fetched more than ten minutes ago; the owner has since withdrawn the old one.

    Correct client: fetches the new configuration and refuses (contract TP-14).

    Why it goes wrong: a client that never asks again, or adds new pins to the old ones, goes on
    trusting a key that was stolen.

    On the wire: typically no application data after a finished handshake.
    """
    return genuine(ground)


@_change("Update forgotten: new key in use, never published", "old", None, WITHDRAWN)
def rotation_forgotten(ground: Ground) -> Terminate:
    """Served: the genuine chain with the new key, which the owner has forgotten to publish.

    Correct client: refuses it with PinsMismatch and reports it: to the app this is an attack. It
    is an outage, and the owner learns of it at once.

    Why it goes wrong: "it is the same CA, so it will be a renewal": a client that helps itself
    helps an attacker with a mis-issued certificate just as well.

    On the wire: typically no application data after a finished handshake. To be mended by the
    owner: publish the new pin, and every app is back within ten minutes.
    """
    return new_key(ground)


@_change(
    "Emergency: backup key in use, the stolen key is served",
    "standard",
    None,
    WITHDRAWN,
    after=LATER,
    before=[
        Stage("Backup key in use, pinned beforehand", backup_key, accept(), clock_offset=FRESH),
        Stage(
            "Backup key in use, stolen key withdrawn",
            backup_key,
            accept(),
            "backup_and_new",
            clock_offset=STALE,
        ),
    ],
)
def backup_key_emergency(ground: Ground) -> Terminate:
    """Served: in the end a valid certificate of the genuine CA with the key that was stolen. Before
    that the owner switched to the backup key, which was pinned all along, and then published a
    configuration without the stolen one.

    Correct client: accepts the backup key at once and all the time, and refuses the stolen one as
    soon as it holds the new configuration.

    Why it goes wrong: the backup pin is the one that is never tried before it is needed (OWASP:
    "always configure backup pins"); and a client that has once accepted a key keeps to it.

    On the wire: the requests of the first stages are read by the responder; then typically no
    application data after a finished handshake.
    """
    return genuine(ground)
