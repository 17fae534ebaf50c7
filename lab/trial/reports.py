"""The failure reports of a trial: what is promised, what arrived, that nothing is still to come."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from types import TracebackType
from typing import Self

from lab.backend import Outage
from lab.backend.collector import Delivery
from lab.catalogue import CatalogueEntry, hosts
from lab.catalogue.make import terminate
from lab.judge.reading import is_own
from lab.judge.reporting import is_promised, no_report_of_reports, refusals
from lab.model.attack import CollectorFault, Need, ReportsDue, Subject
from lab.model.failure_report import FailureReport, ReportWay
from lab.model.serving import HostPlan, HttpAnswer
from lab.model.trial import Fact, ReportPromise, Trial
from lab.model.wire import ConnectionRecord, TlsVersion
from lab.trial.marked import MarkedSecrets
from lab.trial.seat import Seat, arming

REPORT_CAP = 5.0
"""Seconds to wait for a promised failure report, once the network is benign again."""
IN_ONE_GO = 0.2
"""Seconds within which it is chance which of two connections is seen to end first."""
TRY_CAP = 1.0
"""Seconds in which an app that reports must have come upon a collector that is out of order."""

_OUTAGES = {
    CollectorFault.REFUSES: Outage.REFUSE,
    CollectorFault.RESETS: Outage.RESET,
    CollectorFault.HANGS: Outage.HANG,
}
_HOLDING = frozenset({CollectorFault.HANGS, CollectorFault.SLOW})
"""Faults that keep a client waiting."""


class Reports:
    """The way of a trial's reports: the collector with its faults, and what came of it.

    Use as a context manager: afterwards the collector is in order again.
    """

    def __init__(self, seat: Seat, entry: CatalogueEntry) -> None:
        self._seat = seat
        self._entry = entry
        self._backend = seat.bench.backend
        self._collector = seat.bench.backend.collector
        self._mine = {*seat.device.names, ""}
        self._began = time.time()
        self._marked = MarkedSecrets() if entry.carries_secrets else None

    def __enter__(self) -> Self:
        if self._marked is not None:
            self._collector.secrets = self._marked.all
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.mend()
        self._collector.forgive()
        self._collector.secrets = ()

    @property
    def promise(self) -> ReportPromise:
        """What app and profile promise about reports in this scenario."""
        device, entry = self._seat.device, self._entry
        if entry.subject is not Subject.APP or device.lacks(Need.REPORT):
            return ReportPromise(frozenset())
        kinds = device.reports & self._seat.profile.announces
        return ReportPromise(kinds, hosts.COLLECTOR, device.report_way, entry.reports_due)

    @property
    def path(self) -> str:
        """The path, with a query, of what the app asks for."""
        return "/" if self._marked is None else self._marked.path

    @property
    def answer(self) -> HttpAnswer:
        """What benign requests are answered."""
        return HttpAnswer() if self._marked is None else self._marked.answer

    # -- while the attack is in force -------------------------------------------------------

    def impair(self) -> None:
        """Put the collector out of order, where the entry wants that."""
        fault = self._entry.collector
        if fault in _OUTAGES:
            self._backend.set_outage(hosts.COLLECTOR, _OUTAGES[fault])
        elif fault is not CollectorFault.NONE:
            self._collector.fail(fault)

    def met(self, number: int) -> tuple[Fact, ...]:
        """Wait until the app has come upon the fault, and put the collector in order again,
        unless the app is to be launched again before that.

        ``number`` is that of the attack's arming."""
        fault = self._entry.collector
        if fault is CollectorFault.NONE or self.promise.way is not ReportWay.HTTP:
            return ()
        tried = self._tried(number)
        facts = [_came_upon(fault, tried)]
        if tried and fault in _HOLDING:
            # An app that waited closes both connections in one go: the engine may not have seen it.
            records = self._seat.bench.engine.settle(self._seat.device.id, number, IN_ONE_GO)
            facts.append(_kept_waiting(records, self._entry.host))
        if not self._entry.relaunches:
            self.mend()
        return tuple(facts)

    def _tried(self, number: int) -> bool:
        engine, device = self._seat.bench.engine, self._seat.device.id
        if self._entry.collector is CollectorFault.HANGS:
            return engine.wait_for(device, number, _waits_for_collector, TRY_CAP)
        if self._entry.collector in _OUTAGES:
            return engine.wait_for(device, number, _failed_at_collector, TRY_CAP)
        return self._collector.wait_for_delivery(self._is_mine, TRY_CAP, self._began)

    def mend(self) -> None:
        """Put the collector in order, but for what it turned away for good."""
        self._collector.fail(CollectorFault.NONE)
        if self._entry.collector in _OUTAGES:
            self._backend.set_outage(hosts.COLLECTOR, Outage.NONE)

    # -- afterwards -------------------------------------------------------------------------

    def probe(self, versions: tuple[TlsVersion, ...]) -> float:
        """Let the app refuse a host with other pins, in a benign network; return when."""
        at = time.time()
        genuine = {hosts.MOVED: HostPlan(terminate(self._seat.bench.pki.genuine(hosts.MOVED)))}
        self._seat.arm(arming("report probe", genuine, versions))
        self._seat.ask(hosts.MOVED)
        return at

    def gathered(self, trial: Trial, repeats: int, probed_at: float | None) -> Trial:
        """Add the failure reports that arrived; promised ones are waited for, up to a cap.

        ``repeats`` is how often the app made its attempt.
        """
        if trial.promise.way is not ReportWay.HTTP:
            return replace(trial, ended_at=time.time())
        due = _due(trial, repeats)
        seen: dict[str, set[str]] = {host: set() for host in due}

        def all_there(report: FailureReport) -> bool:
            if report.host in seen and report.device in self._mine:
                seen[report.host].add(report.id)
            return _complete(due, seen)

        came = self._collector.wait_for(all_there, REPORT_CAP, trial.started_at) if due else None
        complete = not due or came is not None
        probed = probed_at is not None and complete and self._probed(probed_at)
        facts = [*trial.facts]
        arrived = self._collector.reports(trial.started_at)
        mine = (r for r in arrived if r.device in self._mine)
        kept = tuple(r for r in mine if not _of_probe(r, probed_at))
        facts += _counted(kept, trial.host, due)
        trial = replace(trial, reports=kept, ended_at=time.time())
        if probed_at is not None and not probed:
            facts += self._sent_again(probed_at)
            if complete:
                facts += self._without_probe(trial, facts)
        if self._marked is not None:
            facts.append(self._marked.fact(trial, self._deliveries(trial.started_at)))
        return replace(trial, facts=tuple(facts))

    def _probed(self, at: float) -> bool:
        """Wait for the probe's report, and tell whether it came. Reports are delivered in the
        order of the failures: behind this one none is left."""

        def of_the_probe(report: FailureReport) -> bool:
            return report.device in self._mine and _of_probe(report, at)

        return self._collector.wait_for(of_the_probe, REPORT_CAP, at) is not None

    def _sent_again(self, probed_at: float) -> tuple[Fact, ...]:
        """Tell whether the app goes on sending what the collector has acknowledged.

        Asked where the probe's report did not arrive: an arming may cut a connection on which a
        receipt was on its way, and what is sent once more then is followed by the next report.
        """
        sent = Counter(d.id for d in self._deliveries(probed_at) if d.status in (200, 201))
        again = sum(count - 1 for count in sent.values())
        if not again:
            return ()
        text = f"Reports that the collector had taken were sent again, {again} time(s)."
        return (Fact("sent again", False, text),)

    def _without_probe(self, trial: Trial, facts: list[Fact]) -> tuple[Fact, ...]:
        if any(fact.holds is False for fact in facts) or any(no_report_of_reports(trial)):
            # What is wrong is known already; that the app got no further is part of it.
            return ()
        final = self._entry.collector.is_final
        if final and any(d.status in (413, 422) for d in self._deliveries(trial.started_at)):
            text = "A report that the collector will never take keeps every later one back."
            return (Fact("report probe", False, text),)
        text = "A refusal afterwards was not reported in time: nothing shows that no report is "
        return (Fact("report probe", None, f"{text}still to come."),)

    def _deliveries(self, since: float) -> tuple[Delivery, ...]:
        return tuple(filter(self._is_mine, self._collector.deliveries(since)))

    def _is_mine(self, delivery: Delivery) -> bool:
        return delivery.device in self._mine


