"""Whether a gate opens: a pure function of a policy and of what bundles say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lab.evidence.text import counted, listed, one_line
from lab.evidence.words import why
from lab.gate import words
from lab.gate.decision import Decision, Gap, Kind
from lab.gate.devices_due import Known, devices_due, devices_of
from lab.gate.policy import Others, PolicyFile, State, Usual, WaiverSection
from lab.gate.requirements import Inputs, requirements
from lab.gate.selectors import (
    DeviceTraits,
    Scenario,
    any_matches,
    catalogued,
    one_matches,
    together,
)
from lab.gate.source import Settled, Source, missing, settled

Due = Mapping[Scenario, Settled]
"""Every scenario that a rule asks for, and what became of it."""

KINDS = {
    State.FAIL: Kind.FAIL,
    State.MISSING: Kind.MISSING,
    State.INCONCLUSIVE: Kind.INCONCLUSIVE,
    State.NOT_APPLICABLE: Kind.NOT_APPLICABLE,
}


def decide(policy: PolicyFile, sources: Sequence[Source], inputs: Inputs) -> Decision:
    """Return whether the gate opens. ``sources`` are bundles that verify.

    One more FAIL never opens a gate: nothing that is asked for is shown by one.
    """
    devices = together(device for source in sources for device in source.devices.values())
    known = Known(settled(sources), devices)
    due = _due(policy, known)
    bill = _bill(policy, known, due, inputs.now)
    waived = [each.scenario for same in bill.used.values() for each in same]
    tested = [d for d in devices.values() if any(s.device == d.id for s in due)]
    gaps = [
        *_scenarios(bill, devices),
        *devices_due(policy.rules, known, due, waived),
        *requirements(policy.evidence, sources, tested, inputs),
        *_minimum(policy, known),
    ]
    order = list(Kind)
    gaps.sort(key=lambda gap: order.index(gap.kind))
    return Decision(
        open=not gaps,
        gaps=tuple(gaps),
        notes=(*_outvoted(known), *_waivers(policy, bill, inputs.now)),
        required=len(due),
        passed=sum(each.state is State.PASS for each in due.values()),
        waived=tuple(sorted(waived)),
        bundles=tuple(source.name for source in sources),
    )


def _due(policy: PolicyFile, known: Known) -> Due:
    due: dict[Scenario, Settled] = {}
    for rule in policy.rules:
        for device in devices_of(rule, known):
            # What was run need not be in the catalogue of this version of the lab.
            own = (s for s in known.said if s.device == device and any_matches(rule.attacks, s))
            for scenario in (*catalogued(rule.attacks, device), *own):
                due[scenario] = known.said.get(scenario) or missing(scenario)
    return due


@dataclass(slots=True)
class _Bill:
    """What became of the scenarios that did not pass."""

    gaps: list[Settled] = field(default_factory=list)
    used: dict[int, list[Settled]] = field(default_factory=dict)
    """What each waiver was needed for, by its place in the policy."""
    ended: dict[Scenario, WaiverSection] = field(default_factory=dict)
    """Waivers that would have been for a scenario."""


def _bill(policy: PolicyFile, known: Known, due: Due, now: datetime) -> _Bill:
    bill = _Bill()
    others: list[Settled] = []
    if policy.other_failures is Others.CLOSE:
        rest = (known.said[scenario] for scenario in sorted(known.said.keys() - due.keys()))
        others = [each for each in rest if each.state is State.FAIL]
    for each in (*due.values(), *others):
        if each.state is State.PASS:
            continue
        at = _waiver(policy, known, each, bill, now)
        usual = policy.not_applicable is Usual.ALLOWED and each.state is State.NOT_APPLICABLE
        if at is not None:
            bill.used.setdefault(at, []).append(each)
        elif not usual:
            bill.gaps.append(each)
    return bill


def _waiver(
    policy: PolicyFile, known: Known, each: Settled, bill: _Bill, now: datetime
) -> int | None:
    """Return the place of the first waiver that holds for ``each``."""
    scenario = each.scenario
    device = known.devices.get(scenario.device, DeviceTraits(scenario.device))
    for at, waiver in enumerate(policy.waivers):
        if waiver.means(scenario, each.state) and one_matches(waiver.devices, device):
            if waiver.holds(now):
                return at
            bill.ended.setdefault(scenario, waiver)
    return None


def _scenarios(bill: _Bill, there: Collection[str]) -> Iterator[Gap]:
    """Yield what scenarios came to; those of a device that one reason explains stand together.

    Of a device that is not ``there`` at all it is said as such.
    """
    alike: dict[tuple[State, str, str, str, str], list[Settled]] = {}
    for each in bill.gaps:
        if each.scenario.device not in there:
            continue
        told = "" if each.result is None else why(each.result)
        # Each attack that an app failed under is worth a line.
        alone = each.scenario.slug if each.state is State.FAIL else ""
        ended = words.ended(bill.ended.get(each.scenario))
        key = (each.state, each.scenario.device, alone, told, ended)
        alike.setdefault(key, []).append(each)
    for (state, _, _, told, ended), same in alike.items():
        yield Gap(
            KINDS[state],
            words.told(state, same, told) + ended,
            words.mend(state, same),
            tuple(each.scenario for each in same),
        )


def _minimum(policy: PolicyFile, known: Known) -> Iterator[Gap]:
    # Where nothing at all was tested, no waiver opens anything.
    least = policy.evidence.minimum_passed or 1
    passed = sum(each.state is State.PASS for each in known.said.values())
    if passed < least:
        text = f"Only {counted(passed, 'scenario')} passed; at least {least} must."
        yield Gap(Kind.MINIMUM, text, "Run more of the catalogue: pytest -m mitm.")


def _outvoted(known: Known) -> Iterator[str]:
    for each in known.said.values():
        if each.outvoted:
            others = listed([f"{verdict} in {name}" for name, verdict in each.outvoted])
            yield f"{words.place(each.scenario)}: {each.state} in {each.source} counts; {others}."


def _waivers(policy: PolicyFile, bill: _Bill, now: datetime) -> Iterator[str]:
    for at, waiver in enumerate(policy.waivers):
        which = f"waiver for {words.words_of(waiver.attacks)} ({waiver.verdict})"
        if not waiver.holds(now):
            yield f"The {which} ended on {waiver.until}: {one_line(waiver.reason)}"
        elif at in bill.used:
            until = "" if waiver.until is None else f" until {waiver.until}"
            ticket = "" if waiver.ticket is None else f" [{one_line(waiver.ticket)}]"
            number = counted(len(bill.used[at]), "scenario")
            yield f"{number} let through{until} by the {which}: {one_line(waiver.reason)}{ticket}"
        else:
            yield f"The {which} is not needed: take it out of the policy."
