"""Chapter D: names. Issuer trusted, dates valid, only the name is wrong."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Ground
from lab.catalogue.hosts import DOMAIN, EVIL, HOST, UNREGISTERED
from lab.catalogue.make import TLS13_ONLY, defect, oddity, pinned, terminate
from lab.catalogue.registry import BOTH_VERSIONS, entry
from lab.model.attack import Concern, Control, Need, Trust, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Leaf
from lab.pki.der import DNS_NAME, SEQUENCE, element

NUL = f"{HOST}\0.{EVIL}"
"""Ends in the attacker's own domain, so a CA may issue it; read as a C string it is the host."""


@entry(
    "D1",
    "Another host's certificate, trusted CA",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.NAME, ErrorKind.PIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
    versions=TLS13_ONLY,
)
def other_host(ground: Ground) -> Terminate:
    """Served: a valid certificate for a host of the attacker's, from a CA in the system store.

    Correct client: refuses the name or the pin.

    Why it goes wrong: anyone can get such a certificate; a client that checks neither name nor
    pin accepts it. Raw TLS sockets check no names unless they are told to (Georgiev et al.,
    CCS 2012), and a pinning SDK sees only the traffic that is led through it.

    On the wire: no application data, or an alert.
    """
    return terminate(ground.pki.compromised.issue(Leaf((EVIL,))))


