"""Chapter H, continued: captive portals, which answer for everybody."""

from __future__ import annotations

from lab.catalogue.attackers import WIFI
from lab.catalogue.ground import Ground
from lab.catalogue.hosts import EVIL
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.model.attack import Concern, Control, Need, Trust, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import DnsLie, HostPlan, HttpAnswer, Plain
from lab.pki.authority import Leaf

NEEDS_WIFI = (Need.WIFI,)

PORTAL_PAGE = HttpAnswer(
    511,
    (("content-type", "text/html; charset=utf-8"),),
    b"<!doctype html><title>Free Wi-Fi</title><h1>Please accept our terms</h1>",
)
TO_THE_PORTAL = HttpAnswer(
    302, (("location", f"http://{EVIL}/portal"), ("content-type", "text/html")), b""
)
WELCOME_PAGE = HttpAnswer(
    200,
    (("content-type", "text/html; charset=utf-8"),),
    b"<!doctype html><title>Free Wi-Fi</title><h1>You are online</h1>",
)
"""What a portal that means well says: no error, and no JSON."""


@entry(
    "H3",
    "Captive portal",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN, ErrorKind.NAME),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
    needs=NEEDS_WIFI,
)
def captive_portal(ground: Ground) -> HostPlan:
    """Served: every name leads to a portal: TLS with the portal's own certificate and status
    511 (RFC 6585) behind it, a redirect to the log-in page on port 80.

    Correct client: refuses the certificate and keeps its data for a better network.

    Why it goes wrong: an app that takes the portal's page for its API's answer, or sends its
    token before it looks.

    On the wire: no application data.
    """
    portal = ground.pki.rogue.issue(Leaf((EVIL,)))
    return HostPlan(
        terminate(portal, PORTAL_PAGE),
        cleartext=Plain(TO_THE_PORTAL),
        dns=DnsLie.ATTACKER_ADDRESS,
    )


@entry(
    "H3",
    "Captive portal, status 200 in clear",
    adversaries=WIFI,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN, ErrorKind.NAME),
    control=Control.CARELESS,
    concern=Concern.CLEARTEXT,
    needs=NEEDS_WIFI,
    versions=TLS13_ONLY,
)
def portal_answers_in_clear(ground: Ground) -> HostPlan:
    """Served: every name leads to a portal: TLS with the portal's own certificate, and on port
    80 its page with status 200 for whatever is asked.

    Correct client: refuses the certificate and asks nothing in clear to find out why. To look
    for a portal is the system's business (``connectivitycheck``), with a request that says
    nothing of the app.

    Why it goes wrong: an app that probes for portals with its own host and its own headers, or
    that takes any status 200 for an answer of its API.

    On the wire: the look-up, a refused handshake, nothing in clear.
    """
    portal = ground.pki.rogue.issue(Leaf((EVIL,)))
    return HostPlan(
        terminate(portal, WELCOME_PAGE),
        cleartext=Plain(WELCOME_PAGE),
        dns=DnsLie.ATTACKER_ADDRESS,
    )


@entry(
    "H3",
    "Captive portal, device-trusted CA",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=NEEDS_WIFI,
    versions=TLS13_ONLY,
)
def trusted_portal(ground: Ground) -> HostPlan:
    """Served: every name leads to a portal that has a certificate for it, from a CA in the
    system store, and answers with a web page and status 200 where JSON is due.

    Correct client: refuses it, because no pin matches; it never gets to see the page.

    Why it goes wrong: as B4; an exception for networks whose owner has a CA on the device
    (inspection boxes, managed devices) is an exception for every CA of the store.

    On the wire: the look-up and the SNI prove the attempt; no application data follows.
    """
    served = terminate(ground.pki.compromised.issue(ground.host), WELCOME_PAGE)
    return HostPlan(served, cleartext=Plain(WELCOME_PAGE), dns=DnsLie.ATTACKER_ADDRESS)
