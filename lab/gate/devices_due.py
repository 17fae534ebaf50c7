"""Which devices a policy asks for, and whether something passed on each of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lab.evidence.text import listed, one_line
from lab.gate.decision import Gap, Kind
from lab.gate.policy import RuleSection, State
from lab.gate.selectors import DeviceTraits, Scenario, any_matches, one_matches
from lab.gate.source import Settled
from lab.gate.words import words_of

MEND = "Give the bundle of a run on such a device, and look whether anything could be tried on it."


@dataclass(frozen=True, slots=True)
class Known:
    """What all bundles together know."""

    said: Mapping[Scenario, Settled]
    devices: Mapping[str, DeviceTraits]


def devices_of(rule: RuleSection, known: Known) -> tuple[str, ...]:
    """Return the ids of the devices that a rule is about; one that it names may not be there."""
    named = (selector.id for selector in rule.devices if selector.names_one)
    there = (d.id for d in known.devices.values() if one_matches(rule.devices, d))
    return tuple(dict.fromkeys((*named, *there)))


def devices_due(
    rules: Sequence[RuleSection],
    known: Known,
    due: Collection[Scenario],
    waived: Collection[Scenario],
) -> Iterator[Gap]:
    """Yield what rules ask for and on which nothing passed: devices, operating systems.

    A device on which everything failed or was not applicable shows nothing. Of one that a rule
    names all that is ``due`` may be ``waived``.
    """
    let_through = frozenset(waived)
    for rule in rules:
        good = [
            device
            for device in known.devices.values()
            if one_matches(rule.devices, device) and _shows(rule, device, known)
        ]
        which = words_of(rule.attacks)
        for selector in rule.devices:
            own = (s for s in due if s.device == selector.id and any_matches(rule.attacks, s))
            excused = selector.names_one and let_through.issuperset(own)
            if not excused and not any(map(selector.matches, good)):
                present = any(map(selector.matches, known.devices.values()))
                what = f"device {selector}" if selector.names_one else f"any device {selector}"
                end = "." if present else ": there is no such device."
                yield Gap(Kind.DEVICE, f"Nothing of {which} passed on {what}{end}", MEND)
        for wanted in rule.os:
            if not any(_runs(device, wanted) for device in good):
                seen = sorted({system for device in good for system in device.systems})
                others = f"; there is {one_line(listed(seen))}" if seen else ""
                text = f"Nothing of {which} passed on a device with {one_line(wanted)}{others}."
                yield Gap(Kind.OS, text, MEND)


def _shows(rule: RuleSection, device: DeviceTraits, known: Known) -> bool:
    return any(
        each.state is State.PASS
        and scenario.device == device.id
        and any_matches(rule.attacks, scenario)
        for scenario, each in known.said.items()
    )


def _runs(device: DeviceTraits, wanted: str) -> bool:
    systems = device.systems
    return bool(systems) and all(fnmatchcase(system, wanted) for system in systems)
