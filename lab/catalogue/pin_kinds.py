"""Chapter C, continued: each kind of pin (SPKI and leaf, SHA-256 and SHA-512).

What is shown elsewhere for SPKI SHA-256 pins holds for the others, too: the attacks that pinning
exists for, the renewal, the backup.
"""

from __future__ import annotations

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.model.attack import Concern, Control, Need, Trust, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate

LEAF_PINS = (Need.LEAF_PINS,)
LEAF512_PINS = (Need.LEAF_PINS, Need.SHA512_PINS)
SPKI512_PINS = (Need.SHA512_PINS,)


def _stuffed(ground: Ground) -> Terminate:
    """Return the attacker's chain with the genuine pinned leaf behind it."""
    made = ground.pki.compromised.issue(ground.host)
    return terminate(made.with_chain(*made.chain, ground.pki.genuine(ground.host).certificate))


@entry(
    "B4",
    "Device-trusted rogue CA, leaf SHA-256 pin",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    host=hosts.LEAF,
    needs=LEAF_PINS,
    versions=TLS13_ONLY,
)
def device_trusted_ca_leaf_sha256(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key below a root in the system store, for a host that
    is pinned by the SHA-256 digest of its whole certificate.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: a client that knows digests of keys alone may take a host whose pins it
    cannot read for one without pins.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "B4",
    "Device-trusted rogue CA, SPKI SHA-512 pin",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    host=hosts.SPKI512,
    needs=SPKI512_PINS,
    versions=TLS13_ONLY,
)
def device_trusted_ca_spki_sha512(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key below a root in the system store, for a host that
    is pinned by the SHA-512 digest of its key.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: code that picks out the SHA-256 pins and finds none left must fail closed;
    Android's own network security configuration takes SHA-256 alone.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "B4",
    "Device-trusted rogue CA, leaf SHA-512 pin",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    host=hosts.LEAF512,
    needs=LEAF512_PINS,
    versions=TLS13_ONLY,
)
def device_trusted_ca_leaf_sha512(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key below a root in the system store, for a host that
    is pinned by the SHA-512 digest of its whole certificate.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: as with the other kinds that few people use; each is a branch of its own.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "C2",
    "Renewed certificate, same key, SPKI SHA-512 pin",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.SPKI512,
    needs=SPKI512_PINS,
    versions=TLS13_ONLY,
)
def renewed_same_key_spki_sha512(ground: Ground) -> Terminate:
    """Served: a new certificate with the same key, to a client that pins the SHA-512 digest of
    the key.

    Correct client: accepts: the key is what is pinned (contract TP-04).

    Why it goes wrong: as with SHA-256: a client that holds on to the certificate locks its users
    out at the first renewal.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.renewed(ground.host, same_key=True))


@entry(
    "C2",
    "Renewed certificate, same key, leaf SHA-512 pin",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    host=hosts.LEAF512,
    needs=LEAF512_PINS,
    versions=TLS13_ONLY,
)
def renewed_same_key_leaf_sha512(ground: Ground) -> Terminate:
    """Served: a new certificate with the same key, to a client that pins the SHA-512 digest of
    the whole leaf.

    Correct client: refuses it: the bytes are other bytes (contract TP-04).

    Why it goes wrong: a client that compares keys where the leaf is pinned is laxer than its
    owner asked for.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.renewed(ground.host, same_key=True))


@entry(
    "C3",
    "Backup pin only, leaf SHA-256 pin",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.LEAF,
    needs=LEAF_PINS,
    versions=TLS13_ONLY,
)
def backup_pin_leaf_sha256(ground: Ground) -> Terminate:
    """Served: the certificate that the owner made beforehand and pinned as a whole, for the day
    on which the usual one is lost.

    Correct client: accepts: every live pin is an alternative.

    Why it goes wrong: a client that looks at the first pin alone.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.backup(ground.host))


@entry(
    "C3",
    "Backup pin only, SPKI SHA-512 pin",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.SPKI512,
    needs=SPKI512_PINS,
    versions=TLS13_ONLY,
)
def backup_pin_spki_sha512(ground: Ground) -> Terminate:
    """Served: a genuine chain with the backup key, which is pinned by its SHA-512 digest.

    Correct client: accepts: every live pin is an alternative.

    Why it goes wrong: a client that looks at the first pin alone.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.backup(ground.host))


@entry(
    "C6",
    "Pin stuffing, leaf SHA-256 pin",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    host=hosts.LEAF,
    needs=LEAF_PINS,
    versions=TLS13_ONLY,
)
def pin_stuffing_leaf_sha256(ground: Ground) -> Terminate:
    """Served: the attacker's chain from a trusted CA, and behind it the very certificate that is
    pinned.

    Correct client: refuses it: only the leaf it validated may satisfy a pin.

    Why it goes wrong: a fingerprint looks more exact than a key's digest, but what is compared
    with it is again whatever was received (CVE-2016-2402 in OkHttp).

    On the wire: typically no application data after a finished handshake.
    """
    return _stuffed(ground)


@entry(
    "C6",
    "Pin stuffing, SPKI SHA-512 pin",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    host=hosts.SPKI512,
    needs=SPKI512_PINS,
    versions=TLS13_ONLY,
)
def pin_stuffing_spki_sha512(ground: Ground) -> Terminate:
    """Served: the attacker's chain from a trusted CA, and behind it the genuine leaf, whose key
    is pinned by its SHA-512 digest.

    Correct client: refuses it: only the leaf it validated may satisfy a pin.

    Why it goes wrong: a longer digest helps nothing where the wrong certificate is hashed.

    On the wire: typically no application data after a finished handshake.
    """
    return _stuffed(ground)
