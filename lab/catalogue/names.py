"""Chapter D: names. Issuer trusted, dates valid, only the name is wrong."""

from __future__ import annotations

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.hosts import EVIL
from lab.catalogue.make import terminate
from lab.catalogue.registry import Ground, entry
from lab.model.attack import Concern, Control, Need, Trust, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate
from lab.pki.authority import Leaf


@entry(
    "D1",
    "Another host's certificate, trusted CA",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.NAME, ErrorKind.PIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def other_host(ground: Ground) -> Terminate:
    """Served: a valid certificate for a host of the attacker's, from a CA in the system store.

    Correct client: refuses the name or the pin.

    Why it goes wrong: anyone can get such a certificate; a client that checks neither name nor
    pin accepts it.

    On the wire: no application data, or an alert.
    """
    return terminate(ground.pki.compromised.issue(Leaf((EVIL,))))


@entry(
    "D3",
    "Common name right, subjectAltName of another host",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.NAME),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
)
def common_name_right_san_wrong(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key, CN = the host, SAN = another host.

    Correct client: refuses the name: where a SAN is present, the CN never counts (RFC 9525).

    Why it goes wrong: home-made host name checks read the subject.

    On the wire: no application data, or an alert.
    """
    key = ground.pki.genuine(ground.host).key
    leaf = Leaf((EVIL,), common_name=ground.host)
    return terminate(ground.pki.intermediate.issue(leaf, key=key))


@entry(
    "D3",
    "Common name right, no subjectAltName",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.NAME),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
    needs=[Need.SAN_ONLY],
)
def common_name_without_san(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key, CN = the host, without a SAN.

    Correct client: refuses the name: the CN has not been a host name since RFC 6125, and
    Android ignores it since version 9.

    Why it goes wrong: old TLS stacks fall back to the CN.

    On the wire: no application data, or an alert.
    """
    key = ground.pki.genuine(ground.host).key
    leaf = Leaf((), common_name=ground.host)
    return terminate(ground.pki.intermediate.issue(leaf, key=key))


@entry(
    "D3",
    "Subject without a common name",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
)
def san_without_common_name(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key, SAN = the host, no CN.

    Correct client: accepts: this is what public CAs issue today.

    Why it goes wrong: a client that insists on a CN locks its users out.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    key = ground.pki.genuine(ground.host).key
    return terminate(ground.pki.intermediate.issue(Leaf((ground.host,)), key=key))
