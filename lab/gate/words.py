"""What a gate says of scenarios: which, what became of them, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lab.evidence.assessed import advice
from lab.evidence.matrix import adversary_name, natural, tls_name
from lab.evidence.text import clipped, counted, listed, one_line
from lab.gate.policy import State, WaiverSection
from lab.gate.selectors import AttackSelector, Scenario
from lab.gate.source import Settled

MOST_NAMED = 6
"""Attacks that are named in one sentence."""
LONGEST = 600
"""Characters of what an app or a device said."""

STATES = {
    State.PASS: "Passed",
    State.FAIL: "FAIL",
    State.INCONCLUSIVE: "Inconclusive",
    State.NOT_APPLICABLE: "Not applicable",
    State.MISSING: "Not run",
}


def place(scenario: Scenario) -> str:
    """Return a scenario as a reader finds it: attack, device, adversary, TLS version."""
    parts = (scenario.device, variant(scenario))
    return one_line(f"{attack(scenario)} on {', '.join(filter(None, parts))}")


def variant(scenario: Scenario) -> str:
    """Return by whom and how an attack was made: adversary, TLS version."""
    parts = (adversary_name(scenario.adversary), tls_name(scenario.variant))
    return ", ".join(filter(None, parts))


def attack(scenario: Scenario) -> str:
    """Return an attack's id and its name in the catalogue."""
    return one_line(f"{scenario.case} {scenario.slug}")


def told(state: State, same: Sequence[Settled], why: str) -> str:
    """Say what became of scenarios of one device that one reason explains, in a sentence."""
    first = same[0].scenario
    which = place(first)
    if len(same) > 1:
        which = f"{counted(len(same), 'scenario')} on {one_line(first.device)} ({named(same)})"
    end = f": {clipped(one_line(why), LONGEST)}" if why else "."
    return f"{STATES[state]}: {which}{end}"


def named(same: Iterable[Settled]) -> str:
    """Return the attacks of scenarios, each once; the first few where they are many."""
    order = sorted((each.scenario for each in same), key=lambda s: (natural(s.case), s.slug))
    names = list(dict.fromkeys(attack(scenario) for scenario in order))
    more = len(names) - MOST_NAMED
    return listed(names[:MOST_NAMED] + ([f"{more} more"] if more > 0 else []))


def mend(state: State, same: Sequence[Settled]) -> str:
    """Say what to do about scenarios that came to ``state``."""
    result = same[0].result
    if result is None:
        return "Run them: pytest -m mitm, without -k or 'core' where these leave them out."
    if state is State.NOT_APPLICABLE:
        return "Test on a device that can, or say in a waiver why that is not needed."
    return one_line(advice(result))


def ended(waiver: WaiverSection | None) -> str:
    """Say that a waiver would have been for this, but has ended; empty where there was none."""
    if waiver is None:
        return ""
    return f" Its waiver ended on {waiver.until} ({one_line(waiver.reason)})."


def words_of(selectors: Iterable[AttackSelector]) -> str:
    """Return attacks as the policy names them."""
    return listed([one_line(selector.word) for selector in selectors])
