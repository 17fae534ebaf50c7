"""Conducts a trial: benign request, attack, control, benign request, failure reports.

The same steps for every case and every device, here and nowhere else. What was witnessed goes
to the judge; nothing is concluded on the way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lab.catalogue import Ground, hosts
from lab.catalogue.make import terminate
from lab.judge.reporting import is_promised
from lab.model.attack import Control, Need, Publication, Step, Subject, Trust, accept
from lab.model.failure_report import FailureReport
from lab.model.outcome import Answer, AppOutcome
from lab.model.serving import Arming, HostPlan, Terminate
from lab.model.trial import Fact, Phase, PhaseName, ReportPromise, Trial
from lab.model.wire import TlsVersion
from lab.pki.authority import Authority
from lab.trial.case import Case
from lab.trial.seat import Seat, arming

REPORT_CAP = 5.0
"""Seconds to wait for a promised failure report, once the network is benign again."""


def conduct(seat: Seat, case: Case) -> Trial:
    """Carry out ``case`` and return what was witnessed. Raises DeviceLost."""
    return _Trial(seat, case).run()


class _Trial:
    def __init__(self, seat: Seat, case: Case) -> None:
        self.seat = seat
        self.case = case
        self.entry = case.entry
        self.expected = case.entry.expectation(seat.profile)
        self.pki = seat.bench.pki
        ground = Ground(self.pki, self.entry.host, datetime.now(UTC))
        self.plans = self.entry.plans(ground)
        self.hostile = self._hostile()

    def run(self) -> Trial:
        started = time.time()
        entry, seat = self.entry, self.seat
        seat.prepare(self.case.route, entry.trust, self._anchors())
        usual = "standard" if entry.fresh_start else entry.configuration
        # A case about the age of the configuration starts with a new one.
        ready = seat.configure(usual, again=entry.asks_configuration is not None)
        if ready.answer is not Answer.ACCEPTED:
            return self._not_set_up(ready, started)
        baseline = self._benign(PhaseName.BASELINE)
        known_pins = seat.known_pins(entry.host)
        seat.device.set_clock_offset(entry.clock_offset)
        if not entry.fresh_start:
            seat.hand_out(entry.publishes)
        try:
            attack, facts = self._attack()
            if entry.fresh_start:
                known_pins = seat.known_pins(entry.host)
            control = self._control()
        finally:
            seat.hand_out(Publication.RIGHT)
            # A device that is lost has no clock to set.
            if entry.clock_offset:
                seat.device.set_clock_offset(0.0)
        if entry.fresh_start:
            ready = seat.configure(usual)
        recovery = self._benign(PhaseName.RECOVERY, ready)
        trial = Trial(
            case=entry.id,
            device=seat.device.id,
            host=entry.host,
            port=hosts.PORT,
            expectation=self.expected,
            baseline=baseline,
            attack=attack,
            recovery=recovery,
            control=control,
            control_kind=entry.control,
            served_chain=self._served_chain(),
            promise=self._promise(),
            known_pins=known_pins,
            clock_offset=entry.clock_offset + seat.device.clock_error,
            started_at=started,
            ended_at=time.time(),
            facts=facts,
            private_hosts=frozenset({hosts.COLLECTOR, hosts.CONFIGURATION_SERVICE}) - {entry.host},
            profile=seat.profile.name,
        )
        return self._with_reports(trial, self._probe() if entry.probes_reports else None)

    # -- phases ---------------------------------------------------------------------------

    def _benign(self, name: PhaseName, ready: AppOutcome | None = None) -> Phase:
        """Request a host whose genuine chain the pins vouch for, from the lab's responder."""
        if ready is not None and ready.answer is not Answer.ACCEPTED:
            return self._not_tried(name, ready)
        host = self.entry.host if self.entry.host in hosts.WORKING else hosts.HOST
        genuine = {host: HostPlan(terminate(self.pki.genuine(host)))}
        wanted = arming(f"benign ({name})", genuine, self.case.versions)
        return self.seat.request(
            name, host, wanted, subject=self.entry.subject, expectation=accept()
        )

    def _attack(self) -> tuple[Phase, tuple[Fact, ...]]:
        entry, seat = self.entry, self.seat
        number = seat.arm(self.hostile)
        step = Step.REQUEST
        if entry.fresh_start:
            ready = seat.start_afresh(entry.configuration, entry.publishes)
            outcomes, step = [ready], Step.SETUP
            if ready.answer is not Answer.SILENT:
                # Also where the set-up failed: an app must not run without pins then.
                asked = seat.ask(entry.host)
                if Answer.ACCEPTED in (ready.answer, asked.answer):
                    outcomes, step = [asked], Step.REQUEST
        else:
            outcomes = [seat.ask(entry.host, entry.subject) for _ in range(entry.repeats)]
        decisive = _decisive(outcomes, self.expected.answer)
        if self.case.version is not TlsVersion.TLS12 or decisive.answer is not self.expected.answer:
            # Under TLS 1.2 the screen shows what it does under 1.3, where all is as expected.
            decisive = seat.pictured(decisive)
        phase = seat.witnessed(PhaseName.ATTACK, entry.host, number, decisive, self.expected, step)
        return phase, (*self._repeated(outcomes), *self._asked(phase))

    def _control(self) -> Phase | None:
        if self.entry.control is Control.NONE:
            return None
        return self.seat.control(self.entry.host, self.hostile, self.entry.control)

    def _probe(self) -> float:
        """Let the app refuse a host with other pins, in a benign network; return when."""
        at = time.time()
        genuine = {hosts.MOVED: HostPlan(terminate(self.pki.genuine(hosts.MOVED)))}
        self.seat.arm(arming("report probe", genuine, self.case.versions))
        self.seat.ask(hosts.MOVED)
        return at

    def _not_tried(self, name: PhaseName, why: AppOutcome) -> Phase:
        said = why.message or "the app said nothing"
        outcome = AppOutcome(Answer.SILENT, message=f"not tried, the set-up failed: {said}")
        return Phase(name, self.entry.host, outcome, armed=False)

    def _not_set_up(self, ready: AppOutcome, started: float) -> Trial:
        entry = self.entry
        return Trial(
            case=entry.id,
            device=self.seat.device.id,
            host=entry.host,
            port=hosts.PORT,
            expectation=self.expected,
            baseline=self._not_tried(PhaseName.BASELINE, ready),
            attack=self._not_tried(PhaseName.ATTACK, ready),
            recovery=self._not_tried(PhaseName.RECOVERY, ready),
            control=None,
            control_kind=entry.control,
            served_chain=self._served_chain(),
            promise=self._promise(),
            started_at=started,
            ended_at=time.time(),
            profile=self.seat.profile.name,
        )

    # -- facts ----------------------------------------------------------------------------

    def _repeated(self, outcomes: Sequence[AppOutcome]) -> tuple[Fact, ...]:
        if self.entry.repeats == 1:
            return ()
        right = sum(outcome.answer is self.expected.answer for outcome in outcomes)
        text = f"{right} of {len(outcomes)} requests were {self.expected.answer}."
        return (Fact("repeats", right == len(outcomes), text),)

    def _asked(self, phase: Phase) -> tuple[Fact, ...]:
        """Tell from the wire whether the app asked for its configuration, where that matters."""
        wanted = self.entry.asks_configuration
        if wanted is None:
            return ()
        service = hosts.CONFIGURATION_SERVICE
        asked = any(c.host == service and not c.foreign for c in phase.connections)
        text = {
            (True, True): "The app asked for its configuration.",
            (True, False): "The app did not ask for its configuration, though it had to.",
            (False, True): "The app asked for its configuration, though what it held was fresh.",
            (False, False): "The app did not ask for its configuration: what it held was fresh.",
        }[wanted, asked]
        # An app that never asks was not shown to have been kept from its configuration.
        holds = True if asked is wanted else None if wanted else False
        return (Fact("configuration", holds, text),)

    # -- reports --------------------------------------------------------------------------

    def _promise(self) -> ReportPromise:
        device = self.seat.device
        if self.entry.subject is not Subject.APP or device.lacks(Need.REPORT):
            return ReportPromise(frozenset())
        return ReportPromise(device.reports & self.seat.profile.announces, hosts.COLLECTOR)

    def _with_reports(self, trial: Trial, probed_at: float | None) -> Trial:
        """Add the failure reports that arrived; promised ones are waited for, up to a cap."""
        due = self.entry.repeats if is_promised(trial) else 0
        mine = {*self.seat.device.names, ""}
        collector = self.seat.bench.backend.collector
        seen: set[str] = set()

        def all_there(report: FailureReport) -> bool:
            if report.host == trial.host and report.device in mine:
                seen.add(report.id)
            return len(seen) >= due

        def of_the_probe(report: FailureReport) -> bool:
            return report.host == hosts.MOVED and report.device in mine

        if due:
            collector.wait_for(all_there, REPORT_CAP, trial.started_at)
        facts = trial.facts
        probe = None
        if probed_at is not None and len(seen) >= due:
            # Reports are delivered in the order of the failures: behind this one none is left.
            probe = collector.wait_for(of_the_probe, REPORT_CAP, probed_at)
            if probe is None:
                text = "A refusal afterwards was not reported in time: nothing shows that no "
                facts = (*facts, Fact("report probe", None, f"{text}report is still to come."))
        arrived = collector.reports(trial.started_at)
        reports = tuple(r for r in arrived if r.device in mine and r != probe)
        if due > 1:
            count = sum(r.host == trial.host for r in reports)
            text = f"{count} failure reports arrived for {due} refused requests."
            facts = (*facts, Fact("reports", count == due, text))
        return replace(trial, reports=reports, facts=facts, ended_at=time.time())

    # -- what is served -------------------------------------------------------------------

    def _hostile(self) -> Arming:
        """Return the attack's arming. Where the adversary forges certificates it attacks the
        collector, too: a report must not be delivered to it."""
        plans = dict(self.plans)
        serving = plans[self.entry.host].serving
        if self.expected.answer is Answer.REFUSED and isinstance(serving, Terminate):
            forged = HostPlan(terminate(self._authority().issue(hosts.COLLECTOR)))
            plans.setdefault(hosts.COLLECTOR, forged)
        return arming(self.case.id, plans, self.case.versions)

    def _authority(self) -> Authority:
        if self.entry.trust is Trust.NONE:
            return self.pki.rogue
        return self.pki.user if self.entry.anchor == "user_root" else self.pki.compromised

    def _anchors(self) -> tuple[bytes, ...]:
        if self.entry.anchor is None:
            return ()
        root: Authority = getattr(self.pki, self.entry.anchor)
        return (root.der,)

    def _served_chain(self) -> tuple[str, ...]:
        serving = self.plans[self.entry.host].serving
        return serving.digests if isinstance(serving, Terminate) else ()


def _decisive(outcomes: Sequence[AppOutcome], expected: Answer) -> AppOutcome:
    """Return the outcome that tells most: one that is not as expected, else the last."""
    return next((o for o in outcomes if o.answer is not expected), outcomes[-1])
