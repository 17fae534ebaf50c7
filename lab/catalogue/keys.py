"""Chapter C, continued: key types (C18).

The host is pinned by keys of all six types at once, so that one configuration serves the whole
group; the digest of a key is made in the same way for all of them: over the DER of its
SubjectPublicKeyInfo. Each type is tried with the owner's key and with an attacker's of the same
type. The attacker's RSA keys have the owner's modulus and another exponent: the nearest that
another key can be, and no second one to be searched for primes of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Attack, Ground
from lab.catalogue.hosts import of_type
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.model.attack import Concern, Control, Need, Trust, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.kept_keys import nearest_key
from lab.pki.keys import KeyType


def _genuine(title: str, needs: Sequence[Need] = ()) -> Callable[[Attack], Attack]:
    """Show the owner's key of one type."""
    return entry(
        "C18",
        title,
        adversaries=COMPROMISED,
        trust=Trust.NONE,
        expect=accept(),
        control=Control.NONE,
        concern=Concern.AVAILABILITY,
        needs=needs,
        configuration="key_types",
        versions=TLS13_ONLY,
    )


def _rogue(title: str, needs: Sequence[Need] = ()) -> Callable[[Attack], Attack]:
    """Show an attacker's key of the type of a pinned one."""
    return entry(
        "C18",
        title,
        adversaries=COMPROMISED,
        expect=refuse(ErrorKind.PIN),
        needs=needs,
        configuration="key_types",
        versions=TLS13_ONLY,
    )


@_genuine("RSA-2048 key")
def key_rsa2048(ground: Ground) -> Terminate:
    """Served: a genuine chain whose leaf has the owner's RSA key of 2048 bits, which is pinned.

    Correct client: accepts.

    Why it goes wrong: code that builds the SubjectPublicKeyInfo from the bare key and knows
    elliptic curves alone (iOS hands out keys without their header: TrustKit had to be told the
    algorithm for years).

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(of_type(ground.pki, ground.host, KeyType.RSA2048))


@_genuine("RSA-3072 key")
def key_rsa3072(ground: Ground) -> Terminate:
    """Served: a genuine chain whose leaf has the owner's RSA key of 3072 bits, which is pinned.

    Correct client: accepts.

    Why it goes wrong: a header for each size from a table, and this size is not in it.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(of_type(ground.pki, ground.host, KeyType.RSA3072))


@_genuine("RSA-4096 key")
def key_rsa4096(ground: Ground) -> Terminate:
    """Served: a genuine chain whose leaf has the owner's RSA key of 4096 bits, which is pinned.

    Correct client: accepts.

    Why it goes wrong: buffers and tables that end with 2048 bits; the message no longer fits into
    one segment, either.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(of_type(ground.pki, ground.host, KeyType.RSA4096))


@_genuine("P-256 key")
def key_p256(ground: Ground) -> Terminate:
    """Served: a genuine chain whose leaf has the owner's key on the curve P-256, which is pinned.

    Correct client: accepts.

    Why it goes wrong: the usual type; a client that fails here was only ever tried with RSA.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(of_type(ground.pki, ground.host, KeyType.P256))


@_genuine("P-384 key")
def key_p384(ground: Ground) -> Terminate:
    """Served: a genuine chain whose leaf has the owner's key on the curve P-384, which is pinned.

    Correct client: accepts.

    Why it goes wrong: the header of P-256 put in front of whatever point there is.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(of_type(ground.pki, ground.host, KeyType.P384))


@_genuine("Ed25519 key", needs=[Need.ED25519])
def key_ed25519(ground: Ground) -> Terminate:
    """Served: a genuine chain whose leaf has the owner's Ed25519 key (RFC 8410), which is pinned.

    Correct client: accepts where its platform's TLS offers Ed25519 signatures. OpenSSL, and with
    it the virtual phone, does; Android's does not (BoringSSL knows them, but does not offer them
    unless told to), so that no real Android phone gets as far as the pins: not applicable there.

    Why it goes wrong: a SubjectPublicKeyInfo without parameters is new to code that expects some.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(of_type(ground.pki, ground.host, KeyType.ED25519))


@_rogue("Attacker's RSA-2048 key")
def rogue_key_rsa2048(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's RSA key of 2048 bits below a root in the system store,
    for a host that is pinned by a key of the same type.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: comparing moduli in place of keys, or the beginning of what is hashed: these
    keys differ in their last three bytes.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host, key=nearest_key(KeyType.RSA2048)))


@_rogue("Attacker's RSA-3072 key")
def rogue_key_rsa3072(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's RSA key of 3072 bits below a root in the system store,
    for a host that is pinned by a key of the same type.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: as with 2048 bits; a size that the table lacks must not count as no pin to
    compare.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host, key=nearest_key(KeyType.RSA3072)))


@_rogue("Attacker's RSA-4096 key")
def rogue_key_rsa4096(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's RSA key of 4096 bits below a root in the system store,
    for a host that is pinned by a key of the same type.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: as with 2048 bits; a key that the code cannot hash must be refused, not let
    through.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host, key=nearest_key(KeyType.RSA4096)))


@_rogue("Attacker's P-256 key")
def rogue_key_p256(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key on the curve P-256 below a root in the system store,
    for a host that is pinned by a key of the same type.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: hashing what all P-256 keys have in common: the header with the curve's name
    is longer than some prefixes that are compared.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host, key=nearest_key(KeyType.P256)))


@_rogue("Attacker's P-384 key")
def rogue_key_p384(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key on the curve P-384 below a root in the system store,
    for a host that is pinned by a key of the same type.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: as with P-256.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host, key=nearest_key(KeyType.P384)))


@_rogue("Attacker's Ed25519 key", needs=[Need.ED25519])
def rogue_key_ed25519(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's Ed25519 key (RFC 8410) below a root in the system store,
    for a host that is pinned by a key of the same type.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: a type that the comparing code does not know must be refused, not let
    through.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host, key=nearest_key(KeyType.ED25519)))
