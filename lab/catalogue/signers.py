"""Chapter B: who signed. Name and dates are right; only the issuer is wrong."""

from __future__ import annotations

from lab.catalogue.attackers import (
    COMPROMISED,
    COMPROMISED_ON_BOTH_ROUTES,
    ROGUE,
    ROGUE_ON_BOTH_ROUTES,
)
from lab.catalogue.ground import Ground
from lab.catalogue.hosts import EVIL
from lab.catalogue.make import TLS13_ONLY, defect, terminate
from lab.catalogue.registry import BOTH_VERSIONS, entry
from lab.model.attack import Concern, Control, Need, Trust, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Authority, Leaf, self_signed


@entry(
    "B1",
    "Untrusted CA",
    adversaries=ROGUE_ON_BOTH_ROUTES,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def untrusted_ca(ground: Ground) -> Terminate:
    """Served: a leaf for the host from a CA that is in no store of the device.

    Correct client: refuses the chain.

    Why it goes wrong: trust managers that trust everything, left over from development, are
    the classic finding (Fahl et al., CCS 2012).

    On the wire: an alert (usually unknown_ca), an end without one, or a finished handshake
    that is closed without application data.
    """
    return terminate(ground.pki.rogue.issue(ground.host))


@entry(
    "B2",
    "Self-signed, right name",
    adversaries=ROGUE,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def self_signed_right_name(ground: Ground) -> Terminate:
    """Served: a self-signed leaf whose subjectAltName is the host.

    Correct client: refuses the chain.

    Why it goes wrong: clients that accept self-signed certificates for a test server keep
    doing so in the release.

    On the wire: an alert, an end without one, or no application data.
    """
    return terminate(self_signed(Leaf((ground.host,))))


@entry(
    "B3",
    "Self-signed, other name",
    adversaries=ROGUE,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN, ErrorKind.NAME),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def self_signed_other_name(ground: Ground) -> Terminate:
    """Served: a self-signed leaf for another host.

    Correct client: refuses the chain or the name.

    Why it goes wrong: a client that skips both checks accepts any certificate at all.

    On the wire: an alert, an end without one, or no application data.
    """
    return terminate(self_signed(Leaf((EVIL,))))


@entry(
    "B4",
    "Device-trusted rogue CA",
    adversaries=COMPROMISED_ON_BOTH_ROUTES,
    expect=refuse(ErrorKind.PIN),
)
def device_trusted_ca(ground: Ground) -> Terminate:
    """Served: a leaf for the host with the attacker's key, issued below a root that is in the
    device's system store.

    Correct client: refuses it, because no pin matches the leaf (contract TP-02).

    Why it goes wrong: this is the case that pinning exists for. Nothing but the pin can tell
    this server from the genuine one, so a client whose pin check is missing, misplaced or too
    late falls for it.

    On the wire: typically a finished handshake that is closed without application data; an
    alert where the pin is checked inside the handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "B5",
    "CA in the user store",
    adversaries=ROGUE,
    trust=Trust.USER,
    expect=refuse(ErrorKind.CHAIN, ErrorKind.PIN),
    needs=[Need.USER_STORE],
)
def user_store_ca(ground: Ground) -> Terminate:
    """Served: a leaf for the host from a CA that the device's user has installed.

    Correct client: refuses it: the chain, as apps on Android 7 and later ignore the user
    store, or the pin.

    Why it goes wrong: an app whose network security configuration opts into the user store and
    whose pins are off in that case is open to anyone who gets a CA installed.

    On the wire: an alert, or no application data.
    """
    return terminate(ground.pki.user.issue(ground.host))


@entry(
    "B5",
    "The same CA in the system store",
    adversaries=COMPROMISED,
    trust=Trust.SYSTEM,
    anchor="user_root",
    expect=refuse(ErrorKind.PIN),
    needs=[Need.USER_STORE],
)
def user_store_ca_moved_to_system(ground: Ground) -> Terminate:
    """Served: the leaf of the user-store case, its root now in the system store, as on a
    rooted phone.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: passing the user-store case proves the platform's rule, not the pins.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.user.issue(ground.host))


@entry(
    "B6",
    "Sub-CA of a public root in the wrong hands",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
)
def stolen_sub_ca(ground: Ground) -> Terminate:
    """Served: a leaf for the host from a sub-CA below the root that every device trusts.

    Correct client: refuses it, because no pin matches the leaf.

    Why it goes wrong: DigiNotar and Comodo (2011) and TURKTRUST (2013) issued such
    certificates; a client that pins a root or trusts the platform alone accepts them.

    On the wire: typically no application data after a finished handshake.
    """
    stolen = ground.pki.public_root.subordinate("Stolen Sub-CA")
    return terminate(stolen.issue(ground.host))


@entry(
    "B6",
    "The genuine CA mis-issues",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
)
def genuine_ca_mis_issues(ground: Ground) -> Terminate:
    """Served: a leaf for the host with the attacker's key, from the very CA that issued the
    genuine one.

    Correct client: refuses it: leaf pins do not vouch for the CA (contract section 4.5). A
    client that pins the CA accepts by design.

    Why it goes wrong: comparing the issuer's key, or any certificate of the chain, with the
    pins looks like pinning until the CA is deceived.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.intermediate.issue(ground.host))


@entry(
    "B7",
    "Root with a published key, in no store",
    adversaries=ROGUE,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
    versions=TLS13_ONLY,
)
def published_key_root_absent(ground: Ground) -> Terminate:
    """Served: a leaf for the host, issued by a root whose private key everybody has. The root is
    the lab's twin of such a one: made for this run, its key kept nowhere.

    Correct client: refuses the chain.

    Why it goes wrong: a store of one's own that came with the product: Superfish (Lenovo,
    2015), eDellRoot (Dell, 2015), the test roots of development servers.

    On the wire: an alert, an end without one, or no application data.
    """
    return terminate(ground.pki.published_root.issue(ground.host))


@entry(
    "B7",
    "Root with a published key, in the system store",
    adversaries=COMPROMISED,
    anchor="published_root",
    expect=refuse(ErrorKind.PIN),
    versions=TLS13_ONLY,
)
def published_key_root_present(ground: Ground) -> Terminate:
    """Served: the same leaf, on a device in whose system store the vendor has put that root.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: pins that make way for roots which somebody installed, to please company
    proxies. Chrome did so: Superfish's victims had pinning, and it was switched off for them.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.published_root.issue(ground.host))


@defect("B8", "Signed by a certificate that is no CA", ErrorKind.CHAIN, versions=BOTH_VERSIONS)
def signed_by_end_entity(ground: Ground) -> Terminate:
    """Served: a leaf for the host, signed with the key of a valid end-entity certificate that
    the attacker owns below the public root.

    Correct client: refuses the chain: the issuer is not a CA (RFC 5280 section 4.2.1.9).

    Why it goes wrong: a validator that follows signatures without basicConstraints makes every
    web site owner a CA (Moxie Marlinspike's sslsniff, 2002; iOS CVE-2011-0228).

    On the wire: an alert, or no application data.
    """
    owned = Authority.from_credential(ground.pki.intermediate.issue(EVIL))
    return terminate(owned.issue(ground.host))


@entry(
    "B9",
    "Same name and key id, other key",
    adversaries=ROGUE,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def same_name_ca(ground: Ground) -> Terminate:
    """Served: a leaf for the host from a root that carries the subject name and key identifier
    of the trusted public root, but another key; that root is sent along.

    Correct client: refuses the chain: the signature does not verify with the trusted key.

    Why it goes wrong: a validator that finds its anchor by name and does not verify the last
    signature is satisfied.

    On the wire: an alert, or no application data.
    """
    twin = ground.pki.public_root.imitation()
    made = twin.issue(ground.host)
    return terminate(made.with_chain(made.certificate, twin.certificate))