@defect("D2", "The parent domain's certificate", ErrorKind.NAME)
def parent_domain(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate for the domain above the host alone.

    Correct client: refuses the name: a name stands for itself, not for what is below it
    (RFC 9525 section 6.3).

    Why it goes wrong: checks of the kind "the host ends in the certificate's name" let the owner
    of any parent domain, or of a shared one, stand in for the host.

    On the wire: no application data after a finished handshake, or an alert.
    """
    return terminate(pinned(ground, Leaf((DOMAIN,))))


@defect(
    "D2",
    "The parent domain's certificate, another key",
    *(ErrorKind.NAME, ErrorKind.PIN),
    trust=Trust.SYSTEM,
)
def parent_domain_other_key(ground: Ground) -> Terminate:
    """Served: a certificate for the domain above the host with the attacker's key, from a CA in
    the system store.

    Correct client: refuses the name or the pin.

    Why it goes wrong: as for another host's certificate: what neither the platform's name check
    nor the pins look at is open to anyone with a certificate.

    On the wire: no application data, or an alert.
    """
    return terminate(ground.pki.compromised.issue(Leaf((DOMAIN,))))


@defect("D2", "A subdomain's certificate", ErrorKind.NAME)
def subdomain(ground: Ground) -> Terminate:
    """Served: the pinned key in a trusted certificate for a name below the host alone.

    Correct client: refuses the name.

    Why it goes wrong: checks that look for the host anywhere in the certificate's name
    (``contains``, an unanchored pattern) accept it, and with it any name that an attacker
    registers around the host's.

    On the wire: no application data after a finished handshake, or an alert.
    """
    return terminate(pinned(ground, Leaf((f"cdn.{ground.host}",))))


@defect(
    "D3",
    "Common name right, subjectAltName of another host",
    ErrorKind.NAME,
    versions=BOTH_VERSIONS,
)
def common_name_right_san_wrong(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key, CN = the host, SAN = another host.

    Correct client: refuses the name: where a SAN is present, the CN never counts (RFC 9525).

    Why it goes wrong: home-made host name checks read the subject.

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((EVIL,), common_name=ground.host)))


@defect(
    "D3",
    "Common name right, no subjectAltName",
    ErrorKind.NAME,
    needs=[Need.SAN_ONLY],
)
def common_name_without_san(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key, CN = the host, without a SAN.

    Correct client: refuses the name: the CN has not been a host name since RFC 6125, and
    Android ignores it since version 9.

    Why it goes wrong: old TLS stacks fall back to the CN.

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((), common_name=ground.host)))


@defect("D3", "No name at all", ErrorKind.NAME)
def no_name(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key that has neither subject nor SAN.

    Correct client: refuses the name: nothing says that this is the host.

    Why it goes wrong: a loop over the certificate's names that ends without a mismatch is taken
    for a match.

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf(())))


@oddity("D3", "Subject without a common name")
def san_without_common_name(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key, SAN = the host, whose subject has an
    organisation and no CN.

    Correct client: accepts: public CAs leave the CN out today.

    Why it goes wrong: a client that insists on a CN locks its users out.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme")])
    return terminate(pinned(ground, Leaf((ground.host,), subject=subject)))


@oddity("D3", "Name in upper case")
def name_in_upper_case(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key for ``API.ACME.TEST``.

    Correct client: accepts: names are compared without regard to case (RFC 9525 section 6.3).

    Why it goes wrong: a client that compares names as text locks its users out.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(pinned(ground, Leaf((ground.host.upper(),))))


@oddity("D3", "Common name of another host")
def common_name_wrong_san_right(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key, SAN = the host and another one, CN = the
    other one.

    Correct client: accepts: a certificate for several hosts carries one of them as its CN.

    Why it goes wrong: a client that compares the CN as well locks its users out as soon as the
    server's certificate is shared.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    leaf = Leaf((UNREGISTERED, ground.host), common_name=UNREGISTERED)
    return terminate(pinned(ground, leaf))


@defect("D4", "NUL in the common name", ErrorKind.NAME)
def nul_in_common_name(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key whose CN is the host, a NUL byte, and a
    domain of the attacker's behind it; the SAN has the attacker's host.

    Correct client: refuses the name.

    Why it goes wrong: C functions end at the NUL, so the client reads the host's name where the
    CA read the attacker's (Marlinspike, Black Hat 2009; CVE-2009-2408).

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((EVIL,), common_name=NUL)))


@defect("D4", "NUL in the subjectAltName", ErrorKind.NAME)
def nul_in_san(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key whose only dNSName is the host, a NUL
    byte, and a domain of the attacker's behind it.

    Correct client: refuses the name.

    Why it goes wrong: the fixes of 2009 covered the CN first; names in the SAN were cut off at
    the NUL for years more (CVE-2013-4073 in Ruby, CVE-2013-4238 in Python, CVE-2013-4248 in PHP).

    On the wire: no application data, or an alert.
    """
    return terminate(pinned(ground, Leaf((NUL,))))


@defect(
    "D4",
    "NUL in the subjectAltName, another key",
    *(ErrorKind.NAME, ErrorKind.PIN),
    trust=Trust.SYSTEM,
)
def nul_in_san_other_key(ground: Ground) -> Terminate:
    """Served: a dNSName with a NUL byte behind the host's name and the attacker's key, from a CA
    in the system store.

    Correct client: refuses the name or the pin.

    Why it goes wrong: where the pins do not cover a connection, the name is all that is left.

    On the wire: no application data, or an alert.
    """
    return terminate(ground.pki.compromised.issue(Leaf((NUL,))))


@defect("D6", "Only an address in the subjectAltName", ErrorKind.NAME)
def address_only(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key, CN = the host, whose SAN has an
    iPAddress and no dNSName.

    Correct client: refuses the name: a host that is called by its name must be named.

    Why it goes wrong: comparing the address that one is connected with, instead of the name that
    was asked for, hands the decision to whoever answers the name's look-up; others see no
    dNSName and fall back to the CN.

    On the wire: no application data, or an alert.
    """
    leaf = Leaf((), addresses=("127.0.0.1",), common_name=ground.host)
    return terminate(pinned(ground, leaf))


def raw_dns_names(*names: bytes) -> x509.UnrecognizedExtension:
    """Return a subjectAltName with these dNSNames, whatever their bytes are."""
    content = element(SEQUENCE, *(element(DNS_NAME, name) for name in names))
    return x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, content)
