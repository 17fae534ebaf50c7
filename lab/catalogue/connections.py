"""Chapter G, continued: which connection a request goes out on, and where it is led from there."""

from __future__ import annotations

from dataclasses import replace

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED, WIFI
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, pinned, terminate
from lab.catalogue.registry import entry
from lab.model.attack import Attempt, Concern, Control, Expectation, Need, accept, refuse
from lab.model.outcome import Answer, ErrorKind
from lab.model.serving import (
    DnsLie,
    HostPlan,
    HttpAnswer,
    Interfere,
    Interference,
    Plain,
    Terminate,
)
from lab.model.wire import REJECTED, WireClass
from lab.pki.authority import Leaf

OTHER = hosts.EXPIRING
"""Another host of the app, whose pins its server meets."""
SHARES = (Need.SEVERAL_REQUESTS, Need.WIFI, Need.PERMISSIVE)

STAYS_ON_TLS = Expectation(
    Answer.REFUSED,
    frozenset({WireClass.TCP_ONLY}),
    frozenset({ErrorKind.HTTP, ErrorKind.NETWORK, ErrorKind.UNKNOWN}),
    Attempt.OPTIONAL,
)
"""The redirect is not followed: its answer is an HTTP error, or the platform's policy has an error
of its own. Where a client asks for https instead, nobody answers."""

FIRST_CONNECTION_ONLY = Expectation(
    Answer.ACCEPTED, REJECTED | {WireClass.RELAYED, WireClass.PREFACE_ONLY}
)
"""The request succeeds at the genuine server; whatever else was opened got nothing."""


def _redirect(url: str) -> HttpAnswer:
    return HttpAnswer(302, (("location", url), ("content-type", "text/plain")), b"")


def _shared(served: Terminate, host: str) -> dict[str, HostPlan]:
    """Return a network in which both hosts have one address and one certificate."""
    plan = HostPlan(served, dns=DnsLie.ATTACKER_ADDRESS)
    return {host: plan, hosts.UNREGISTERED: plan}


@entry(
    "G9",
    "Connection shared with a host whose pins fail",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=SHARES,
    configuration="permissive",
    beside={hosts.UNREGISTERED: accept()},
    beside_first=True,
    versions=TLS13_ONLY,
)
def shared_connection_pins_fail(ground: Ground) -> dict[str, HostPlan]:
    """Served: a leaf for two hosts from a CA in the system store, at one address. The app, which is
    permissive, requests the host without pins first and keeps the HTTP/2 connection; then it
    requests the pinned host.

    Correct client: asks the pinned host's pins before it shares a connection that was opened for
    another (RFC 9113 section 9.1.1 allows that for the address and the certificate's names
    alone), opens a connection of its own, and refuses by pin.

    Why it goes wrong: pins are checked when a connection is opened, for the host that it is
    opened for. A request that is coalesced onto it meets no check at all, and a leaf that names
    one host without pins opens the door to all others. To mend: check the pins of every host that
    a connection is shared with, as OkHttp does (RealConnection.isEligible).

    On the wire: no request for the pinned host on the first connection (:authority), and a second
    one without application data.
    """
    both = ground.pki.compromised.issue(Leaf((hosts.UNREGISTERED, ground.host)))
    return _shared(terminate(both), ground.host)


@entry(
    "G9",
    "Connection shared with a host whose pins hold",
    adversaries=WIFI,
    # Who refuses to share has nothing to show on the wire; its own words are the evidence.
    expect=replace(accept(), attempt=Attempt.OPTIONAL),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=SHARES,
    configuration="permissive",
    beside={hosts.UNREGISTERED: accept()},
    beside_first=True,
    versions=TLS13_ONLY,
)
def shared_connection_pins_hold(ground: Ground) -> dict[str, HostPlan]:
    """Served: a genuine leaf for two hosts with the pinned key, at one address, as a CDN has it.
    The app requests the host without pins first, then the pinned one.

    Correct client: completes both requests, over one connection or over two.

    Why it goes wrong: a client that compares the host with the one that the connection was opened
    for takes its own sharing for an attack, and users behind such a CDN are locked out now and
    then, depending on what was requested before.

    On the wire: both requests are read by the responder, on one connection or on two.
    """
    both = pinned(ground, Leaf((hosts.UNREGISTERED, ground.host)))
    return _shared(terminate(both), ground.host)


@entry(
    "G10",
    "Redirect into a host whose pins fail",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.REDIRECTS],
    address=OTHER,
    versions=TLS13_ONLY,
)
def redirect_into_failing_host(ground: Ground) -> dict[str, HostPlan]:
    """Served: another host of the app, genuine and accepted, answers with a redirect to the host
    under attack, where a leaf from a CA in the system store is served.

    Correct client: follows, judges the second host by its own pins, and refuses by pin.

    Why it goes wrong: the check is made by the code that starts a request, not by the one that
    opens a connection; the HTTP library follows the redirect inside, past the check. An open
    redirect on any accepted host then leads past the pins of all others. To mend: hang the check
    on the connection (OkHttp's CertificatePinner), not on the call.

    On the wire: a request to the first host; no application data to the second.
    """
    return {
        OTHER: HostPlan(terminate(ground.pki.genuine(OTHER), _redirect(f"https://{ground.host}/"))),
        ground.host: HostPlan(terminate(ground.pki.compromised.issue(ground.host))),
    }


