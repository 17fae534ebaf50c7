"""Chapter I, continued: what is reported, what is not, and what a report must not hold."""

from __future__ import annotations

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED, ROGUE, WIFI
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, TO_COLLECTOR, pinned, terminate
from lab.catalogue.registry import entry
from lab.model.attack import CollectorFault, Concern, Control, Need, ReportsDue, Trust, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import HostPlan, Relay, Terminate
from lab.pki.authority import Leaf

STORM = 10
"""Refusals in a row: what a scenario can afford. A thousand are for a client's own tests."""
HOUR = 3600.0


def _forged(ground: Ground, *names: str) -> dict[str, HostPlan]:
    """Return the pinning case B4 for each of these hosts."""
    issue = ground.pki.compromised.issue
    return {name: HostPlan(terminate(issue(name))) for name in names}


@entry(
    "I5",
    "Storm of refusals, collector down",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[*TO_COLLECTOR, Need.PIN_EXPIRY, Need.REGISTRATION],
    collector=CollectorFault.REFUSES,
    reports_due=ReportsDue.FIRST,
    repeats=STORM,
    beside={
        hosts.EXPIRED: refuse(ErrorKind.PINS_EXPIRED),
        hosts.UNREGISTERED: refuse(ErrorKind.UNREGISTERED),
    },
    beside_first=True,
    probes_reports=True,
    versions=TLS13_ONLY,
)
def storm_of_refusals(ground: Ground) -> dict[str, HostPlan]:
    """Served: one refusal for expired pins and one for a host that is not registered, then the
    pinning case B4 many times in a row, while the genuine collector is down.

    Correct client: may limit what it keeps, but never loses the first of each kind, and reports
    nothing twice.

    Why it goes wrong: a queue that drops its oldest report when it is full lets an attacker wash
    away the telling one with a flood of others.

    On the wire: no application data for any of the hosts.
    """
    return _forged(ground, ground.host, hosts.EXPIRED, hosts.UNREGISTERED) | {
        hosts.COLLECTOR: HostPlan(Relay())
    }


@entry(
    "I5",
    "Each host and each kind is reported",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[*TO_COLLECTOR, Need.PIN_EXPIRY, Need.REGISTRATION, Need.LEAF_PINS],
    beside={
        hosts.EXPIRED: refuse(ErrorKind.PINS_EXPIRED),
        hosts.UNREGISTERED: refuse(ErrorKind.UNREGISTERED),
        hosts.LEAF: refuse(ErrorKind.PIN),
    },
    probes_reports=True,
    versions=TLS13_ONLY,
)
def every_kind_is_reported(ground: Ground) -> dict[str, HostPlan]:
    """Served: B4 for four hosts one after the other: two whose pins do not match, one whose pins
    have expired, one that is not registered.

    Correct client: refuses all four and reports each of them with its own error and its own pins.

    Why it goes wrong: a rate limit for all reports together (TrustKit issues 30 and 146: one in
    24 hours) shows the first host that is attacked and hides the others; so does a flag
    "reported already".

    On the wire: no application data for any of the hosts.
    """
    return _forged(ground, ground.host, hosts.EXPIRED, hosts.UNREGISTERED, hosts.LEAF)


@entry(
    "I3",
    "Chain failure is no pin failure",
    adversaries=ROGUE,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.CHAIN),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
    needs=TO_COLLECTOR,
    probes_reports=True,
    versions=TLS13_ONLY,
)
def chain_failure_is_not_reported(ground: Ground) -> Terminate:
    """Served: the validation case B1, a leaf of a CA that the device does not trust.

    Correct client: refuses the chain. That is not a verdict on the pins, so nothing is reported
    (contract section 5: the listener is for pin verdicts).

    Why it goes wrong: every handshake error is reported as a failed pin. Captive portals and
    company proxies then look like attacks, and the real one drowns.

    On the wire: an alert, or no application data; no report, as a later one proves.
    """
    return terminate(ground.pki.rogue.issue(ground.host))


@entry(
    "I3",
    "Wrong name is no pin failure",
    adversaries=COMPROMISED,
    trust=Trust.NONE,
    expect=refuse(ErrorKind.NAME),
    control=Control.CARELESS,
    concern=Concern.VALIDATION,
    needs=TO_COLLECTOR,
    probes_reports=True,
    versions=TLS13_ONLY,
)
def name_failure_is_not_reported(ground: Ground) -> Terminate:
    """Served: a trusted certificate with the pinned key for another host.

    Correct client: refuses the name, and reports no failure of the pins, which match.

    Why it goes wrong: the report is made wherever an exception passes, whatever it is about. Its
    reader looks for a foreign key and finds his own.

    On the wire: an alert, or no application data; no report.
    """
    return terminate(pinned(ground, Leaf((hosts.EVIL,))))


@entry(
    "I3",
    "Chain and pin failure side by side",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[*TO_COLLECTOR, Need.LEAF_PINS],
    beside={hosts.LEAF: refuse(ErrorKind.CHAIN)},
    probes_reports=True,
    versions=TLS13_ONLY,
)
def chain_and_pin_failure(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for one host, the validation case B1 for another.

    Correct client: tells the two apart, to its user and to its owner: one report, about the
    first host.

    Why it goes wrong: one error for everything ("SSL error") leaves nobody able to tell a portal
    from an attack; TrustKit-Android issue 31 asks for the opposite, a report of either.

    On the wire: no application data for either host.
    """
    rogue = HostPlan(terminate(ground.pki.rogue.issue(hosts.LEAF)))
    return _forged(ground, ground.host) | {hosts.LEAF: rogue}


@entry(
    "I6",
    "No secret in a report",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=TO_COLLECTOR,
    carries_secrets=True,
    probes_reports=True,
    versions=TLS13_ONLY,
)
def report_holds_no_secret(ground: Ground) -> Terminate:
    """Served: the pinning case B4, when the app asks for a URL with a marked path and a marked
    query. Before, a benign answer gave it a marked cookie and a marked body.

    Correct client: refuses; its report names the host and nothing of the request. The lab looks
    for the marks in the whole of each report, its headers included, plain and encoded, and in all
    that the network could read.

    Why it goes wrong: "context" is added to reports to make them more useful: the URL with its
    token, the session. The collector's log then holds what the pins were to protect.

    On the wire: no application data, and no mark in any name that is asked for.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "I2",
    "Late report keeps its time",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[*TO_COLLECTOR, Need.CLOCK],
    clock_offset=HOUR,
    probes_reports=True,
    versions=TLS13_ONLY,
)
def late_report_keeps_its_time(ground: Ground) -> Terminate:
    """Served: the pinning case B4 while the device's clock is an hour ahead; it is right again
    when the report can be delivered.

    Correct client: reports the time of the failure by its own clock at that moment.

    Why it goes wrong: the report is written when it is sent. One that waited for a week then
    accuses a network that the user joined a minute ago.

    On the wire: no application data.
    """
    return terminate(ground.pki.compromised.issue(ground.host))
