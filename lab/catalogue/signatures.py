"""Chapter C, continued: configurations that the owner did not sign (C19; contract TP-12).

Each vouches for the attacker's own key, and the attacker serves a certificate of a CA in the
system store with that key. Nothing but the signature over the configuration stands between the
app and the attacker. What is given in the header of a token is given by whoever made it.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.catalogue.attackers import COMPROMISED, COMPROMISED_ON_BOTH_ROUTES
from lab.catalogue.ground import Attack, Ground
from lab.catalogue.hosts import EVIL, HOST
from lab.catalogue.sourcing import attackers_key, cold, refused_source, stale
from lab.model.attack import Adversary
from lab.model.publication import Publication, Token
from lab.model.serving import HostPlan, HttpAnswer, Terminate
from lab.pinning.tokens import jwk_set


def _cold(
    title: str, token: Token, adversaries: tuple[Adversary, ...] = COMPROMISED
) -> Callable[[Attack], Attack]:
    """Hand ``token`` to an app that starts for the first time."""
    return cold(title, refused_source, Publication(token), adversaries=adversaries)


@_cold("Payload changed after it was signed", Token.TAMPERED, COMPROMISED_ON_BOTH_ROUTES)
def tampered_configuration(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store, to an app that
    starts for the first time. Its configuration has the owner's header and signature, but another
    payload between them, which vouches for that key.

    Correct client: refuses the configuration (ConfigurationValidationFailed) and the connection.

    Why it goes wrong: the token is decoded for its claims with a library call that does not
    verify, as ``jwt.decode`` of several libraries is (OWASP MASTG, testing of tokens), or the
    answer of the verification is not looked at.

    On the wire: an attempt at the configuration service; no application data for the host. To be
    mended where the token is read: verify first, and read only what the verification returns.
    """
    return attackers_key(ground)


