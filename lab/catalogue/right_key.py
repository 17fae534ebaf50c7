"""Chapter C, continued: the right key, and everything else wrong. A pin adds to validation."""

from __future__ import annotations

from datetime import timedelta

from lab.catalogue import hosts
from lab.catalogue.attackers import ROGUE
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, defect, pinned, terminate
from lab.catalogue.registry import BOTH_VERSIONS, entry
from lab.model.attack import (
    Concern,
    Control,
    Need,
    Trust,
    refuse,
)
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Leaf, self_signed


@defect("C10", "Right key, wrong host", ErrorKind.NAME, versions=BOTH_VERSIONS)
def right_key_wrong_host(ground: Ground) -> Terminate:
    """Served: a trusted, valid certificate with the pinned key, for another host.

    Correct client: refuses the name, although a pin matches.

    Why it goes wrong: pinned apps that leave out the host name check because "the pin is
    enough" (Spinner, Stone et al., ACSAC 2017).

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((hosts.EVIL,))))


@defect("C11", "Right key, long expired leaf", ErrorKind.TIME, versions=BOTH_VERSIONS)
def right_key_expired(ground: Ground) -> Terminate:
    """Served: a certificate with the pinned key that ended more than a year ago.

    Correct client: refuses the time, although a pin matches: an old certificate may be of a
    key that was given up since.

    Why it goes wrong: a pin check in place of validation, not on top of it.

    On the wire: an alert (certificate_expired), or no application data.
    """
    ended = ground.now - timedelta(days=400)
    leaf = Leaf((ground.host,), not_before=ended - timedelta(days=90), not_after=ended)
    return terminate(pinned(ground, leaf))


@entry(
    "C12",
    "Right key, self-signed",
    adversaries=ROGUE,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def right_key_self_signed(ground: Ground) -> Terminate:
    """Served: a self-signed certificate with the pinned key and the right name.

    Correct client: refuses the chain: a pin adds to chain validation and does not replace it.

    Why it goes wrong: a custom trust manager that checks pins only. Who got hold of the key
    can then use it after the certificate was revoked.

    On the wire: an alert, or no application data.
    """
    key = ground.pki.genuine(ground.host).key
    return terminate(self_signed(Leaf((ground.host,)), key=key))


@entry(
    "C12",
    "Right key, untrusted issuer",
    adversaries=ROGUE,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def right_key_untrusted_issuer(ground: Ground) -> Terminate:
    """Served: a certificate with the pinned key and the right name from a CA in no store.

    Correct client: refuses the chain: a pin adds to chain validation and does not replace it.

    Why it goes wrong: a custom trust manager that checks pins only.

    On the wire: an alert, or no application data.
    """
    return terminate(pinned(ground, below=ground.pki.rogue))


@entry(
    "C12",
    "Right key, CA in the user store",
    adversaries=ROGUE,
    trust=Trust.USER,
    expect=refuse(ErrorKind.CHAIN),
    concern=Concern.VALIDATION,
    needs=[Need.USER_STORE, Need.USER_STORE_APART],
    versions=TLS13_ONLY,
)
def right_key_user_ca(ground: Ground) -> Terminate:
    """Served: a certificate with the pinned key and the right name from a CA that the device's
    user has installed.

    Correct client: refuses the chain: apps on Android 7 and later ignore the user's store.

    Why it goes wrong: ``<certificates src="user"/>``, added for a test and left in. With any other
    key the pins would hide it; this case shows what the platform is asked to trust.

    On the wire: an alert, or no application data.
    """
    return terminate(pinned(ground, below=ground.pki.user))
