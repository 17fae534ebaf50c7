"""Chapter F, continued: broken hashes, weak keys, curves of the attacker's own."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

from lab.catalogue.ground import Ground
from lab.catalogue.make import defect, oddity, pinned, terminate
from lab.catalogue.registry import BOTH_VERSIONS
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Authority
from lab.pki.kept_keys import kept_key
from lab.pki.keys import KeyType, PrivateKey
from lab.pki.surgery import (
    ECDSA_SHA1,
    RSA_MD5,
    explicit_key_info,
    key_of_own_generator,
    point_of,
    resigned,
)
from lab.pki.weak_keys import rsa_key

FACTORED = 512
"""Bits of an RSA modulus that anybody can factor in hours, for some tens of dollars."""
ODD_SIZE = 2200


def _rsa_authority(ground: Ground) -> Authority:
    return ground.pki.public_root.subordinate("RSA CA", key=kept_key(KeyType.RSA2048))


@defect("F8", "Leaf signed with SHA-1", ErrorKind.CHAIN, versions=BOTH_VERSIONS)
def sha1_leaf(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf whose signature is made over a SHA-1 digest.

    Correct client: refuses the chain.

    Why it goes wrong: collisions of SHA-1 cost some 45,000 dollars in 2020 (Leurent and Peyrin,
    "SHA-1 is a Shambles"): two certificates with one signature. Old stacks, and stacks with
    policies for old servers, accept it.

    On the wire: an alert, or no application data.
    """
    made = pinned(ground)
    old = resigned(made.certificate, ground.pki.intermediate.key, ECDSA_SHA1)
    return terminate(made.with_chain(old, *made.issuers))


@defect("F8", "Leaf signed with MD5", ErrorKind.CHAIN)
def md5_leaf(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf whose signature is made over an MD5 digest, with RSA.

    Correct client: refuses the chain.

    Why it goes wrong: a rogue CA was made of an MD5 collision in 2008 (Stevens et al., "Short
    chosen-prefix collisions"), and Flame signed code with one in 2012.

    On the wire: an alert, or no application data.
    """
    authority = _rsa_authority(ground)
    made = pinned(ground, below=authority)
    return terminate(
        made.with_chain(resigned(made.certificate, authority.key, RSA_MD5), *made.issuers)
    )


@defect("F8", "Intermediate signed with SHA-1", ErrorKind.CHAIN)
def sha1_intermediate(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below an intermediate whose signature is made over a SHA-1
    digest.

    Correct client: refuses the chain.

    Why it goes wrong: only the leaf's hash is looked at, though a forged CA is worth more.

    On the wire: an alert, or no application data.
    """
    made = pinned(ground)
    old = resigned(made.issuers[0], ground.pki.public_root.key, ECDSA_SHA1)
    return terminate(made.with_chain(made.certificate, old))


@defect("F8", "Intermediate signed with MD5", ErrorKind.CHAIN)
def md5_intermediate(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below two intermediates, the lower one signed over an MD5
    digest, with RSA.

    Correct client: refuses the chain.

    Why it goes wrong: this is the very certificate of the attack of 2008.

    On the wire: an alert, or no application data.
    """
    authority = _rsa_authority(ground)
    made = pinned(ground, below=authority.subordinate("Lower CA"))
    leaf, lower, upper = made.chain
    return terminate(made.with_chain(leaf, resigned(lower, authority.key, RSA_MD5), upper))


@oddity("F8", "Root signed with SHA-1")
def sha1_root(ground: Ground) -> Terminate:
    """Served: the genuine chain, and behind it the root in a form that it signed for itself with
    SHA-1, as many roots of the web have been.

    Correct client: accepts: nobody relies on a root's signature for itself.

    Why it goes wrong: a client that looks at the hash of everything that is sent breaks on
    servers that send their root.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    genuine, root = ground.pki.genuine(ground.host), ground.pki.public_root
    return terminate(
        genuine.with_chain(*genuine.chain, resigned(root.certificate, root.key, ECDSA_SHA1))
    )


@defect("F9", "Intermediate with an RSA key of 512 bits", ErrorKind.CHAIN)
def rsa_512_intermediate(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below an intermediate whose RSA key has 512 bits.

    Correct client: refuses the chain: such a key is anybody's.

    Why it goes wrong: key sizes are checked for the leaf alone, or not at all. DigiCert
    Sdn. Bhd. issued certificates for 512-bit keys that were factored and used in 2011.

    On the wire: an alert, or no application data.
    """
    return terminate(pinned(ground, below=_below_root(ground, rsa_key(FACTORED))))


@defect("F9", "Intermediate with a key on P-192", ErrorKind.CHAIN)
def p192_intermediate(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below an intermediate whose key is on the curve P-192.

    Correct client: refuses the chain: BoringSSL does not know the curve, and no public CA may
    use it (CA/Browser Forum, Baseline Requirements section 6.1.5).

    Why it goes wrong: a TLS library with every curve that was ever named accepts the weakest.

    On the wire: an alert, or no application data.
    """
    key = ec.generate_private_key(ec.SECP192R1())
    return terminate(pinned(ground, below=_below_root(ground, key)))


@oddity("F9", "Intermediate with an RSA key of 2,200 bits")
def odd_rsa_intermediate(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below an intermediate whose RSA key has 2,200 bits.

    Correct client: accepts: any size from 2,048 bits on is sound.

    Why it goes wrong: a client with a list of sizes breaks on the first that is not in it.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(pinned(ground, below=_below_root(ground, rsa_key(ODD_SIZE))))


@defect("F10", "Intermediate that spells its curve out", ErrorKind.CHAIN)
def explicit_curve_intermediate(ground: Ground) -> Terminate:
    """Served: the pinned key in a leaf below an intermediate whose key carries all parameters of
    P-256 instead of the curve's name.

    Correct client: refuses the chain: the form is forbidden (RFC 5480 section 2.1.1), and a
    client that reads parameters can be given others.

    Why it goes wrong: the library supports it, and nobody turned it off.

    On the wire: an alert, or no application data.
    """
    made, authority = pinned(ground), ground.pki.intermediate
    odd = resigned(
        made.issuers[0],
        ground.pki.public_root.key,
        key_info=explicit_key_info(_public(authority)),
    )
    return terminate(made.with_chain(made.certificate, odd))


@defect("F10", "The trusted root's key on a curve of the attacker's", ErrorKind.CHAIN)
def spoofed_root(ground: Ground) -> Terminate:
    """Served: a leaf for the host with the pinned key, signed by a root with the name, key
    identifier and public key of the trusted one, but on a curve whose generator is that public
    key: its private key is 1.

    Correct client: refuses the chain: with the trusted root's own parameters the signature is
    wrong.

    Why it goes wrong: Windows recognised a root by its public key alone (CVE-2020-0601,
    "CurveBall"), and verified with the parameters that were sent.

    On the wire: an alert, or no application data.
    """
    made, root = pinned(ground, below=ground.pki.public_root), ground.pki.public_root
    victim = _public(root)
    forger = key_of_own_generator(victim)
    spoofed = resigned(
        root.certificate,
        root.key,
        forger,
        key_info=explicit_key_info(victim, point_of(victim)),
    )
    leaf = resigned(made.certificate, root.key, forger)
    return terminate(made.with_chain(leaf, spoofed))


def _below_root(ground: Ground, key: PrivateKey) -> Authority:
    return ground.pki.public_root.subordinate("Weak CA", key=key)


def _public(authority: Authority) -> ec.EllipticCurvePublicKey:
    key = authority.key.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey), "the lab's authorities are on P-256"
    return key