@entry(
    "G10",
    "Redirect out of TLS",
    adversaries=COMPROMISED,
    expect=STAYS_ON_TLS,
    concern=Concern.CLEARTEXT,
    needs=[Need.REDIRECTS],
    address=OTHER,
    versions=TLS13_ONLY,
)
def redirect_into_cleartext(ground: Ground) -> dict[str, HostPlan]:
    """Served: another host of the app, genuine and accepted, answers with a redirect to an http
    address of the host under attack, where the network answers in clear.

    Correct client: does not leave TLS: it takes the redirect for its answer, or the platform's
    policy forbids it.

    Why it goes wrong: without TLS there is no certificate and so nothing to pin; headers and
    cookies go out in clear. OkHttp follows from https to http unless told otherwise
    (followSslRedirects); Android forbids it to apps for Android 9 and later unless their network
    security configuration allows cleartext. To mend: both.

    On the wire: a request to the first host, and nothing in clear.
    """
    to_http = terminate(ground.pki.genuine(OTHER), _redirect(f"http://{ground.host}/"))
    nobody = Interfere(Interference.REFUSE)
    return {OTHER: HostPlan(to_http), ground.host: HostPlan(nobody, cleartext=Plain())}


@entry(
    "G10",
    "Rogue redirects to a genuine host",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    versions=TLS13_ONLY,
)
def redirect_of_a_rogue(ground: Ground) -> dict[str, HostPlan]:
    """Served: a leaf from a CA in the system store and, to whoever sends a request, a redirect to
    another host of the app, which is genuine.

    Correct client: refuses by pin, and never gets to see the redirect.

    Why it goes wrong: a client that looks at the connection of the final answer finds a genuine
    certificate there. By then the first request, with its headers and its path, is read. To mend:
    check each connection before it carries a request.

    On the wire: no application data to the host; nothing to the other one.
    """
    away = _redirect(f"https://{OTHER}/")
    return {
        ground.host: HostPlan(terminate(ground.pki.compromised.issue(ground.host), away)),
        OTHER: HostPlan(terminate(ground.pki.genuine(OTHER))),
    }


@entry(
    "B4",
    "Device-trusted rogue CA, HTTP/1.1 only",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    versions=TLS13_ONLY,
)
def device_trusted_ca_http1_only(ground: Ground) -> Terminate:
    """Served: the pinning case B4 by a server that agrees on HTTP/1.1 and on nothing else.

    Correct client: refuses by pin, whatever the application protocol.

    Why it goes wrong: a check that belongs to the HTTP/2 stack alone; the attacker chooses the
    protocol in its ServerHello. To mend: check before the protocol matters.

    On the wire: a finished handshake with http/1.1, and no application data.
    """
    rogue = terminate(ground.pki.compromised.issue(ground.host))
    return replace(rogue, protocols=("http/1.1",))


@entry(
    "B4",
    "Device-trusted rogue CA, HTTP/2 only",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    versions=TLS13_ONLY,
)
def device_trusted_ca_http2_only(ground: Ground) -> Terminate:
    """Served: the pinning case B4 by a server that agrees on HTTP/2 and on nothing else.

    Correct client: refuses by pin, before the HTTP/2 preface or right behind it.

    Why it goes wrong: a check in an HTTP/1.1 socket factory or interceptor is not called by the
    HTTP/2 stack that was added later; the attacker chooses the protocol in its ServerHello. To
    mend: check where the handshake ends.

    On the wire: a finished handshake with h2, and no request.
    """
    return replace(terminate(ground.pki.compromised.issue(ground.host)), protocols=("h2",))


@entry(
    "B4",
    "Device-trusted rogue CA behind the first connection",
    adversaries=COMPROMISED,
    expect=FIRST_CONNECTION_ONLY,
    control=Control.NONE,
    versions=TLS13_ONLY,
)
def behind_the_first_connection(ground: Ground) -> HostPlan:
    """Served: the first connection is passed through to the genuine server unopened; to every
    further one a leaf from a CA in the system store is served.

    Correct client: makes its request on the connection that it has judged, and succeeds. What
    else it opens it judges as well, and refuses.

    Why it goes wrong: the certificate is fetched over a connection of its own and checked there,
    and the request is made over another: an attacker on the way lets the first one pass. Libraries
    without access to their own handshake are used like this (a probe with openssl, a second
    HttpsURLConnection). To mend: check the very connection that carries the request.

    On the wire: ciphertext is relayed to the genuine server; no application data elsewhere.
    """
    rogue = terminate(ground.pki.compromised.issue(ground.host))
    return HostPlan(rogue, spared=1)
