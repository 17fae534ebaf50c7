"""From the witness records of one trial to a verdict with its reasons.

The order is the point. A leak is a FAIL whatever else happened. Then come the preconditions:
where one is missing, nothing that follows could be believed, so the verdict is INCONCLUSIVE and
not a FAIL of the app. Only a trial that passed both is measured against what a correct client
does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from lab.judge import beside, conduct, leaks, monitor, preconditions, reporting, telling
from lab.model.trial import Trial
from lab.model.verdict import Judgement, Reason, Verdict


class Rule(Protocol):
    """One question about a trial, and the reasons that its answer gives. Has a name."""

    __name__: str

    def __call__(self, trial: Trial, /) -> Iterator[Reason]: ...


LEAKS: tuple[Rule, ...] = (
    leaks.to_the_host,
    leaks.to_private_hosts,
    leaks.in_clear_meanwhile,
    beside.to_hosts_beside,
)
PRECONDITIONS: tuple[Rule, ...] = (
    preconditions.profile_fits,
    preconditions.baseline_worked,
    preconditions.attack_was_armed,
    preconditions.control_has_teeth,
    preconditions.attempt_was_seen,
    preconditions.right_chain_was_served,
    preconditions.handshake_was_the_clients_to_end,
    preconditions.same_client_throughout,
    preconditions.app_answered,
    preconditions.recovery_worked,
    preconditions.facts_were_measured,
    monitor.monitor_agrees,
    beside.beside_was_tried,
)
CONDUCT: tuple[Rule, ...] = (
    conduct.answer_is_right,
    conduct.wire_is_right,
    conduct.error_is_right,
    conduct.told_as_documented,
    reporting.promised_report_is_right,
    reporting.no_false_report,
    reporting.no_report_of_reports,
    telling.nothing_false_is_told,
    beside.beside_is_right,
    conduct.facts_hold,
    beside.figures,
)

_SEVERITY = {Verdict.FAIL: 0, Verdict.INCONCLUSIVE: 1, Verdict.PASS: 2}


def judge(trial: Trial) -> Judgement:
    """Return the verdict on ``trial``: PASS, FAIL or INCONCLUSIVE, decisive reasons first."""
    leaked = _apply(LEAKS, trial)
    missing = _apply(PRECONDITIONS, trial)
    if any(r.verdict is Verdict.FAIL for r in leaked):
        return _sorted(Verdict.FAIL, leaked + missing)
    if any(r.verdict is Verdict.INCONCLUSIVE for r in missing):
        return _sorted(Verdict.INCONCLUSIVE, leaked + missing)
    reasons = leaked + missing + _apply(CONDUCT, trial)
    return _sorted(min((r.verdict for r in reasons), key=_SEVERITY.__getitem__), reasons)


def verdict_of(judgement: Judgement, *, must_be_caught: bool) -> Verdict:
    """Return the scenario's verdict: of a client that is wrong on purpose the judge must say
    FAIL, and nothing else will do."""
    if must_be_caught:
        swapped = {Verdict.FAIL: Verdict.PASS, Verdict.PASS: Verdict.FAIL}
        return swapped.get(judgement.verdict, judgement.verdict)
    return judgement.verdict


def _apply(rules: Iterable[Rule], trial: Trial) -> list[Reason]:
    return [replace(reason, rule=rule.__name__) for rule in rules for reason in rule(trial)]


def _sorted(verdict: Verdict, reasons: list[Reason]) -> Judgement:
    return Judgement(verdict, tuple(sorted(reasons, key=lambda r: _SEVERITY[r.verdict])))
