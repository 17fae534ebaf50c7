"""Chapter C: pin matching, the heart of the catalogue."""

from __future__ import annotations

from datetime import timedelta

from lab.catalogue import hosts
from lab.catalogue.make import terminate
from lab.catalogue.registry import Ground, entry
from lab.model.attack import (
    Adversary,
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
from lab.pki.authority import Leaf, self_signed

ROGUE = (Adversary.ROGUE_CA,)
COMPROMISED = (Adversary.COMPROMISED_CA,)
COMPROMISED_ON_BOTH_ROUTES = (Adversary.COMPROMISED_CA, Adversary.ROGUE_WIFI)


@entry(
    "C1",
    "Trusted chain, no matching pin",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    host=hosts.MOVED,
)
def no_matching_pin(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host whose published pins are of other keys.

    Correct client: refuses it: only the pins vouch for a certificate.

    Why it goes wrong: a client that falls back to the platform's verdict where no pin matches
    has no pinning.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "C2",
    "Renewed certificate, same key, SPKI pin",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
)
def renewed_same_key_spki(ground: Ground) -> Terminate:
    """Served: a new certificate with the same key, as certbot --reuse-key makes it, to a client
    that pins the key.

    Correct client: accepts: the key is what is pinned (contract TP-04).

    Why it goes wrong: a client that hashes the whole certificate where the key is pinned locks
    its users out at the first renewal.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.renewed(ground.host, same_key=True))


@entry(
    "C2",
    "Renewed certificate, same key, leaf pin",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    host=hosts.LEAF,
    needs=[Need.LEAF_PINS],
)
def renewed_same_key_leaf(ground: Ground) -> Terminate:
    """Served: a new certificate with the same key, to a client that pins the whole leaf.

    Correct client: refuses it: the bytes are other bytes (contract TP-04).

    Why it goes wrong: a client that compares keys where the leaf is pinned is laxer than its
    owner asked for.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.renewed(ground.host, same_key=True))


@entry(
    "C3",
    "Backup pin only",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
)
def backup_pin(ground: Ground) -> Terminate:
    """Served: a genuine chain with the backup key; the usual key is nowhere in it.

    Correct client: accepts: every live pin is an alternative.

    Why it goes wrong: a client that looks at the first pin alone fails on the day on which the
    backup key is needed.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.backup(ground.host))


@entry(
    "C6",
    "Pin stuffing: pinned leaf appended",
    adversaries=COMPROMISED_ON_BOTH_ROUTES,
    expect=refuse(ErrorKind.PIN),
)
def pin_stuffing(ground: Ground) -> Terminate:
    """Served: the attacker's chain from a trusted CA, and behind it the genuine pinned leaf,
    which is public.

    Correct client: refuses it: only the leaf it validated may satisfy a pin.

    Why it goes wrong: pinning code that searches the chain as received finds the pinned
    certificate there (CVE-2016-2402 in OkHttp).

    On the wire: typically no application data after a finished handshake.
    """
    made = ground.pki.compromised.issue(ground.host)
    pinned = ground.pki.genuine(ground.host).certificate
    return terminate(made.with_chain(*made.chain, pinned))


@entry(
    "C7",
    "Genuine intermediate appended",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
)
def intermediate_appended(ground: Ground) -> Terminate:
    """Served: the attacker's chain from a trusted CA, and behind it the genuine intermediate.

    Correct client: refuses it: no pin matches the leaf.

    Why it goes wrong: a pin on the intermediate, searched for in the chain as received, is
    satisfied by a certificate that signed nothing here.

    On the wire: typically no application data after a finished handshake.
    """
    made = ground.pki.compromised.issue(ground.host)
    return terminate(made.with_chain(*made.chain, ground.pki.intermediate.certificate))


@entry(
    "C7",
    "Genuine intermediate in front",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
)
def intermediate_in_front(ground: Ground) -> Terminate:
    """Served: the attacker's leaf, then the genuine intermediate, then the attacker's own.

    Correct client: refuses it: no pin matches the leaf.

    Why it goes wrong: taking the second certificate of the message for the issuer, without a
    look at the signature, finds the genuine intermediate.

    On the wire: typically no application data after a finished handshake.
    """
    made = ground.pki.compromised.issue(ground.host)
    genuine = ground.pki.intermediate.certificate
    return terminate(made.with_chain(made.certificate, genuine, *made.issuers))


@entry(
    "C7",
    "Twin of the intermediate",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
)
def intermediate_twin(ground: Ground) -> Terminate:
    """Served: a leaf from an intermediate that carries the genuine one's subject name, but
    another key, below a root that the device trusts.

    Correct client: refuses it: no pin matches the leaf.

    Why it goes wrong: pinning an issuer by its name is satisfied by anyone who chooses that
    name.

    On the wire: typically no application data after a finished handshake.
    """
    name = ground.pki.intermediate.certificate.subject
    twin = ground.pki.compromised_root.subordinate(name)
    return terminate(twin.issue(ground.host))


@entry(
    "C10",
    "Right key, wrong host",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.NAME),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def right_key_wrong_host(ground: Ground) -> Terminate:
    """Served: a trusted, valid certificate with the pinned key, for another host.

    Correct client: refuses the name, although a pin matches.

    Why it goes wrong: pinned apps that leave out the host name check because "the pin is
    enough" (Spinner, Stone et al., ACSAC 2017).

    On the wire: no application data, or an alert.
    """
    key = ground.pki.genuine(ground.host).key
    return terminate(ground.pki.intermediate.issue(Leaf((hosts.EVIL,)), key=key))


@entry(
    "C11",
    "Right key, long expired leaf",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.TIME),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def right_key_expired(ground: Ground) -> Terminate:
    """Served: a certificate with the pinned key that ended more than a year ago.

    Correct client: refuses the time, although a pin matches: an old certificate may be of a
    key that was given up since.

    Why it goes wrong: a pin check in place of validation, not on top of it.

    On the wire: an alert (certificate_expired), or no application data.
    """
    key = ground.pki.genuine(ground.host).key
    ended = ground.now - timedelta(days=400)
    leaf = Leaf((ground.host,), not_before=ended - timedelta(days=90), not_after=ended)
    return terminate(ground.pki.intermediate.issue(leaf, key=key))


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
    key = ground.pki.genuine(ground.host).key
    return terminate(ground.pki.rogue.issue(ground.host, key=key))


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
