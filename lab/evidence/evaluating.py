"""What a result comes to in the terms of an assessment: conditions, rule, limits."""

from __future__ import annotations

from lab.evidence.fields import ControlFields, Evaluation
from lab.evidence.mapping import MasMapping, Relation
from lab.evidence.record import ScenarioResult
from lab.judge.reading import own
from lab.model.attack import Subject
from lab.model.verdict import Verdict

ATTEMPT, LEAKS = "attempt observed", "no application data"
"""Conditions whose rules may say nothing where all is well."""

CONTROLS = {
    "baseline": ("baseline_worked",),
    "attack armed": ("attack_was_armed", "control_has_teeth", "right_chain_was_served"),
    ATTEMPT: ("attempt_was_seen", "beside_was_tried"),
    LEAKS: (
        "to_the_host",
        "to_private_hosts",
        "in_clear_meanwhile",
        "to_hosts_beside",
    ),
    "app reaction": ("app_answered", "answer_is_right", "error_is_right"),
    "recovery": ("recovery_worked",),
}
"""The conditions of a PASS, and the judge's rules that look at each."""


LIMITS = (
    "Tests that look into the app's code were not carried out.",
    "Whoever controls the device is not the attacker of these tests.",
    "Only the requests that this scenario makes were exercised.",
)


def evaluate(result: ScenarioResult, mapping: MasMapping | None) -> Evaluation:
    """Return what ``result`` comes to."""
    reference, text = _rule(result, mapping)
    limits = list(LIMITS)
    if mapping is not None and mapping.note:
        limits.append(mapping.note)
    return Evaluation(
        rule_ref=reference,
        rule_text=text,
        controls=tuple(_control(name, rules, result) for name, rules in CONTROLS.items()),
        verdict=result.verdict,
        judged=result.reasons.verdict,
        rationale=tuple(f"{r.witness}: {r.text}" for r in result.reasons.reasons),
        limitations=tuple(limits),
    )


def leaked(result: ScenarioResult) -> bool:
    """Tell whether application data went to an adversary: what the published tests fail for."""
    return any(
        reason.rule in CONTROLS[LEAKS] and reason.verdict is Verdict.FAIL
        for reason in result.reasons.reasons
    )


def _control(name: str, rules: tuple[str, ...], result: ScenarioResult) -> ControlFields:
    told = [reason for reason in result.reasons.reasons if reason.rule in rules]
    against = next((r for r in told if r.verdict is not Verdict.PASS), None)
    if against is not None:
        return ControlFields(name, False, against.text)
    if told:
        return ControlFields(name, True, told[0].text)
    if result.trial is not None and name == ATTEMPT:
        seen = len(own(result.trial.attack, result.trial.host))
        if seen:
            return ControlFields(name, True, f"Connections of the app that were seen: {seen}.")
    if result.trial is not None and name == LEAKS:
        return ControlFields(name, True, "No rule found any.")
    return ControlFields(name, None, "Nothing is said of it.")


def _rule(result: ScenarioResult, mapping: MasMapping | None) -> tuple[str, str]:
    own = f"The lab's own rule: {result.correct}"
    if mapping is None or result.subject is not Subject.APP:
        return f"lab:{result.case}/{result.slug}", own
    carried_out = next((t for t in mapping.mastg if t.relation is Relation.SATISFIES), None)
    if carried_out is None:
        return f"lab:{result.case}/{result.slug}", own
    return carried_out.id, f"{carried_out.rule} The lab asks for more: {result.correct}"
