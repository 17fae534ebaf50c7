"""Conducts a trial: benign request, attack, control, benign request, failure reports.

The same steps for every case and every device, here and nowhere else. What was witnessed goes
to the judge; nothing is concluded on the way.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lab.catalogue import CatalogueEntry, Ground, hosts
from lab.catalogue.make import terminate
from lab.catalogue.stage import Launch
from lab.model.attack import Control, RouteKind, Step, Trust, accept
from lab.model.outcome import Answer, AppOutcome
from lab.model.publication import RIGHT
from lab.model.serving import Arming, HostPlan, Terminate
from lab.model.trial import Fact, Phase, PhaseName, SideAttempt, Trial
from lab.pki.authority import Authority
from lab.trial.anomalies import anomaly_facts
from lab.trial.beside import ask_beside
from lab.trial.case import Case
from lab.trial.measuring import Stopwatch
from lab.trial.reports import Reports
from lab.trial.seat import Benign, Seat, arming
from lab.trial.sessions import session_facts
from lab.trial.stages import as_expected, asked_by, private_hosts, told
from lab.trial.wifi import wifi_facts, with_capture


def conduct(seat: Seat, case: Case) -> Trial:
    """Carry out ``case`` and return what was witnessed. Raises DeviceLost."""
    with Reports(seat, case.entry) as reports:
        since = seat.bench.engine.armed(seat.device.id) + 1
        trial = _Trial(seat, case, reports).run()
        seat.keep_certificates(trial)
        return with_capture(seat, case.route, since, trial)


class _Trial:
    def __init__(self, seat: Seat, case: Case, reports: Reports) -> None:
        self.seat = seat
        self.reports = reports
        self.beside: tuple[SideAttempt, ...] = ()
        self.case = case
        self.pki = seat.bench.pki
        self._clock_offset = 0.0
        self.entry = case.entry
        self.expected = case.entry.expectation(seat.profile)
        self.plans: dict[str, HostPlan] = {}
        """What happens to the hosts of the stage that was entered."""

    def run(self) -> Trial:
        started = time.time()
        entry, seat = self.entry, self.seat
        seat.prepare(self.case.route, entry.trust, self._anchors())
        # A case about the age of the configuration starts with a new one, or with none.
        ready = seat.configure(entry.usual, again=entry.ages)
        if ready.answer is not Answer.ACCEPTED:
            return self._not_set_up(ready, started)
        baseline = self._benign(PhaseName.BASELINE)
        measurements = Stopwatch(seat, self.case.versions).take(entry.measures)
        try:
            attack, facts, known_pins = self._story()
            control = self._control()
        finally:
            seat.hand_out(RIGHT)
            # A device that is lost has no clock to set.
            if self._clock_offset:
                seat.device.set_clock_offset(0.0)
        recovery = self._recover(entry, attack)
        # The stage that decided.
        entry = self.entry
        trial = replace(
            self._trial(started, baseline, attack, recovery),
            control=control,
            served_chain=self.plans[entry.host].digests,
            known_pins=known_pins,
            clock_offset=entry.clock_offset + seat.device.clock_error,
            facts=facts,
            private_hosts=private_hosts(entry),
            beside=self.beside,
            measurements=measurements,
        )
        probed_at = self.reports.probe(self.case.versions) if entry.probes_reports else None
        return self.reports.gathered(trial, entry.repeats, probed_at)

    # -- phases ---------------------------------------------------------------------------

    def _recover(self, entry: CatalogueEntry, attack: Phase) -> Phase:
        """Make the benign request after the attack. An app that may hold other pins than before is
        set up anew, unless it has a refusal to report, which it would forget then."""
        ready = AppOutcome(Answer.ACCEPTED)
        if entry.relaunches:
            ready = self.seat.launch(fresh=False)
            self.reports.mend()
        elif entry.changes_pins:
            refused = self.expected.answer is Answer.REFUSED and attack.step is Step.REQUEST
            if refused and attack.outcome.kinds & self.reports.promise.kinds:
                return self._benign(PhaseName.RECOVERY, hosts.EXPIRING)
            ready = self.seat.configure(entry.usual)
        if ready.answer is not Answer.ACCEPTED:
            return self._not_tried(PhaseName.RECOVERY, ready)
        return self._benign(PhaseName.RECOVERY)

    def _benign(self, name: PhaseName, host: str | None = None) -> Phase:
        """Request a host whose genuine chain the pins vouch for, from the lab's responder: that
        under attack where it is one, unless told otherwise."""
        host = host or (self.entry.host if self.entry.host in hosts.WORKING else hosts.HOST)
        served = terminate(self.pki.genuine(host), self.reports.answer)
        genuine = {host: HostPlan(replace(served, tickets=self.entry.tickets))}
        wanted = arming("benign", genuine, self.case.versions)
        benign = Benign(self.entry.subject, host, wanted)
        # What was seen of a Wi-Fi is kept for each scenario, and a session of its own is part of
        # some attacks: there, each has a request of its own.
        sharing = self.case.route is RouteKind.PROXY and not self.entry.tickets
        if sharing and name is PhaseName.BASELINE and (last := self.seat.recalled(benign)):
            return replace(last, name=name, shared=True)
        phase = self.seat.request(
            name, host, wanted, subject=self.entry.subject, expectation=accept()
        )
        if sharing:
            self.seat.remember(benign, phase)
        return phase

    def _story(self) -> tuple[Phase, tuple[Fact, ...], tuple[str, ...]]:
        """Go through the stages of the attack, to the first that does not come to what is
        expected, or to the last. Return it, the facts, and the pins that the app holds then."""
        facts: tuple[Fact, ...] = ()
        known_pins = self.seat.known_pins(self.entry.host)
        *earlier, last = self.case.entry.stages
        for stage in (*earlier, last):
            self._enter(stage)
            attack, found = self._attack()
            if stage.fresh_start or (stage.hands_out.is_right and asked_by(attack)):
                handed = stage.hands_out.token
                known_pins = self.seat.bench.publisher.pins(handed, stage.host)
            facts += found
            if stage is last or not as_expected(attack, found):
                break
            facts += (told(stage.title, attack),)
        return attack, facts, known_pins

    def _enter(self, stage: CatalogueEntry) -> None:
        """Bring about what ``stage`` begins with."""
        seat = self.seat
        self.entry = stage
        self.expected = stage.expectation(seat.profile)
        self.plans = stage.plans(Ground(self.pki, stage.host, datetime.now(UTC)))
        if stage.clock_offset != self._clock_offset:
            # Before: a device that is lost meanwhile may have a clock that was moved.
            self._clock_offset = stage.clock_offset
            seat.device.set_clock_offset(stage.clock_offset)
        name = stage.configuration if stage.fresh_start else stage.publishes
        if name is not None:
            seat.publish(name, stage.clock_offset)
        seat.hand_out(stage.hands_out)

    def _attack(self) -> tuple[Phase, tuple[Fact, ...]]:
        entry, seat = self.entry, self.seat
        self.hostile = self._hostile()
        number = seat.arm(self.hostile)
        step = Step.REQUEST
        if entry.launch is not Launch.RUNS_ON:
            ready = seat.launch(fresh=entry.fresh_start)
            outcomes, step = [ready], Step.SETUP
            if ready.answer is not Answer.SILENT:
                # Also where the set-up failed: an app must not run without pins then.
                asked = seat.ask(entry.address)
                if Answer.ACCEPTED in (ready.answer, asked.answer):
                    outcomes, step = [asked], Step.REQUEST
        else:
            path = self.reports.path
            self.reports.impair()
            first = ask_beside(seat, entry, self.plans) if entry.beside_first else ()
            outcomes = [seat.ask(entry.address, entry.subject, path) for _ in range(entry.repeats)]
            self.beside = first or ask_beside(seat, entry, self.plans)
        met = self.reports.met(number)
        decisive = _decisive(outcomes, self.expected.answer)
        # Where all is as expected, one screen says what all of the catalogue's row do.
        if decisive.answer is not self.expected.answer or seat.is_unseen(entry.id):
            decisive = seat.pictured(decisive)
        phase = seat.witnessed(PhaseName.ATTACK, entry.host, number, decisive, self.expected, step)
        served = anomaly_facts(phase, self.plans[entry.host].serving)
        resumed = session_facts(phase, self.plans[entry.host].serving)
        gateway = self.hostile.gateway
        wifi = wifi_facts(seat, self.case.route, number, self.expected, gateway)
        found = (*self._repeated(outcomes), *self._asked(phase), *met, *served, *resumed)
        return phase, (*found, *wifi)

    def _control(self) -> Phase | None:
        if self.entry.control in (Control.NONE, Control.ANOMALY):
            return None
        entry = self.entry
        return self.seat.control(entry.host, self.hostile, entry.control, entry.address)

    def _not_tried(self, name: PhaseName, why: AppOutcome) -> Phase:
        said = why.message or "the app said nothing"
        outcome = AppOutcome(Answer.SILENT, message=f"not tried, the set-up failed: {said}")
        return Phase(name, self.entry.host, outcome, armed=False)

    def _not_set_up(self, ready: AppOutcome, started: float) -> Trial:
        names = (PhaseName.BASELINE, PhaseName.ATTACK, PhaseName.RECOVERY)
        return self._trial(started, *(self._not_tried(name, ready) for name in names))

    def _trial(self, started: float, baseline: Phase, attack: Phase, recovery: Phase) -> Trial:
        """Return what is true of every trial of this case, with these phases."""
        entry = self.entry
        return Trial(
            case=entry.id,
            device=self.seat.device.id,
            host=entry.host,
            port=entry.port,
            expectation=self.expected,
            baseline=baseline,
            attack=attack,
            recovery=recovery,
            control=None,
            control_kind=entry.control,
            served_chain=(),
            promise=self.reports.promise,
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
        asked = asked_by(phase)
        text = {
            (True, True): "The app asked for its configuration.",
            (True, False): "The app did not ask for its configuration, though it had to.",
            (False, True): "The app asked for its configuration, though what it held was fresh.",
            (False, False): "The app did not ask for its configuration: what it held was fresh.",
        }[wanted, asked]
        # An app that never asks was not shown to have been kept from its configuration.
        holds = True if asked is wanted else None if wanted else False
        return (Fact("configuration", holds, text),)

    # -- what is served -------------------------------------------------------------------

    def _hostile(self) -> Arming:
        """Return the attack's arming. Where the adversary forges certificates it attacks the
        collector, too: a report must not be delivered to it."""
        plans = dict(self.plans)
        serving = plans[self.entry.host].serving
        if self.expected.answer is Answer.REFUSED and isinstance(serving, Terminate):
            forged = HostPlan(terminate(self._authority().issue(hosts.COLLECTOR)))
            plans.setdefault(hosts.COLLECTOR, forged)
        carried = self.seat.bench.publisher.carried(self.entry.hands_out)
        if carried is not None:
            plans[hosts.CONFIGURATION_SERVICE] = carried
        return arming(self.case.id, plans, self.case.versions)

    def _authority(self) -> Authority:
        if self.entry.trust is Trust.NONE:
            return self.pki.rogue
        own = {"user_root": self.pki.user, "published_root": self.pki.published_root}
        return own.get(self.entry.anchor or "", self.pki.compromised)

    def _anchors(self) -> tuple[bytes, ...]:
        if self.entry.anchor is None:
            return ()
        root: Authority = getattr(self.pki, self.entry.anchor)
        return (root.der,)


def _decisive(outcomes: Sequence[AppOutcome], expected: Answer) -> AppOutcome:
    """Return the outcome that tells most: one that is not as expected, else the last."""
    return next((o for o in outcomes if o.answer is not expected), outcomes[-1])
