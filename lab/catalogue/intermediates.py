"""Chapter F, continued: what makes a certificate an issuer. Name right, trusted root, pinned key
on the leaf.
"""

from __future__ import annotations

from datetime import timedelta

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from lab.catalogue.ground import Ground
from lab.catalogue.hosts import EVIL
from lab.catalogue.make import defect, oddity, pinned, terminate
from lab.catalogue.registry import BOTH_VERSIONS
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.credential import with_bad_signature
from lab.pki.surgery import resigned

SIGNS_ONLY = x509.KeyUsage(True, False, False, False, False, False, False, False, False)


@defect("F1", "Forged leaf below the genuine CA", ErrorKind.CHAIN, versions=BOTH_VERSIONS)
def forged_leaf(ground: Ground) -> Terminate:
    """Served: the pinned key in a certificate of which one bit of the signature is flipped.

    Correct client: refuses the chain.

    Why it goes wrong: validators that compare issuer and subject names and never verify a
    signature accept whatever anybody writes (CVE-2014-0092: GnuTLS took an error while verifying
    for success).

    On the wire: an alert (decrypt_error or bad_certificate), or no application data.
    """
    made = pinned(ground)
    return terminate(made.with_chain(with_bad_signature(made.certificate), *made.issuers))


@defect("F1", "Forged intermediate", ErrorKind.CHAIN)
def forged_intermediate(ground: Ground) -> Terminate:
    """Served: the genuine leaf, and its intermediate with one bit of the signature flipped.

    Correct client: refuses the chain.

    Why it goes wrong: only the leaf's signature is verified, with a key that the attacker
    brought along.

    On the wire: an alert (decrypt_error or bad_certificate), or no application data.
    """
    made = pinned(ground)
    return terminate(made.with_chain(made.certificate, with_bad_signature(made.issuers[0])))


@defect("F2", "Intermediate says that it is no CA", ErrorKind.CHAIN)
def intermediate_denies_being_a_ca(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below a certificate with basicConstraints CA:FALSE, which
    may sign certificates by its keyUsage.

    Correct client: refuses the chain (RFC 5280 section 6.1.4 k).

    Why it goes wrong: a validator without basicConstraints makes everybody with a certificate a
    CA (CVE-2002-0862 in Windows, CVE-2011-0228 in iOS).

    On the wire: an alert, or no application data.
    """
    no_ca = x509.BasicConstraints(False, None)
    authority = ground.pki.public_root.subordinate("No CA", extensions=[(no_ca, True)])
    return terminate(pinned(ground, below=authority))


@defect("F2", "Intermediate does not say that it is a CA", ErrorKind.CHAIN)
def intermediate_without_basic_constraints(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below a certificate without basicConstraints, which may
    sign certificates by its keyUsage.

    Correct client: refuses the chain: without the extension a certificate of version 3 is no
    CA's (RFC 5280 section 6.1.4 k).

    Why it goes wrong: absence is taken for consent.

    On the wire: an alert, or no application data.
    """
    authority = ground.pki.public_root.subordinate(
        "Silent", without=[ExtensionOID.BASIC_CONSTRAINTS]
    )
    return terminate(pinned(ground, below=authority))


@defect("F2", "Intermediate must not sign certificates", ErrorKind.CHAIN)
def intermediate_without_cert_sign(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below a CA whose keyUsage lacks keyCertSign.

    Correct client: refuses the chain (RFC 5280 section 6.1.4 n).

    Why it goes wrong: basicConstraints are checked, and the keyUsage is forgotten.

    On the wire: an alert, or no application data.
    """
    authority = ground.pki.public_root.subordinate("Mute CA", extensions=[(SIGNS_ONLY, True)])
    return terminate(pinned(ground, below=authority))


@defect("F3", "One CA too many", ErrorKind.CHAIN)
def path_too_long(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below two intermediates, the upper one with a
    pathLenConstraint of 0.

    Correct client: refuses the chain (RFC 5280 section 6.1.4 l).

    Why it goes wrong: a company that may issue for its own hosts makes itself, or its intruder,
    further CAs, and the limit that its contract rests on is not looked at.

    On the wire: an alert, or no application data.
    """
    upper = ground.pki.public_root.subordinate("Last CA", path_length=0)
    return terminate(pinned(ground, below=upper.subordinate("One CA Too Many")))


@oddity("F3", "As many CAs as allowed")
def path_just_long_enough(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below two intermediates, the upper one with a
    pathLenConstraint of 1, the lower one of 0.

    Correct client: accepts: the constraint counts the CAs below, not the leaf.

    Why it goes wrong: off by one, a client refuses the usual chains of public CAs.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    upper = ground.pki.public_root.subordinate("Upper CA", path_length=1)
    return terminate(pinned(ground, below=upper.subordinate("Lower CA", path_length=0)))


@oddity("F7", "Cross-signed by a root that is unknown")
def cross_signed_root(ground: Ground) -> Terminate:
    """Served: the genuine leaf and intermediate, and then the trusted root once more, certified by
    another root that the device does not have.

    Correct client: accepts: its own root ends the path before the foreign one matters.

    Why it goes wrong: a client that follows what is sent to its end finds an unknown root
    (the outage of 2020, when AddTrust's root ended; 2021, when Let's Encrypt's did).

    On the wire: the handshake is finished and the request is read by the responder.
    """
    genuine = ground.pki.genuine(ground.host)
    crossed = ground.pki.rogue_root.cross_sign(ground.pki.public_root)
    return terminate(genuine.with_chain(*genuine.chain, crossed))


@oddity("F7", "An expired twin of the intermediate comes first")
def expired_twin(ground: Ground) -> Terminate:
    """Served: the genuine leaf, then two certificates of its intermediate: one that has ended, and
    the one that is in force.

    Correct client: accepts: one valid path is enough (RFC 4158 section 1.5).

    Why it goes wrong: a client that takes the first issuer whose name fits gives up too early.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    genuine = ground.pki.genuine(ground.host)
    ended = ground.now - timedelta(hours=1)
    twin = ground.pki.public_root.cross_sign(ground.pki.intermediate, not_after=ended)
    return terminate(genuine.with_chain(genuine.certificate, twin, *genuine.issuers))


@oddity("F7", "Certificates of strangers in between")
def strangers_in_the_chain(ground: Ground) -> Terminate:
    """Served: the genuine leaf, then a root and a leaf that have nothing to do with it, then its
    intermediate.

    Correct client: accepts: it builds a path of what it can use.

    Why it goes wrong: a client that takes each certificate for the issuer of the one before
    breaks on servers that send their whole store.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    genuine = ground.pki.genuine(ground.host)
    stranger = ground.pki.rogue.issue(EVIL).certificate
    others = (ground.pki.rogue_root.certificate, stranger)
    return terminate(genuine.with_chain(genuine.certificate, *others, *genuine.issuers))


@defect("F11", "Intermediate of version 1", ErrorKind.CHAIN)
def version_1_intermediate(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below an intermediate of X.509 version 1, which cannot say
    whether it is a CA.

    Correct client: refuses the chain (RFC 5280 section 6.1.4 k).

    Why it goes wrong: roots of version 1 had to be tolerated once, and the exception covered
    intermediates as well (CVE-2014-1959 and CVE-2009-5138 in GnuTLS).

    On the wire: an alert, or no application data.
    """
    made = pinned(ground)
    root = ground.pki.public_root
    old = resigned(made.issuers[0], root.key, version_1=True)
    return terminate(made.with_chain(made.certificate, old))
