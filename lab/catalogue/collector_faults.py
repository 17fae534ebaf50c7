"""Chapter I, continued: the genuine collector has a bad day.

What documents of the SDK lay down ends with the event (contract section 5). That a report is kept
until it is taken, and taken once, is what an app's owner may expect of whoever sends it.
"""

from __future__ import annotations

from collections.abc import Callable

from lab.catalogue import hosts
from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Attack, Ground
from lab.catalogue.make import TLS13_ONLY, TO_COLLECTOR, terminate
from lab.catalogue.registry import entry
from lab.model.attack import CollectorFault, ReportsDue, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import HostPlan, Relay


def _with_collector(ground: Ground) -> dict[str, HostPlan]:
    """Return the pinning case B4 for the host; the collector is the genuine one."""
    made = terminate(ground.pki.compromised.issue(ground.host))
    return {ground.host: HostPlan(made), hosts.COLLECTOR: HostPlan(Relay())}


def _fault(
    title: str, fault: CollectorFault, due: ReportsDue = ReportsDue.EACH
) -> Callable[[Attack], Attack]:
    """Have a refusal reported while the collector has this fault, and another one afterwards."""
    return entry(
        "I4",
        title,
        adversaries=COMPROMISED,
        expect=refuse(ErrorKind.PIN),
        needs=TO_COLLECTOR,
        collector=fault,
        reports_due=due,
        probes_reports=True,
        versions=TLS13_ONLY,
    )


@_fault("Collector down", CollectorFault.REFUSES)
def collector_down(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host. Nothing listens at the genuine collector; after
    the app has noticed, it comes back.

    Correct client: keeps the report and delivers it once.

    Why it goes wrong: a report is sent once and forgotten whatever came of it: an attacker who
    can forge a certificate can also drop a connection.

    On the wire: no application data for the host.
    """
    return _with_collector(ground)


@_fault("Collector resets connections", CollectorFault.RESETS)
def collector_resets(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host. Connections to the genuine collector are reset as
    soon as they are there, as an overloaded balancer does; then no more.

    Correct client: keeps the report and delivers it once.

    Why it goes wrong: as where the collector is down. Some clients tell a refused connection from
    a broken one, and try again after the first only.

    On the wire: no application data for the host.
    """
    return _with_collector(ground)


@_fault("Collector does not answer", CollectorFault.HANGS)
def collector_hangs(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host. The genuine collector takes connections and says
    nothing, not even a ServerHello, until the app has answered its user.

    Correct client: refuses the host at once, and reports in the background; when the collector
    is well again it delivers the report once.

    Why it goes wrong: a report that is sent in the middle of the handshake holds up every refused
    request for as long as the collector likes.

    On the wire: the refused connection ends while the one to the collector still waits.
    """
    return _with_collector(ground)


@_fault("Collector is slow", CollectorFault.SLOW)
def collector_slow(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host. The genuine collector reads the report, and
    acknowledges it only after the app has answered its user.

    Correct client: does not wait for it, and does not send the report a second time under
    another id.

    Why it goes wrong: as where the collector does not answer; and a client that loses patience
    and makes a new report of the same failure has it counted twice.

    On the wire: the refused connection ends while the one to the collector still waits.
    """
    return _with_collector(ground)


@_fault("Collector answers 500", CollectorFault.ERROR)
def collector_error(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host. The genuine collector answers 500 until the app
    has tried; then it is well again.

    Correct client: keeps the report and delivers it once.

    Why it goes wrong: any answer is taken for a receipt. A collector with a full disk then costs
    all reports of the day, which is when they are needed.

    On the wire: no application data for the host.
    """
    return _with_collector(ground)


@_fault("Collector answers 429", CollectorFault.BUSY)
def collector_busy(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host. The genuine collector answers 429 (RFC 6585
    section 4) until the app has tried.

    Correct client: keeps the report and delivers it once, later.

    Why it goes wrong: all statuses from 400 to 499 are taken for "never again".

    On the wire: no application data for the host.
    """
    return _with_collector(ground)


@_fault("Collector rejects a report", CollectorFault.REJECTS, ReportsDue.NONE)
def collector_rejects(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host. The genuine collector answers 422 to the report,
    now and at every later try; other reports it takes.

    Correct client: may give the report up (no document says); the next failure is reported.

    Why it goes wrong: a queue that does not let go of its first report, which is never taken,
    never gets to the second.

    On the wire: no application data for the host.
    """
    return _with_collector(ground)


@_fault("Report too large", CollectorFault.TOO_LARGE, ReportsDue.NONE)
def collector_takes_no_large_report(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host. The genuine collector answers 413 to the report,
    now and at every later try, as one does to a chain that an attacker made very long.

    Correct client: may give the report up; the next failure is reported.

    Why it goes wrong: as where a report is rejected; here an attacker can bring it about.

    On the wire: no application data for the host.
    """
    return _with_collector(ground)


@_fault("Receipt is lost", CollectorFault.LOSES_ANSWER)
def collector_loses_answer(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host. The genuine collector has stored the report when
    the connection breaks, before it can say so.

    Correct client: sends the report again under the same id, so that it counts once.

    Why it goes wrong: an id made for each try, or none at all, counts one attack many times.

    On the wire: no application data for the host.
    """
    return _with_collector(ground)


@entry(
    "I4",
    "Report outlives the app's process",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=TO_COLLECTOR,
    collector=CollectorFault.REFUSES,
    relaunches=True,
    versions=TLS13_ONLY,
)
def report_survives_a_restart(ground: Ground) -> dict[str, HostPlan]:
    """Served: the pinning case B4 for the host while the genuine collector is down. The app is
    ended and launched again before the collector comes back.

    Correct client: has kept the report on disk and delivers it once after the launch.

    Why it goes wrong: a queue in memory. Users close an app that shows them errors.

    On the wire: no application data for the host.
    """
    return _with_collector(ground)
