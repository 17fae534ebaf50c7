"""What a self-test found, in words."""

from __future__ import annotations

from lab.evidence.text import counted, listed
from lab.selftest.findings import Effect, Findings, MutantFinding, Named, Standing, Tried

EFFECTS = {
    Effect.KILLED: "killed",
    Effect.OTHER_REASON: "killed for another reason",
    Effect.SURVIVED: "survived",
    Effect.UNDECIDED: "inconclusive",
    Effect.NOT_APPLICABLE: "not applicable",
}

STANDINGS = {
    Standing.GOOD: "passed",
    Standing.BAD: "FAILED",
    Standing.OPEN: "INCONCLUSIVE",
    Standing.NOT_APPLICABLE: "not applicable",
}


def headline(findings: Findings, seconds: str, *, complete: bool) -> str:
    """Return the result in one sentence."""
    mutants, attacks = findings.mutants, findings.attacks
    dead = sum(mutant.standing is Standing.GOOD for mutant in mutants)
    asked = [a for a in attacks if a.standing is not Standing.NOT_APPLICABLE]
    killing = sum(attack.standing is Standing.GOOD for attack in asked)
    passed = findings.reference_cases - sum(
        t.effect is not Effect.NOT_APPLICABLE for t in findings.reference
    )
    parts = [f"{dead} of {counted(len(mutants), 'mutant')} died"]
    if asked:
        parts.append(f"{killing} of {counted(len(asked), 'attack')} killed")
    cases = counted(findings.reference_cases, "case")
    parts.append(f"the reference client survived {passed} of {cases}")
    ended = "" if complete else ", ended early"
    return f"{listed(parts)}: {counted(len(findings.tried), 'try', 'tries')} in {seconds}{ended}."


def of_mutant(mutant: MutantFinding) -> str:
    """Say what killed a mutant."""
    killers = [named.attack for named in mutant.named if named.effect is Effect.KILLED]
    return ", ".join((*killers, *mutant.also_killed_by)) or "nothing"


def problems(findings: Findings) -> list[tuple[Standing, str, str]]:
    """Return everything that is not as it has to be: how bad, what, and why; worst first."""
    found = [
        (_standing_of(named), f"{mutant.name} under {named.attack}", _of_named(mutant, named))
        for mutant in findings.mutants
        for named in mutant.named
        if named.effect is not Effect.KILLED
    ]
    found += [
        (attack.standing, f"{attack.id} {attack.slug}", attack.why)
        for attack in findings.attacks
        if attack.standing in (Standing.BAD, Standing.OPEN)
    ]
    found += [
        (_of_reference(tried), f"the reference client under {tried.case}", tried.why)
        for tried in findings.reference
        if tried.effect is not Effect.NOT_APPLICABLE
    ]
    return sorted(found, key=lambda problem: problem[0] is not Standing.BAD)


def _standing_of(named: Named) -> Standing:
    bad = named.effect in (Effect.SURVIVED, Effect.OTHER_REASON)
    return Standing.BAD if bad else Standing.OPEN


def _of_reference(tried: Tried) -> Standing:
    return Standing.OPEN if tried.effect is Effect.UNDECIDED else Standing.BAD


def _of_named(mutant: MutantFinding, named: Named) -> str:
    due = f"{mutant.outcome} by {listed(list(mutant.rules))} is due"
    if named.effect is Effect.OTHER_REASON:
        return f"{EFFECTS[named.effect]} ({due}): {named.why}"
    return f"{EFFECTS[named.effect]}: {named.why}"
