"""Chapter D, continued: name constraints. The issuing CA may vouch for some names only (RFC 5280
section 4.2.1.10), and the leaf is inside or outside of them. The pinned key is right throughout.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from cryptography import x509
from cryptography.x509.oid import NameOID

from lab.catalogue.ground import Ground
from lab.catalogue.hosts import DOMAIN, EVIL
from lab.catalogue.make import defect, oddity, pinned, terminate
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Authority, Leaf
from lab.pki.credential import Credential

ADDRESS, ITS_NETWORK, OTHER_NETWORK = "127.0.0.9", "127.0.0.0/28", "127.9.0.0/16"
"""The lab's roots vouch for loopback addresses only."""
MANY = 1000


def limited(
    ground: Ground,
    permitted: Sequence[x509.GeneralName] = (),
    excluded: Sequence[x509.GeneralName] = (),
) -> Authority:
    """Make a CA below the public root that is limited to, or kept from, these names."""
    constraints = x509.NameConstraints(list(permitted) or None, list(excluded) or None)
    return ground.pki.public_root.subordinate("Constrained CA", extensions=[(constraints, True)])


@oddity("D8", "Inside the permitted names")
def inside_permitted_names(ground: Ground) -> Terminate:
    """Served: a leaf for the host from a CA that may vouch for the host and what is below it.

    Correct client: accepts.

    Why it goes wrong: nameConstraints are critical, so a client that does not know them refuses
    what a company's own constrained CA issues.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    authority = limited(ground, permitted=[x509.DNSName(ground.host)])
    return terminate(pinned(ground, below=authority))


@defect("D8", "Outside the permitted names", ErrorKind.CHAIN)
def outside_permitted_names(ground: Ground) -> Terminate:
    """Served: a leaf for the host from a CA that may vouch for the attacker's domain only.

    Correct client: refuses the chain.

    Why it goes wrong: a validator that skips the constraints turns every company's constrained
    CA into one for the whole internet (OpenSSL and GnuTLS fell for variants: CVE-2014-0092's
    neighbourhood; BetterTLS found four libraries wanting in 2020).

    On the wire: an alert, or no application data.
    """
    authority = limited(ground, permitted=[x509.DNSName(EVIL)])
    return terminate(pinned(ground, below=authority))


@defect("D8", "One name inside, one outside", ErrorKind.CHAIN)
def one_name_outside(ground: Ground) -> Terminate:
    """Served: a leaf for the host and for a name that its CA may not vouch for.

    Correct client: refuses the chain: every name of the certificate must be inside.

    Why it goes wrong: a validator that compares only the name it asked for accepts a CA that
    breaks its limits.

    On the wire: an alert, or no application data.
    """
    authority = limited(ground, permitted=[x509.DNSName(ground.host)])
    return terminate(pinned(ground, Leaf((ground.host, EVIL)), authority))


@oddity("D8", "Beside the excluded names")
def beside_excluded_names(ground: Ground) -> Terminate:
    """Served: a leaf for the host from a CA that must not vouch for another host.

    Correct client: accepts.

    Why it goes wrong: a client that takes excluded names for permitted ones locks its users out.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    authority = limited(ground, excluded=[x509.DNSName(EVIL)])
    return terminate(pinned(ground, below=authority))


@defect("D8", "Among the excluded names", ErrorKind.CHAIN)
def among_excluded_names(ground: Ground) -> Terminate:
    """Served: a leaf for the host from a CA that may vouch for the domain, but not for the host.

    Correct client: refuses the chain: what is excluded is not permitted by anything else.

    Why it goes wrong: a validator that stops at the first permitted name that fits.

    On the wire: an alert, or no application data.
    """
    authority = limited(
        ground, permitted=[x509.DNSName(DOMAIN)], excluded=[x509.DNSName(ground.host)]
    )
    return terminate(pinned(ground, below=authority))