def _of_probe(report: FailureReport, at: float | None) -> bool:
    """Tell whether ``report`` is about the refusal that was provoked at this time."""
    return at is not None and report.host == hosts.MOVED and report.received_at >= at


def _to_collector(record: ConnectionRecord) -> bool:
    return is_own(record, hosts.COLLECTOR)


def _waits_for_collector(record: ConnectionRecord) -> bool:
    return _to_collector(record) and record.relayed_bytes[0] > 0


def _failed_at_collector(record: ConnectionRecord) -> bool:
    # One that is still open may yet come to a collector that is well again.
    return _to_collector(record) and record.closed_at is not None


def _came_upon(fault: CollectorFault, tried: bool) -> Fact:
    if tried:
        return Fact("collector", True, f"The app came upon a collector that {_DOES[fault]}.")
    return Fact(
        "collector",
        None,
        f"The app did not try to report while the collector {_DOES[fault]}: nothing shows what "
        "it does then.",
    )


_DOES = {
    CollectorFault.REFUSES: "refuses connections",
    CollectorFault.RESETS: "resets connections",
    CollectorFault.HANGS: "does not answer at all",
    CollectorFault.SLOW: "takes its time",
    CollectorFault.ERROR: "answers 500",
    CollectorFault.BUSY: "answers 429",
    CollectorFault.REJECTS: "answers 422",
    CollectorFault.TOO_LARGE: "answers 413",
    CollectorFault.LOSES_ANSWER: "breaks off before it answers",
}


def _kept_waiting(records: tuple[ConnectionRecord, ...], host: str) -> Fact:
    """Tell from the order of things on the wire whether the app waited for its report."""
    given_up = [r.closed_at for r in records if _to_collector(r) and r.closed_at is not None]
    refused = [r for r in records if is_own(r, host)]
    first = min(given_up, default=float("inf"))
    waited = any(r.opened_at < first < (r.closed_at or float("inf")) + IN_ONE_GO for r in refused)
    if waited:
        text = "The app held the refused connection open until it had given up its report."
    else:
        text = "The app had done with the refused connection while its report still waited."
    return Fact("waiting", not waited, text)


def _due(trial: Trial, repeats: int) -> dict[str, int]:
    """Return how many reports are owed, by the host that they are about."""
    if trial.promise.due is ReportsDue.NONE:
        return {}
    due = dict.fromkeys((refusal.host for refusal in refusals(trial)), 1)
    each = trial.promise.due is ReportsDue.EACH and is_promised(trial)
    return due | ({trial.host: repeats} if each else {})


def _counted(kept: tuple[FailureReport, ...], host: str, due: dict[str, int]) -> tuple[Fact, ...]:
    wanted = due.get(host, 0)
    if wanted <= 1:
        return ()
    came = sum(report.host == host for report in kept)
    return (
        Fact(
            "reports",
            came == wanted,
            f"{came} failure reports arrived for {wanted} refused requests.",
        ),
    )


def _complete(due: dict[str, int], seen: dict[str, set[str]]) -> bool:
    return all(len(seen[host]) >= count for host, count in due.items())