@_cold("Not signed at all (alg none)", Token.ALG_NONE)
def alg_none_configuration(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store, to an app that
    starts for the first time. Its configuration vouches for that key, has an empty signature and
    says ``"alg":"none"``.

    Correct client: refuses the configuration: the algorithm is ES256 and no other.

    Why it goes wrong: libraries did as the header said and took such tokens for verified
    (CVE-2015-9235; RFC 8725 section 2.1).

    On the wire: an attempt at the configuration service; no application data for the host. To be
    mended by a fixed list of algorithms that the header cannot add to.
    """
    return attackers_key(ground)


@_cold("HMAC with the public key as its secret (HS256)", Token.HS256)
def key_confusion_configuration(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store, to an app that
    starts for the first time. Its configuration vouches for that key and carries an HMAC-SHA256
    whose secret is the public key that is built into the app, where everybody can read it.

    Correct client: refuses the configuration: the algorithm is ES256 and no other.

    Why it goes wrong: one function for all algorithms takes the same bytes for a public key or
    for a secret, as the header says (CVE-2016-5431, CVE-2022-29217; RFC 8725 section 2.1).

    On the wire: an attempt at the configuration service; no application data for the host. To be
    mended by a fixed algorithm and by keys that have a type.
    """
    return attackers_key(ground)


@_cold("Signature of zeros", Token.ZERO_SIGNATURE)
def zero_signature_configuration(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store, to an app that
    starts for the first time. Its configuration vouches for that key; r and s of its signature
    are zero.

    Correct client: refuses the configuration: both numbers must be at least one (FIPS 186-5
    section 6.4.2).

    Why it goes wrong: the ECDSA of Java 15 to 18 did not look, and took the blank signature for
    anybody's on anything (CVE-2022-21449, "psychic signatures").

    On the wire: an attempt at the configuration service; no application data for the host. To be
    mended with another release of the cryptographic library.
    """
    return attackers_key(ground)


@_cold("Brings its own key along (jwk)", Token.JWK_HEADER)
def key_in_the_header(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store, to an app that
    starts for the first time. Its configuration vouches for that key and is signed with it; the
    public key is in the token's header.

    Correct client: refuses the configuration: the owner's key is built into the app (contract
    section 1.4), and no other counts.

    Why it goes wrong: libraries verified with the key that the token brought along
    (CVE-2018-0114; RFC 7515 section 4.1.3 allows the parameter, section 10.3 warns).

    On the wire: an attempt at the configuration service; no application data for the host. To be
    mended by handing the key to the verification, whatever the header holds.
    """
    return attackers_key(ground)


@_cold("Brings its own certificate along (x5c)", Token.X5C_HEADER)
def certificate_in_the_header(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store, to an app that
    starts for the first time. Its configuration vouches for that key and is signed with it; the
    token's header holds a certificate of that key, from a public CA, for a host of the attacker's.

    Correct client: refuses the configuration: a certificate says whose host it is, not whose
    pins these are.

    Why it goes wrong: a chain in ``x5c`` that leads to a trusted root looks like proof. That
    anybody can have such a one is forgotten (RFC 7515 section 4.1.6).

    On the wire: an attempt at the configuration service; no application data for the host. To be
    mended by handing the key to the verification, whatever the header holds.
    """
    return attackers_key(ground)


@_cold("Says where its key can be fetched (jku)", Token.JKU_HEADER)
def key_address_in_the_header(ground: Ground) -> dict[str, HostPlan]:
    """Served: a leaf with the attacker's key from a CA in the system store, to an app that
    starts for the first time. Its configuration vouches for that key and is signed with it; the
    token's header says where the key can be fetched, and it really is there, on a host of the
    attacker's with a proper certificate.

    Correct client: refuses the configuration, and asks that host for nothing.

    Why it goes wrong: a client that supports ``jku`` for the rotation of signing keys lets every
    signer name the key to be checked with (CVE-2018-0114's class; RFC 7515 section 4.1.2).

    On the wire: an attempt at the configuration service; no application data for the host. A
    connection to the attacker's host shows a client that follows the address.
    """
    evil = ground.pki.genuine(EVIL)
    keys = HttpAnswer(body=jwk_set(evil.certificate.public_key()))
    serving = Terminate(evil.chain_der, evil.key_der, keys)
    return {HOST: HostPlan(attackers_key(ground)), EVIL: HostPlan(serving)}


@_cold("Signed rightly for another project", Token.OTHER_PROJECT)
def other_projects_configuration(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store, to an app that
    starts for the first time. Its configuration vouches for that key and is signed rightly for
    another project, the attacker's own: ``kid`` names that project.

    Correct client: refuses the configuration: it was set up with one project's key, and this is
    not signed with it.

    Why it goes wrong: where keys are looked up by ``kid`` in a directory of all customers, every
    customer can sign for all others. The payload names no project (contract section 1.2), so
    nothing else tells.

    On the wire: an attempt at the configuration service; no application data for the host. To be
    mended by the key that the app was set up with, and no other.
    """
    return attackers_key(ground)


@stale("Payload changed after it was signed, stale cache", Publication(Token.TAMPERED))
def tampered_configuration_stale(ground: Ground) -> Terminate:
    """Served: a leaf with the attacker's key from a CA in the system store. The app's
    configuration is more than ten minutes old; the one that it is given now has the owner's
    header and signature, but a payload that vouches for that key.

    Correct client: refuses the configuration, and then the connection: by the pins that it has,
    or because it has none any more.

    Why it goes wrong: the refresh takes another way through the code than the first start, and
    the check is in one of them.

    On the wire: an attempt at the configuration service; no application data for the host.
    """
    return attackers_key(ground)


@_cold("Not valid before tomorrow (nbf)", Token.NOT_YET)
def not_yet_valid_configuration(ground: Ground) -> Terminate:
    """Served: a leaf from a CA in the system store with a key that the owner's next
    configuration vouches for, to an app that starts for the first time. That configuration is
    signed rightly, but its ``nbf`` is a day ahead.

    Correct client: refuses it as not valid yet (contract sections 3.1 and 10, step 4), and has no
    other.

    Why it goes wrong: who verifies the signature often stops there. A change of keys that was
    signed ahead and then called off is in force for whoever hands it out.

    On the wire: an attempt at the configuration service; no application data for the host. A day
    is more than any clock's error that a client might allow for; how much it allows for is not
    published (contract section 9.2 item 4), and ``iat`` alone is not laid down at all.
    """
    return attackers_key(ground)
