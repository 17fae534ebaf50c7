"""Chapter C, continued: pins of a CA, to an SDK that compares the leaf alone (C4, C5, C7 to C9).

The hosts here are registered with digests of their issuers. A leaf-only SDK refuses all that is
served for them, the genuine chain included (contract TP-06). What is shown is that no certificate
but the leaf is ever compared: one that the client finds in the message, or in a path of its own
making, is one that an attacker can put there.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Attack, Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import BOTH_VERSIONS, entry
from lab.model.attack import Trust, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Leaf


def _attack(id: str, title: str) -> Callable[[Attack], Attack]:
    """Attack a host whose pins are of the CAs that issue for it."""
    return entry(
        id,
        title,
        adversaries=COMPROMISED,
        expect=refuse(ErrorKind.PIN),
        host=hosts.CA_PINNED,
        versions=TLS13_ONLY,
    )


@entry(
    "C4",
    "Intermediate pin",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    host=hosts.CA_PINNED,
    versions=BOTH_VERSIONS,
)
def intermediate_pin(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host whose pins are of the CAs that issue for it.

    Correct client: one that compares the leaf alone refuses it with PinsMismatch (contract
    TP-06). One that is documented to pin CAs accepts by design; for it this is no FAIL of
    pinning but a promise that its documents have to make.

    Why it goes wrong: a pin of the issuer survives every renewal, which is why owners like it and
    why sloppy clients compare the whole chain. It also vouches for everything that this CA ever
    signs, for whomever: see "The genuine CA mis-issues". To mend it, compare the first
    certificate of the validated path and no other, and publish pins of leaf keys.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "C5",
    "Root pin, root not sent",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    host=hosts.ROOT_PINNED,
    versions=TLS13_ONLY,
)
def root_pin(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host whose only pin is of its root's key. The root itself is
    not in the message; the client has it in its store.

    Correct client: one that compares the leaf alone refuses it with PinsMismatch (contract
    TP-06).

    Why it goes wrong: a client that compares what its platform hands it as the validated path
    finds the root at the end of it, and trusts every CA below.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.genuine(ground.host))


@_attack("C7", "Pinned intermediate appended")
def pinned_intermediate_appended(ground: Ground) -> Terminate:
    """Served: the attacker's chain from a trusted CA, and behind it the genuine intermediate,
    which is what the host's pins are of.

    Correct client: refuses it: no pin matches the leaf.

    Why it goes wrong: a client that pins CAs and searches the chain as received finds the pinned
    one there, though it signed nothing here (CVE-2016-2402 in OkHttp). To mend it, compare
    certificates of the validated path only.

    On the wire: typically no application data after a finished handshake.
    """
    made = ground.pki.compromised.issue(ground.host)
    return terminate(made.with_chain(*made.chain, ground.pki.intermediate.certificate))


@_attack("C7", "Pinned intermediate in front")
def pinned_intermediate_in_front(ground: Ground) -> Terminate:
    """Served: the attacker's leaf, then the genuine and pinned intermediate, then the attacker's
    own.

    Correct client: refuses it: no pin matches the leaf.

    Why it goes wrong: taking the second certificate of the message for the leaf's issuer, as old
    documents advise ("index 1 is the intermediate"), finds the pinned one.

    On the wire: typically no application data after a finished handshake.
    """
    made = ground.pki.compromised.issue(ground.host)
    genuine = ground.pki.intermediate.certificate
    return terminate(made.with_chain(made.certificate, genuine, *made.issuers))


@_attack("C7", "Twin of the pinned intermediate")
def pinned_intermediate_twin(ground: Ground) -> Terminate:
    """Served: a leaf from an intermediate that carries the pinned one's subject name and key
    identifier, but another key, below a root that the device trusts; the pinned one is sent, too.

    Correct client: refuses it: no pin matches the leaf.

    Why it goes wrong: a client that chains certificates by name and key identifier, without a
    look at the signatures, gets from the attacker's leaf to the pinned CA.

    On the wire: typically no application data after a finished handshake.
    """
    genuine = ground.pki.intermediate
    made = genuine.imitation(ground.pki.compromised_root).issue(ground.host)
    return terminate(made.with_chain(*made.chain, genuine.certificate))


@_attack("C8", "Cross-signed switch without the CA bit")
def switch_without_ca_bit(ground: Ground) -> Terminate:
    """Served: the attacker's leaf; the attacker's own intermediate, which a trusted root certified;
    a certificate S that the pinned CA issued to the attacker as to any customer, no CA's, with the
    name and the key of that intermediate; and the pinned CA.

    Correct client: refuses it: the path that holds goes over the attacker's intermediate, and S
    may sign nothing (RFC 5280 section 4.2.1.9).

    Why it goes wrong: the platform finds the path to the trusted root. A pinning client that then
    builds a path of its own by names and signatures finds another one, over S to the pinned CA.
    To mend it, take the path that the platform validated (on Android the result of
    X509TrustManagerExtensions.checkServerTrusted), never one's own.

    On the wire: typically no application data after a finished handshake.
    """
    pki, own = ground.pki, ground.pki.compromised
    switch = pki.intermediate.issue(
        Leaf((hosts.EVIL,), subject=own.certificate.subject), key=own.key
    )
    made = own.issue(ground.host)
    # Behind the right one: a verifier that does not go back on its choice would end in a blind
    # alley, and nobody would be shown to be fooled.
    return terminate(made.with_chain(*made.chain, *switch.chain))


@_attack("C9", "Path length confusion")
def switch_beyond_path_length(ground: Ground) -> Terminate:
    """Served: the attacker's leaf; the attacker's intermediate, which a trusted root certified;
    and a second certificate for the name and key of that intermediate, a CA's, from a pinned CA
    that may have no CA below it (pathLenConstraint 0); and that pinned CA.

    Correct client: refuses it: the path that holds goes to the trusted root, and on the other one
    there is a CA too many (RFC 5280 section 4.2.1.9).

    Why it goes wrong: as without the CA bit; this one also fools a client that looks whether each
    issuer on its own path is a CA, but does not count them.

    On the wire: typically no application data after a finished handshake.
    """
    pki, own = ground.pki, ground.pki.compromised
    made = own.issue(ground.host)
    switch = pki.limited.cross_sign(own)
    # Behind the right one, as without the CA bit.
    return terminate(made.with_chain(*made.chain, switch, pki.limited.certificate))
