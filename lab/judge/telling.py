"""What an app without a collector says of a refusal: its log's lines, or its screen's words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lab.judge.reading import failed
from lab.model.failure_report import ReportWay
from lab.model.outcome import DOCUMENTED_ERRORS, Answer, AppOutcome
from lab.model.trial import Trial
from lab.model.verdict import Reason, Witness

_ERRORS = re.compile(rf"\b({'|'.join(DOCUMENTED_ERRORS)})\b")


def told_wrong(way: ReportWay, host: str, outcome: AppOutcome) -> str:
    """Say what is wrong with how a refusal was told, nothing where it names host and error."""
    if way is ReportWay.UI:
        if not _names(host, outcome.message):
            return f"The app's screen does not name {host}, whose connection it refused."
        if outcome.code not in DOCUMENTED_ERRORS:
            return "The app's screen does not name the SDK's error."
        return ""
    lines = [line for line in outcome.system_log if _names(host, line) and _ERRORS.search(line)]
    if not lines:
        return (
            f"No line of the app's log names {host} and the SDK's error: who reads it would "
            "never learn of the attack."
        )
    named = {error for line in lines for error in _ERRORS.findall(line)}
    wrong = sorted(e for e in named if DOCUMENTED_ERRORS[e] not in outcome.kinds)
    if wrong:
        return f"The app's log gives the error {wrong[0]}, which is not what the app said."
    return ""


def nothing_false_is_told(trial: Trial) -> Iterator[Reason]:
    """The app's log blames no connection that is right."""
    if trial.promise.way is not ReportWay.LOG or not trial.promise.kinds:
        return
    for phase in (trial.baseline, trial.attack, trial.recovery):
        if phase.outcome.answer is Answer.ACCEPTED:
            for line in phase.outcome.system_log:
                if _names(phase.host, line) and (named := _ERRORS.search(line)):
                    yield failed(
                        Witness.REPORT,
                        f"The app's log blames {phase.host} ({named[1]}) during the {phase.name}, "
                        "though the connection is right.",
                    )


def _names(host: str, text: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(host)}(?![\w-]|\.\w)", text) is not None
