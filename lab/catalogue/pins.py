"""Chapter C: pin matching, the heart of the catalogue."""

from __future__ import annotations

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED, COMPROMISED_ON_BOTH_ROUTES
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
from lab.pki.authority import Leaf


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
    "B4",
    "Device-trusted rogue CA at the first contact",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    host=hosts.NEVER_SEEN,
    versions=TLS13_ONLY,
)
def device_trusted_ca_first_contact(ground: Ground) -> Terminate:
    """Served: the pinning case at the app's very first connection to a registered host. It was
    never at the genuine server.

    Correct client: refuses it, because no pin matches: the pins come with the signed
    configuration, not from the server.

    Why it goes wrong: trust on first use, as with SSH. The attacker need only be first, as in the
    hotel where the app is installed.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


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
    "C7",
    "Leaf that looks like the pinned one",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    versions=TLS13_ONLY,
)
def look_alike_leaf(ground: Ground) -> Terminate:
    """Served: a leaf from a CA that the device trusts, with the serial number, the dates, the
    names and the issuer's name of the genuine one; key and signature are the attacker's, and so
    the host's name stands in its common name as well.

    Correct client: refuses it: no pin matches the leaf.

    Why it goes wrong: taking a certificate for known by what one can read in it: a cache by
    issuer and serial number (which tell certificates apart only among those of an honest CA),
    a comparison of subjects.

    On the wire: typically no application data after a finished handshake.
    """
    genuine = ground.pki.genuine(ground.host).certificate
    twin = ground.pki.intermediate.imitation(ground.pki.compromised_root)
    leaf = Leaf(
        (ground.host,),
        common_name=ground.host,
        serial=genuine.serial_number,
        not_before=genuine.not_valid_before_utc,
        not_after=genuine.not_valid_after_utc,
    )
    return terminate(twin.issue(leaf))
