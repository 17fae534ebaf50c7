"""Chapter I, continued: the collector of failure reports is attacked, too."""

from __future__ import annotations

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED, WIFI
from lab.catalogue.ground import Ground
from lab.catalogue.make import TLS13_ONLY, TO_COLLECTOR, terminate
from lab.catalogue.registry import entry
from lab.model.attack import ReportsDue, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import HostPlan, HttpAnswer, Interfere, Interference, Plain, Terminate


def _forged(ground: Ground, collector: HostPlan) -> dict[str, HostPlan]:
    """Return the pinning case B4 for the host, and something else for the collector."""
    made = terminate(ground.pki.compromised.issue(ground.host))
    return {ground.host: HostPlan(made), hosts.COLLECTOR: collector}


@entry(
    "I4",
    "Collector by a rogue CA",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=TO_COLLECTOR,
    probes_reports=True,
    versions=TLS13_ONLY,
)
def collector_of_rogue_ca(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host; for the collector a certificate of a CA that the
    device does not trust.

    Correct client: refuses both, and delivers its report when the genuine collector is there.

    Why it goes wrong: reports leave through an HTTP client of their own, whose certificate checks
    were switched off for a test server. The attacker reads whom the app talks to, and can swallow
    every report about himself.

    On the wire: no application data for host or collector.
    """
    return _forged(ground, HostPlan(terminate(ground.pki.rogue.issue(hosts.COLLECTOR))))


@entry(
    "I4",
    "Collector whose pins fail",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=TO_COLLECTOR,
    probes_reports=True,
    versions=TLS13_ONLY,
)
def collector_with_other_pins(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host; for the collector, which is pinned itself, a
    certificate of the genuine CA with another key.

    Correct client: sends nothing to the collector, and does not report its failure in turn. The
    report goes out when the collector's pins hold again.

    Why it goes wrong: either the reporting client has no pins, and a mis-issued certificate is
    enough to read the reports; or the failure of the report is reported like any other, which
    fails again: one attack becomes a flood.

    On the wire: no application data for host or collector; afterwards one report.
    """
    return _forged(ground, HostPlan(terminate(ground.pki.intermediate.issue(hosts.COLLECTOR))))


@entry(
    "I4",
    "Collector on the attacked host",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    host=hosts.COLLECTOR,
    needs=TO_COLLECTOR,
    reports_due=ReportsDue.NONE,
    versions=TLS13_ONLY,
)
def collector_on_the_attacked_host(ground: Ground) -> Terminate:
    """Served: the pinning case B4 for the host that the reports go to: API and collector share a
    name, as they do in small companies.

    Correct client: refuses, and sends the attacker nothing, not even the report about himself.
    Whether it reports later is left to it.

    Why it goes wrong: the pins stop the report as well (TrustKit-Android issue 72). Asked for a
    remedy, people take the pins off the reporting client, and then the attacker gets the report.

    On the wire: no application data.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "I4",
    "No report in clear",
    adversaries=WIFI,
    expect=refuse(ErrorKind.PIN),
    needs=TO_COLLECTOR,
    probes_reports=True,
    versions=TLS13_ONLY,
)
def collector_in_clear(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host. The collector's TLS port is closed, and on port
    80 the network would take anything.

    Correct client: waits for the collector; it never tries without TLS.

    Why it goes wrong: "a report is not secret" (RFC 7469 section 2.1.4 allows report URIs over
    HTTP). It says which app talks to whom, and who reads it can drop it.

    On the wire: nothing in clear for the collector.
    """
    taken = Plain(HttpAnswer(status=201))
    return _forged(ground, HostPlan(Interfere(Interference.REFUSE), cleartext=taken))
