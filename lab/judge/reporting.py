"""Rules about the failure report: there when promised, about this very failure, not otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from lab.judge.reading import failed, own, passed
from lab.model.failure_report import FailureReport
from lab.model.outcome import DOCUMENTED_ERRORS, Answer
from lab.model.trial import Trial
from lab.model.verdict import Reason, Witness

CLOCK_TOLERANCE = 2.0
"""Seconds by which a report's time may miss the trial's window: clocks are read and set in
steps, and RFC 3339 times may be given in whole seconds."""


def is_promised(trial: Trial) -> bool:
    """Tell whether this refusal is one that the app's profile promises to report."""
    outcome = trial.attack.outcome
    due = outcome.kinds & trial.expectation.kinds
    return outcome.answer is Answer.REFUSED and bool(due) and due <= trial.promise.kinds


def promised_report_is_right(trial: Trial) -> Iterator[Reason]:
    """Exactly the failures that happened were reported, each with the truth about it."""
    if not is_promised(trial):
        return
    about = [r for r in trial.reports if r.host == trial.host]
    attempts = max(1, len(own(trial.attack, trial.host)))
    if not about:
        yield failed(
            Witness.REPORT,
            f"No failure report about {trial.host} reached the collector: the app's owner would "
            "never learn of the attack.",
        )
        return
    if len(about) > attempts:
        yield failed(
            Witness.REPORT,
            f"{len(about)} failure reports arrived for {attempts} refused connection(s).",
        )
    wrong = [text for report in about for text in _errors(trial, report)]
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
    for report in trial.reports:
        if report.host == trial.host:
            if trial.expectation.answer is Answer.ACCEPTED:
                yield failed(
                    Witness.REPORT,
                    f"A pin failure ({report.error}) was reported for a connection that is right.",
                )
            elif not is_promised(trial):
                yield failed(
                    Witness.REPORT,
                    f"The app refused for another reason, yet reported {report.error}.",
                )
        elif report.host not in trial.private_hosts:
            yield failed(
                Witness.REPORT,
                f"A report names {report.host}, which was not attacked; attacked was {trial.host}.",
            )


def _errors(trial: Trial, report: FailureReport) -> Iterator[str]:
    if report.port != trial.port:
        yield f"names port {report.port}, attacked was port {trial.port}"
    if report.served_chain != trial.served_chain:
        yield (
            f"is about another certificate: it shows {_short(report.served_chain)}, "
            f"served was {_short(trial.served_chain)}"
        )
    if set(report.known_pins) != set(trial.known_pins):
        yield "does not quote the pins that are published for the host"
    kind = DOCUMENTED_ERRORS.get(report.error)
    if kind is None or kind not in trial.attack.outcome.kinds:
        yield f"gives the error {report.error}, which is not what the app said"
    earliest = trial.started_at + trial.clock_offset - CLOCK_TOLERANCE
    latest = trial.ended_at + trial.clock_offset + CLOCK_TOLERANCE
    if not earliest <= report.at <= latest:
        yield "gives a time outside the attack on the device's clock"


def _short(chain: tuple[str, ...]) -> str:
    return "[" + ", ".join(digest[:12] + "…" for digest in chain) + "]"
