"""Chapter I: reporting. The app's owner must learn of an attack, once, and of nothing else."""

from __future__ import annotations

from lab.catalogue.attackers import COMPROMISED, COMPROMISED_ON_BOTH_ROUTES
from lab.catalogue.ground import Ground
from lab.catalogue.make import terminate
from lab.catalogue.registry import entry
from lab.model.attack import Concern, Control, Need, accept, refuse
from lab.model.outcome import ErrorKind
from lab.model.serving import Terminate

MANY = 8


@entry(
    "I1",
    "Mismatch is reported",
    adversaries=COMPROMISED_ON_BOTH_ROUTES,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.REPORT],
    probes_reports=True,
)
def mismatch_is_reported(ground: Ground) -> Terminate:
    """Served: the pinning case B4, once. The collector is attacked in the same way.

    Correct client: refuses, keeps its report while the network is hostile, and delivers it to
    the genuine collector afterwards, once.

    Why it goes wrong: reports that are sent at once over the attacked network never arrive, or
    are read by the attacker (TrustKit-Android issue 72).

    On the wire: no application data for host or collector during the attack.
    """
    return terminate(ground.pki.compromised.issue(ground.host))


@entry(
    "I2",
    "Report tells the truth",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.REPORT],
    probes_reports=True,
)
def report_tells_the_truth(ground: Ground) -> Terminate:
    """Served: the attacker's chain with the genuine leaf and the genuine intermediate behind
    it, so that the chain as served differs from the chain as validated.

    Correct client: refuses and reports host, port, time, error, its known pins and the chain
    exactly as served, so that the owner can find the issuer.

    Why it goes wrong: platforms hand out the validated path, which hides what the attacker
    really sent; or the report names the genuine certificate because that is what was cached.

    On the wire: no application data.
    """
    made = ground.pki.compromised.issue(ground.host)
    genuine = ground.pki.genuine(ground.host)
    return terminate(made.with_chain(*made.chain, *genuine.chain))


@entry(
    "I5",
    "No report on success",
    adversaries=COMPROMISED,
    expect=accept(),
    control=Control.NONE,
    concern=Concern.AVAILABILITY,
    needs=[Need.REPORT],
    probes_reports=True,
    repeats=MANY,
)
def no_report_on_success(ground: Ground) -> Terminate:
    """Served: the genuine chain, to many requests one after the other.

    Correct client: accepts every time and reports nothing.

    Why it goes wrong: a collector full of false reports is one that nobody reads.

    On the wire: every request is read by the responder.
    """
    return terminate(ground.pki.genuine(ground.host))


@entry(
    "I5",
    "One report for each refusal",
    adversaries=COMPROMISED,
    expect=refuse(ErrorKind.PIN),
    needs=[Need.REPORT],
    probes_reports=True,
    repeats=MANY,
)
def one_report_per_refusal(ground: Ground) -> Terminate:
    """Served: the pinning case B4, to many requests one after the other.

    Correct client: refuses every time and reports each refusal once.

    Why it goes wrong: silent rate limits (TrustKit issues 30 and 146: one report in 24 hours)
    hide an attack that goes on; retries without an id count one attack many times.

    On the wire: no application data.
    """
    return terminate(ground.pki.compromised.issue(ground.host))
