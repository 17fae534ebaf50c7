"""Chapter F: chain mechanics. Name right, trusted root, pinned key on the leaf."""

from __future__ import annotations

from lab.catalogue.ground import Ground
from lab.catalogue.make import defect, oddity, pinned, terminate
from lab.catalogue.registry import BOTH_VERSIONS
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Authority


@defect("F6", "Incomplete chain", ErrorKind.CHAIN, versions=BOTH_VERSIONS)
def incomplete_chain(ground: Ground) -> Terminate:
    """Served: the genuine leaf alone, without the intermediate; it names no place to fetch it.

    Correct client: refuses the chain: it cannot reach a trust anchor.

    Why it goes wrong: a client that trusts the pinned leaf as it stands has replaced chain
    validation by the pin.

    On the wire: an alert, or no application data.
    """
    genuine = ground.pki.genuine(ground.host)
    return terminate(genuine.with_chain(genuine.certificate))


@oddity("F6", "Unordered chain with the root")
def unordered_chain(ground: Ground) -> Terminate:
    """Served: the genuine leaf, then the root, then the intermediate.

    Correct client: accepts: RFC 8446 section 4.4.2 asks clients to be ready for arbitrary
    order behind the leaf.

    Why it goes wrong: a client that insists on the order breaks on servers that it cannot
    change.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    genuine = ground.pki.genuine(ground.host)
    root = ground.pki.public_root.certificate
    return terminate(genuine.with_chain(genuine.certificate, root, *genuine.issuers))


@oddity("F6", "Duplicated certificates")
def duplicated_certificates(ground: Ground) -> Terminate:
    """Served: the genuine chain with every certificate twice.

    Correct client: accepts: extraneous certificates do no harm (RFC 8446 section 4.4.2).

    Why it goes wrong: a verifier that walks the message instead of building a path fails.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    genuine = ground.pki.genuine(ground.host)
    twice = tuple(c for certificate in genuine.chain for c in (certificate, certificate))
    return terminate(genuine.with_chain(*twice))


@defect("F6", "Cyclic chain", ErrorKind.CHAIN)
def cyclic_chain(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below two CAs that have signed each other, and no root.

    Correct client: refuses the chain, in bounded time.

    Why it goes wrong: a path builder without a limit does not end.

    On the wire: an alert, or no application data; no hang.
    """
    one, two = Authority.root("Ouroboros One"), Authority.root("Ouroboros Two")
    one_by_two, two_by_one = two.cross_sign(one), one.cross_sign(two)
    made = pinned(ground, below=one)
    return terminate(made.with_chain(made.certificate, one_by_two, two_by_one))


@defect("F6", "Endless chain", ErrorKind.CHAIN)
def endless_chain(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf at the end of forty intermediates that lead to no
    trusted root.

    Correct client: refuses the chain, in bounded time and memory.

    Why it goes wrong: path builders with quadratic or worse cost hang the app.

    On the wire: an alert, or no application data; no hang.
    """
    authority = ground.pki.rogue
    for depth in range(40):
        authority = authority.subordinate(f"Endless {depth}")
    return terminate(pinned(ground, below=authority))