@oddity("D8", "Inside the permitted addresses")
def inside_permitted_addresses(ground: Ground) -> Terminate:
    """Served: a leaf for the host and an address, from a CA that may vouch for addresses of that
    network.

    Correct client: accepts: a constraint on addresses says nothing about DNS names.

    Why it goes wrong: address constraints carry a mask, which is misread as a second address.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(_with_address(ground, limited(ground, permitted=[_network(ITS_NETWORK)])))


@defect("D8", "Outside the permitted addresses", ErrorKind.CHAIN)
def outside_permitted_addresses(ground: Ground) -> Terminate:
    """Served: a leaf for the host and an address, from a CA that may vouch for addresses of
    another network only.

    Correct client: refuses the chain.

    Why it goes wrong: constraints are implemented for DNS names and ignored for all else
    (Go before 1.10 refused to read such CAs at all).

    On the wire: an alert, or no application data.
    """
    return terminate(_with_address(ground, limited(ground, permitted=[_network(OTHER_NETWORK)])))


@defect("D8", "Among the excluded addresses", ErrorKind.CHAIN)
def among_excluded_addresses(ground: Ground) -> Terminate:
    """Served: a leaf for the host and an address, from a CA that must not vouch for addresses of
    that network.

    Correct client: refuses the chain.

    Why it goes wrong: as with permitted addresses.

    On the wire: an alert, or no application data.
    """
    return terminate(_with_address(ground, limited(ground, excluded=[_network(ITS_NETWORK)])))


@oddity("D8", "Subject inside the permitted directory names")
def inside_permitted_subjects(ground: Ground) -> Terminate:
    """Served: a leaf for the host whose subject begins as its CA's constraint on directory names
    does.

    Correct client: accepts.

    Why it goes wrong: comparing whole subjects instead of their beginning, or their text.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(_with_subject(ground, limited(ground, permitted=[_organization("Acme")])))


@defect("D8", "Subject outside the permitted directory names", ErrorKind.CHAIN)
def outside_permitted_subjects(ground: Ground) -> Terminate:
    """Served: a leaf for the host whose subject names an organisation other than the one that its
    CA may vouch for.

    Correct client: refuses the chain.

    Why it goes wrong: an organisation's CA is limited by its subject; a validator that looks at
    DNS names alone does not see the limit.

    On the wire: an alert, or no application data.
    """
    return terminate(_with_subject(ground, limited(ground, permitted=[_organization("Other")])))


@defect("D8", "Subject among the excluded directory names", ErrorKind.CHAIN)
def among_excluded_subjects(ground: Ground) -> Terminate:
    """Served: a leaf for the host whose subject names the organisation that its CA must not vouch
    for.

    Correct client: refuses the chain.

    Why it goes wrong: as with permitted directory names.

    On the wire: an alert, or no application data.
    """
    return terminate(_with_subject(ground, limited(ground, excluded=[_organization("Acme")])))


@oddity("F12", "A thousand constraints on a thousand names")
def thousand_constraints(ground: Ground) -> Terminate:
    """Served: a leaf with 1,000 dNSNames, the host among them, from a CA that must not vouch for
    1,000 other names.

    Correct client: accepts, or refuses the chain, in bounded time. OpenSSL gives up beyond a
    million comparisons; this is just below it, so it must be accepted.

    Why it goes wrong: each name is compared with each constraint: certificates of 100 KB cost
    minutes where that is done without a limit (CVE-2018-16875 in Go, and its relatives).

    On the wire: the handshake is finished and the request is read by the responder.
    """
    excluded = [x509.DNSName(f"{number:x}.not.{DOMAIN}") for number in range(MANY)]
    names = (ground.host, *(f"{number:x}.{DOMAIN}" for number in range(MANY - 1)))
    return terminate(pinned(ground, Leaf(names), limited(ground, excluded=excluded)))


def _with_address(ground: Ground, authority: Authority) -> Credential:
    return pinned(ground, Leaf((ground.host,), addresses=(ADDRESS,)), authority)


def _with_subject(ground: Ground, authority: Authority) -> Credential:
    subject = x509.Name([*_organization("Acme").value, *_common_name(ground.host)])
    return pinned(ground, Leaf((ground.host,), subject=subject), authority)


def _network(text: str) -> x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_network(text))


def _organization(name: str) -> x509.DirectoryName:
    """Return the beginning of a subject, as certificates of the lab have it."""
    return x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)]))


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
