"""Chapter C, continued: which hosts a pin is for (C14).

A registration is for exactly one host, on all of its ports and however its name is written
(contract section 4.4, TP-10). Where less is taken for the host than is, an app in permissive mode
lets the attacker in; where more is, a certificate is believed for hosts that nobody pinned.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Attack, Ground
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.model.attack import Concern, Control, Need, Trust, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import HostPlan, Terminate
from lab.pki.authority import Leaf

OTHER_PORT = 8443


def _with_pinned_key(ground: Ground) -> Terminate:
    """Return a genuine certificate for another host with the key that is pinned for this one."""
    key = ground.pki.genuine(hosts.HOST).key
    return terminate(ground.pki.intermediate.issue(Leaf((ground.host, hosts.HOST)), key=key))


def _unregistered(title: str, host: str) -> Callable[[Attack], Attack]:
    """Ask for a host that is not registered, though its name is near to one that is."""
    return entry(
        "C14",
        title,
        adversaries=COMPROMISED,
        trust=Trust.NONE,
        expect=refuse(ErrorKind.UNREGISTERED),
        host=host,
        needs=[Need.REGISTRATION],
        versions=TLS13_ONLY,
    )


@_unregistered("Subdomain of a registered host", hosts.SUBDOMAIN)
def subdomain_with_pinned_key(ground: Ground) -> Terminate:
    """Served: for a subdomain of a registered host, a genuine certificate with the key that is
    pinned for that host; the subdomain is not registered.

    Correct client: refuses it in strict mode with DomainNotRegistered: hosts are registered one
    by one (contract TP-10).

    Why it goes wrong: looking up by suffix, as ``includeSubdomains`` of other products does. Who
    may set up a subdomain is then believed by the app that never asked for it.

    On the wire: typically no application data after a finished handshake.
    """
    return _with_pinned_key(ground)


@_unregistered("Subdomain of a subdomain", hosts.DEEPER)
def deeper_subdomain_with_pinned_key(ground: Ground) -> Terminate:
    """Served: the same for a host two labels below the registered one.

    Correct client: refuses it in strict mode with DomainNotRegistered.

    Why it goes wrong: as with the subdomain, where the look-up strips label after label.

    On the wire: typically no application data after a finished handshake.
    """
    return _with_pinned_key(ground)


@_unregistered("Name that ends like a registered host's", hosts.LOOK_ALIKE)
def look_alike_with_pinned_key(ground: Ground) -> Terminate:
    """Served: the same for a sibling whose name ends in that of the registered host, without a
    dot between (``myapi`` for ``api``).

    Correct client: refuses it in strict mode with DomainNotRegistered.

    Why it goes wrong: ``endsWith`` without the dot. Anybody may own such a name, in a domain of
    his own as well.

    On the wire: typically no application data after a finished handshake.
    """
    return _with_pinned_key(ground)


@_unregistered("Parent of a registered host", hosts.PARENT)
def parent_with_pinned_key(ground: Ground) -> Terminate:
    """Served: the same for the domain that the registered host is in.

    Correct client: refuses it in strict mode with DomainNotRegistered.

    Why it goes wrong: registering the domain (``acme.test``) in place of the host, because that
    is what people call their site.

    On the wire: typically no application data after a finished handshake.
    """
    return _with_pinned_key(ground)


@entry(
    "C14",
    "Subdomain of a registered host, permissive mode",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    host=hosts.SUBDOMAIN,
    needs=[Need.PERMISSIVE],
    configuration="permissive",
    versions=TLS13_ONLY,
)
def subdomain_permissive(ground: Ground) -> Terminate:
    """Served: the pinning case B4 for a subdomain of a registered host, to an app in permissive
    mode.

    Correct client: accepts it under the platform's trust: the subdomain is not registered, and
    permissive mode is about just that.

    Why it goes wrong: the registered host's pins, applied to its subdomains, break whatever runs
    there with a certificate of its own.

    On the wire: the request is read by the adversary, as documented.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "C14",
    "Key that is pinned for another host",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.PIN),
    versions=TLS13_ONLY,
)
def key_pinned_for_another_host(ground: Ground) -> Terminate:
    """Served: a genuine certificate for the host with the key that is pinned for another host of
    the same configuration.

    Correct client: refuses it: that pin is for that host.

    Why it goes wrong: one set of pins for the whole app, as a list of digests suggests. The
    weakest of the app's servers (a partner's, a content network's) then speaks for all of them.

    On the wire: typically no application data after a finished handshake.
    """
    key = ground.pki.genuine(hosts.EXPIRING).key
    return terminate(ground.pki.intermediate.issue(ground.host, key=key))


@entry(
    "C14",
    "Host name in upper case",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    address=hosts.HOST.upper(),
    versions=TLS13_ONLY,
)
def upper_case_genuine(ground: Ground) -> Terminate:
    """Served: the genuine chain; the app's URL has the host's name in upper case.

    Correct client: accepts: names are the same in any case (RFC 4343).

    Why it goes wrong: a look-up by the text of the URL.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "C14",
    "Host name in upper case, permissive mode",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.PERMISSIVE],
    configuration="permissive",
    address=hosts.HOST.upper(),
    versions=TLS13_ONLY,
)
def upper_case_attacked(ground: Ground) -> Terminate:
    """Served: the pinning case B4; the app's URL has the host's name in upper case.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: what is not found counts as not registered, and that is let through in
    permissive mode. Whoever can choose the URL (a deep link, a redirect) chooses whether it is
    pinned.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "C14",
    "Host name with a final dot, permissive mode",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN, ErrorKind.NAME),
    needs=[Need.PERMISSIVE],
    configuration="permissive",
    address=f"{hosts.HOST}.",
    versions=TLS13_ONLY,
)
def final_dot_attacked(ground: Ground) -> Terminate:
    """Served: the pinning case B4; the app's URL has the host's name with the final dot of an
    absolute name (RFC 3986 section 3.2.2).

    Correct client: refuses it, because no pin matches, or because no certificate is for a name
    that is written like that. (Whether the genuine chain is to be accepted no document says.)

    Why it goes wrong: as in upper case; this form passes through more URL libraries unchanged.

    On the wire: typically no application data after a finished handshake.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "C14",
    "Another port",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    address=f"{hosts.HOST}:{OTHER_PORT}",
    versions=TLS13_ONLY,
)
def other_port_genuine(ground: Ground) -> HostPlan:
    """Served: the genuine chain on another port than 443.

    Correct client: accepts: pins are for a host, no field of the configuration has a port
    (contract section 4.4).

    Why it goes wrong: a look-up by host and port.

    On the wire: the handshake is finished and the request is read by the responder.
    """
    serving = terminate(ground.pki.genuine(ground.host))
    return HostPlan(serving, cleartext=serving)


@entry(
    "C14",
    "Another port, permissive mode",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.PERMISSIVE],
    configuration="permissive",
    address=f"{hosts.HOST}:{OTHER_PORT}",
    versions=TLS13_ONLY,
)
def other_port_attacked(ground: Ground) -> HostPlan:
    """Served: the pinning case B4 on another port than 443.

    Correct client: refuses it, because no pin matches.

    Why it goes wrong: a host with a port is not found, counts as not registered and is let
    through in permissive mode.

    On the wire: typically no application data after a finished handshake.
    """
    serving = terminate(ground.pki.compromised.issue(ground.host))
    return HostPlan(serving, cleartext=serving)
