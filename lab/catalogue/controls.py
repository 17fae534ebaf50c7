"""Chapter A: controls. Without A1, A2 and A3 no attack verdict counts; A4 proves that the lab
can say FAIL."""

from __future__ import annotations

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED, COMPROMISED_ON_BOTH_ROUTES, ROGUE
from lab.catalogue.ground import Ground
from lab.catalogue.make import terminate
from lab.catalogue.registry import entry
from lab.model.attack import (
    Concern,
    Control,
    Need,
    Subject,
    accept,
    refuse,
    relayed,
)
from lab.model.outcome import ErrorKind
from lab.model.serving import Relay, Terminate


@entry(
    "A1",
    "Good chain, pinned leaf",
    adversaries=COMPROMISED_ON_BOTH_ROUTES,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
)
def good_chain(ground: Ground) -> Terminate:
    """Served: the genuine chain with the pinned key, by the lab's own responder on the very
    route that carries the attacks.

    Correct client: accepts and completes its request.

    Why it goes wrong: a client that refuses everything would pass every attack; this case is
    what tells it from a client that pins.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "A1",
    "Good chain, SPKI SHA-512 pin",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.SPKI512,
    needs=[Need.SHA512_PINS],
)
def good_chain_spki_sha512(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host that is pinned by the SHA-512 digest of its key.

    Correct client: accepts.

    Why it goes wrong: 64-byte digests are rarer than 32-byte ones and get truncated or refused.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "A1",
    "Good chain, leaf SHA-256 pin",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.LEAF,
    needs=[Need.LEAF_PINS],
)
def good_chain_leaf_sha256(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host that is pinned by its whole leaf certificate.

    Correct client: accepts.

    Why it goes wrong: a client that only ever hashes the key never matches such a pin.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "A1",
    "Good chain, leaf SHA-512 pin",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.LEAF512,
    needs=[Need.LEAF_PINS, Need.SHA512_PINS],
)
def good_chain_leaf_sha512(ground: Ground) -> Terminate:
    """Served: the genuine chain of a host that is pinned by its whole leaf, SHA-512.

    Correct client: accepts.

    Why it goes wrong: the rarest of the four pin kinds is the least tried one.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "A2",
    "No interception",
    adversaries=COMPROMISED_ON_BOTH_ROUTES,
    expect=relayed(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
)
def no_interception(ground: Ground) -> Relay:
    """Served: nothing. The route passes the connection through to the genuine endpoint.

    Correct client: accepts; the request succeeds at the origin.

    Why it goes wrong: an app that fails on the route as such would be called safe.

    On the wire: only ciphertext is relayed, with the genuine chain inside.
    """
    return Relay()


@entry(
    "A3",
    "Unpinned client is intercepted",
    adversaries=COMPROMISED_ON_BOTH_ROUTES,
    expect=accept(),
    control=Control.NONE,
    subject=Subject.UNPINNED,
)
def unpinned_client_is_intercepted(ground: Ground) -> Terminate:
    """Served: a leaf for the host with the attacker's key, issued by a CA in the system store,
    to a client without pins on the same device.

    Correct client: one without pins accepts it: that is what an app without pinning is exposed
    to.

    Why it goes wrong: where even this client refuses, the CA is not trusted as claimed and
    every refusal of the pinned app would prove nothing.

    On the wire: the request is read by the adversary.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "A4",
    "Wrong client is caught: untrusted CA",
    adversaries=ROGUE,
    expect=refuse(ErrorKind.CHAIN),
    control=Control.NONE,
    subject=Subject.CARELESS,
    must_be_caught=True,
)
def careless_client_is_caught_by_rogue_ca(ground: Ground) -> Terminate:
    """Served: a leaf from a CA in no store, to a client that is wrong on purpose: it ignores
    every certificate error.

    Correct client: would refuse; this one accepts, and the lab must say FAIL.

    Why it goes wrong: a lab that has never said FAIL has not been shown to be able to.

    On the wire: the request is read by the adversary.
    """
    return terminate(ground.pki.rogue.issue(ground.host))


@entry(
    "A4",
    "Wrong client is caught: device-trusted CA",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    control=Control.NONE,
    subject=Subject.UNPINNED,
    must_be_caught=True,
)
def unpinned_client_is_caught_by_compromised_ca(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to a client without pins.

    Correct client: would refuse; this one accepts, and the lab must say FAIL.

    Why it goes wrong: a lab that has never said FAIL has not been shown to be able to.

    On the wire: the request is read by the adversary.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "A5",
    "Unregistered host, strict mode",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.UNREGISTERED),
    host=hosts.UNREGISTERED,
    needs=[Need.REGISTRATION],
)
def unregistered_host(ground: Ground) -> Terminate:
    """Served: a leaf from a CA in the system store for a host that has no pins.

    Correct client: refuses it in strict mode, with DomainNotRegistered (contract section 2.6).

    Why it goes wrong: a look-up that finds nothing is easily taken for nothing to check.

    On the wire: usually a finished handshake that is closed without application data.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "A6",
    "Same client throughout",
    adversaries=COMPROMISED_ON_BOTH_ROUTES,
    expect=refuse(ErrorKind.PIN),
)
def same_client_throughout(ground: Ground) -> Terminate:
    """Served: the pinning case B4. The ClientHellos of the benign and of the attacked requests
    are compared: versions, suites and extensions without GREASE (RFC 8701).

    Correct client: shows one fingerprint for one build.

    Why it goes wrong: where another program of the device makes the attacked connection, its
    refusal says nothing about the app; the lab then says INCONCLUSIVE.

    On the wire: the same ClientHello fingerprint in every window.
    """
    return terminate(ground.pki.compromised.issue(ground.host))
