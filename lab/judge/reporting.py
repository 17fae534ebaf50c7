"""Rules about the failure report: there when promised, about this very failure, not otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.judge.reading import failed, own, passed
from lab.judge.telling import told_wrong
from lab.model.attack import Expectation, ReportsDue
from lab.model.failure_report import FailureReport, ReportWay
from lab.model.outcome import DOCUMENTED_ERRORS, Answer, AppOutcome
from lab.model.trial import ReportPromise, Trial
from lab.model.verdict import Reason, Witness

CLOCK_TOLERANCE = 2.0
"""Seconds by which a report's time may miss the trial's window: clocks are read and set in
steps, and RFC 3339 times may be given in whole seconds."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal that the app's profile promises to report, and the truth about it."""

    host: str
    outcome: AppOutcome
    served_chain: tuple[str, ...]
    known_pins: tuple[str, ...]


def refusals(trial: Trial) -> tuple[Refusal, ...]:
    """Return every refusal of the trial that is to be reported, that of the host under attack
    first."""
    found = []
    if is_promised(trial):
        outcome = trial.attack.outcome
        found.append(Refusal(trial.host, outcome, trial.served_chain, trial.known_pins))
    for side in trial.beside:
        if _promises(trial.promise, side.outcome, side.expectation):
            found.append(Refusal(side.host, side.outcome, side.served_chain, side.known_pins))
    return tuple(found)


def is_promised(trial: Trial) -> bool:
    """Tell whether this refusal is one that the app's profile promises to report."""
    return _promises(trial.promise, trial.attack.outcome, trial.expectation)


def _promises(promise: ReportPromise, outcome: AppOutcome, expected: Expectation) -> bool:
    due = outcome.kinds & expected.kinds
    return outcome.answer is Answer.REFUSED and bool(due) and due <= promise.kinds


def promised_report_is_right(trial: Trial) -> Iterator[Reason]:
    """Exactly the failures that happened were reported, each with the truth about it."""
    for refusal in refusals(trial):
        if trial.promise.way is ReportWay.HTTP:
            yield from _delivered(trial, refusal)
        else:
            wrong = told_wrong(trial.promise.way, refusal.host, refusal.outcome)
            yield (
                failed(Witness.REPORT, wrong)
                if wrong
                else passed(
                    Witness.REPORT,
                    f"The app's {_PLACE[trial.promise.way]} names {refusal.host} and "
                    f"{refusal.outcome.code} correctly.",
                )
            )


_PLACE = {ReportWay.LOG: "log", ReportWay.UI: "screen"}


def _delivered(trial: Trial, refusal: Refusal) -> Iterator[Reason]:
    about = [r for r in trial.reports if r.host == refusal.host]
    attempts = max(1, len(own(trial.attack, refusal.host)))
    if not about:
        if trial.promise.due is ReportsDue.NONE:
            yield passed(
                Witness.REPORT,
                f"No failure report about {refusal.host} arrived, and none is owed here.",
            )
            return
        yield failed(
            Witness.REPORT,
            f"No failure report about {refusal.host} reached the collector: the app's owner would "
            "never learn of the attack.",
        )
        return
    if len(about) > attempts:
        yield failed(
            Witness.REPORT,
            f"{len(about)} failure reports arrived for {attempts} refused connection(s).",
        )
    wrong = [text for report in about for text in _errors(trial, refusal, report)]
    yield from (failed(Witness.REPORT, f"The failure report {text}.") for text in wrong)
    if not wrong:
        yield passed(
            Witness.REPORT,
            f"The failure report names host, port, time, served chain, known pins and "
            f"{about[0].error} correctly.",
        )


def no_false_report(trial: Trial) -> Iterator[Reason]:
    """No report of a pin failure that did not happen.

    Where nothing at all is promised, nothing is laid down of what is reported, or when: such a
    report may be a late one about an earlier scenario.
    """
    if not trial.promise.kinds:
        for report in trial.reports:
            yield passed(
                Witness.REPORT,
                f"A failure report about {report.host} arrived ({report.error}), though nothing "
                "promises one; it is not judged.",
            )
        return
    promised = {refusal.host for refusal in refusals(trial)}
    expected = {trial.host: trial.expectation.answer}
    expected |= {side.host: side.expectation.answer for side in trial.beside}
    for report in trial.reports:
        if report.host in expected:
            if expected[report.host] is Answer.ACCEPTED:
                yield failed(
                    Witness.REPORT,
                    f"A pin failure ({report.error}) was reported for a connection that is right.",
                )
            elif report.host not in promised:
                yield failed(
                    Witness.REPORT,
                    f"The app refused for another reason, yet reported {report.error}.",
                )
        elif report.host not in trial.private_hosts:
            yield failed(
                Witness.REPORT,
                f"A report names {report.host}, which was not attacked; attacked was {trial.host}.",
            )


def no_report_of_reports(trial: Trial) -> Iterator[Reason]:
    """That the collector's own connection fails is no failure to report each time: every such
    report would fail, too, and be reported."""
    collector = trial.promise.collector
    if collector in ("", trial.host):
        return
    about = sum(report.host == collector for report in trial.reports)
    causes = len(own(trial.attack, trial.host))
    causes += sum(len(own(trial.attack, side.host)) for side in trial.beside)
    if about > max(1, causes):
        yield failed(
            Witness.REPORT,
            f"{about} failure reports are about the collector itself: each report that could not "
            "be delivered made another one.",
        )


def _errors(trial: Trial, refusal: Refusal, report: FailureReport) -> Iterator[str]:
    if report.port != trial.port:
        yield f"names port {report.port}, attacked was port {trial.port}"
    if report.served_chain != refusal.served_chain:
        yield (
            f"is about another certificate: it shows {_short(report.served_chain)}, "
            f"served was {_short(refusal.served_chain)}"
        )
    if set(report.known_pins) != set(refusal.known_pins):
        yield "does not quote the pins that are published for the host"
    kind = DOCUMENTED_ERRORS.get(report.error)
    if kind is None or kind not in refusal.outcome.kinds:
        yield f"gives the error {report.error}, which is not what the app said"
    earliest = trial.started_at + trial.clock_offset - CLOCK_TOLERANCE
    latest = trial.ended_at + trial.clock_offset + CLOCK_TOLERANCE
    if not earliest <= report.at <= latest:
        yield "gives a time outside the attack on the device's clock"


def _short(chain: tuple[str, ...]) -> str:
    return "[" + ", ".join(digest[:12] + "…" for digest in chain) + "]"
