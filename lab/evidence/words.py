"""What a verdict says in one sentence, and where to look next."""

from __future__ import annotations

import re

from lab.evidence.record import ScenarioResult
from lab.evidence.text import sentence
from lab.judge.reading import describe, own
from lab.model.attack import Subject
from lab.model.outcome import Answer
from lab.model.verdict import Verdict, Witness
from lab.model.wire import ConnectionRecord, WireClass

SECTIONS = re.compile(r"^(Served|Correct client|Why it goes wrong|On the wire):\s*", re.MULTILINE)
USUAL_CAUSE = "Why it goes wrong"

NEXT = {
    Witness.WIRE: "Look at the wire witness: which connection was it, and which part of the app "
    "made it?",
    Witness.APP: "Look at the app's words and log lines of this attempt.",
    Witness.REPORT: "Compare the failure report's fields with the chain that was served.",
    Witness.CONTROL: "Check the device's trust store and route: the control client shows whether "
    "the attack can succeed at all.",
    Witness.LAB: "This says nothing about the app: look at the device, and at the lab itself.",
}
"""Where the decisive reason of a verdict leads, by its witness."""

NO_ATTEMPT = "Check that the device uses the lab's route and that the app really made its request."
NO_REPORT = "Check that the app knows the collector's address, and that it can reach it."


def why(result: ScenarioResult) -> str:
    """Return the decisive reason of a verdict, or what was seen where all is well."""
    judged = result.reasons.verdict
    first = result.reasons.headline
    if judged is not result.verdict:
        if judged is Verdict.FAIL and result.verdict is Verdict.PASS:
            return f"Caught, as a client that is wrong on purpose must be: {first}"
        if judged is Verdict.PASS and result.verdict is Verdict.FAIL:
            return "The lab did not catch a client that is wrong on purpose."
        return first
    if result.verdict is Verdict.PASS and result.trial is not None:
        seen = own(result.trial.attack, result.trial.host)
        if result.trial.expectation.answer is Answer.ACCEPTED:
            return _accepted(result.subject, seen)
        if seen:
            return sentence(f"{describe(seen[0])}.")
    return first


def _accepted(subject: Subject, seen: tuple[ConnectionRecord, ...]) -> str:
    if any(c.wire_class is WireClass.RELAYED for c in seen):
        return "Worked, as it must: passed through unopened."
    if subject is not Subject.APP:
        return f"Intercepted, as the {subject} client must be."
    return "Worked, as it must: the lab's own responder answered."


def what_to_look_at(result: ScenarioResult) -> str:
    """Return where the search for the cause of a FAIL or an INCONCLUSIVE starts."""
    reason = next((r for r in result.reasons.reasons if r.verdict is result.reasons.verdict), None)
    if reason is None or result.trial is None or result.subject is not Subject.APP:
        return NEXT[Witness.LAB]
    if reason.witness is Witness.REPORT and not result.trial.reports:
        return NO_REPORT
    if reason.witness is Witness.WIRE and reason.verdict is Verdict.INCONCLUSIVE:
        return NO_ATTEMPT
    if reason.witness in (Witness.WIRE, Witness.APP) and reason.verdict is Verdict.FAIL:
        cause = dict(documentation(result.explain)).get(USUAL_CAUSE)
        if cause:
            return f"How clients come to this: {cause}"
    return NEXT[reason.witness]


def documentation(explain: str) -> tuple[tuple[str, str], ...]:
    """Return the sections of an attack's documentation; text before the first has no name."""
    pieces = SECTIONS.split(explain)
    parts = [("", pieces[0]), *zip(pieces[1::2], pieces[2::2], strict=True)]
    return tuple((name, " ".join(text.split())) for name, text in parts if text.strip())
