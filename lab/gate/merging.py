"""Several runs as one report, a pure function. It is derived: the bundles stay the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lab.evidence.run import RunInfo, RunReport
from lab.evidence.tally import tally
from lab.evidence.text import counted, listed, one_line
from lab.gate.selectors import Scenario, scenario_of
from lab.gate.words import place
from lab.model.device import DeviceFacts

DERIVED = "This report is derived and proves nothing by itself: the evidence is"
CHECK = "check it with 'trustpin-lab verify'."
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Part:
    """One bundle, as far as a report is made of it."""

    name: str
    """As the user names it: the path of its folder."""
    report: RunReport
    verified: bool
    complete: bool
    """Its run got to the end, and it is whole."""
    key_id: str
    """Id of the key that signed it."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A report made of bundles."""

    report: RunReport
    conflicts: tuple[str, ...]
    """What does not agree among them, a sentence each; they are in the report's notes, too."""


def merge(parts: Sequence[Part], command: Sequence[str] = ()) -> Merged:
    """Return the report on all ``parts``, of which there must be one at least; ``command`` is the
    command line that asks for it. What a scenario came to in several of them is all in it."""
    infos = [part.report.info for part in parts]
    results = tuple(result for part in parts for result in part.report.results)
    conflicts = tuple(_conflicts(parts))
    counts = {verdict.value: n for verdict, n in tally(results).by_verdict.items()}
    because = [text for part in parts if (text := _incomplete(part, alone=len(parts) == 1))]
    ends = [info.ended_at for info in infos]
    info = replace(
        infos[0],
        run_id=" + ".join(dict.fromkeys(info.run_id for info in infos)),
        started_at=min(info.started_at for info in infos),
        ended_at=None if None in ends else max(end for end in ends if end is not None),
        lab=_each(infos, "lab"),
        python=_each(infos, "python"),
        mitmproxy=_each(infos, "mitmproxy"),
        openssl=_each(infos, "openssl"),
        platform=_each(infos, "platform"),
        devices=tuple(_facts(infos)),
        command=infos[0].command if len(parts) == 1 else tuple(command),
        complete=not because,
        incomplete_because=" ".join(because),
        counts=counts,
        selected=sum(info.selected for info in infos),
        notes=(*_origins(parts), *conflicts),
    )
    return Merged(RunReport(info, results), conflicts)


def _each(infos: Sequence[RunInfo], name: str) -> str:
    return ", ".join(dict.fromkeys(str(getattr(info, name)) for info in infos))


def _facts(infos: Sequence[RunInfo]) -> Iterator[DeviceFacts]:
    """Yield what devices say of themselves; what differs from part to part is all told."""
    seen: list[DeviceFacts] = []
    for info in infos:
        for facts in info.devices:
            if facts not in seen:
                seen.append(facts)
                yield facts


def _incomplete(part: Part, *, alone: bool) -> str:
    if part.complete and part.report.info.complete:
        return ""
    because = part.report.info.incomplete_because or "The run did not get to its end."
    return because if alone else f"{part.name}: {because}"


def _origins(parts: Sequence[Part]) -> Iterator[str]:
    them = "it" if len(parts) == 1 else "each"
    names = listed([one_line(part.name) for part in parts])
    what = "the bundle" if len(parts) == 1 else f"{len(parts)} bundles:"
    yield f"{DERIVED} {what} {names}; {CHECK.replace('it', them, 1)}"
    for part in parts:
        run = f"{one_line(part.name)} is of run {one_line(part.report.info.run_id)}"
        if part.verified:
            yield f"{run} and was signed with key {part.key_id}."
        else:
            yield f"{run} and DOES NOT VERIFY: nothing that it says is to be believed."


def _conflicts(parts: Sequence[Part]) -> Iterator[str]:
    labs: dict[str, list[str]] = {}
    for part in parts:
        labs.setdefault(part.report.info.lab, []).append(one_line(part.name))
    if len(labs) > 1:
        told = "; ".join(f"{lab}: {listed(names)}" for lab, names in labs.items())
        yield f"The bundles are of different versions of the lab ({one_line(told)})."
    yield from _other_devices(parts)
    yield from _told_twice(parts)


def _other_devices(parts: Sequence[Part]) -> Iterator[str]:
    found: dict[str, set[tuple[str, ...]]] = {}
    for part in parts:
        for facts in part.report.info.devices:
            traits = (facts.model, facts.os, facts.app, facts.app_version, facts.sdk)
            found.setdefault(facts.id, set()).add(traits)
    for device, several in found.items():
        if len(several) > 1:
            told = "; ".join(", ".join(filter(None, traits)) for traits in sorted(several))
            yield one_line(f"The bundles tell of several devices called {device}: {told}.")


def _told_twice(parts: Sequence[Part]) -> Iterator[str]:
    owners: dict[Scenario, list[str]] = {}
    for part in parts:
        for scenario in dict.fromkeys(map(scenario_of, part.report.results)):
            owners.setdefault(scenario, []).append(one_line(part.name))
    twice = {scenario: names for scenario, names in owners.items() if len(names) > 1}
    verdicts = {
        scenario: Counter(
            result.verdict.value
            for part in parts
            for result in part.report.results
            if scenario_of(result) == scenario
        )
        for scenario in list(twice)[:MOST_NAMED]
    }
    for scenario, seen in verdicts.items():
        names = listed(twice[scenario])
        told = listed(list(seen)) if len(seen) > 1 else f"{next(iter(seen))} in each"
        yield f"{place(scenario)} is in {names}: {told}; all are in this report."
    more = len(twice) - MOST_NAMED
    if more > 0:
        yield f"{counted(more, 'more scenario')} in several bundles."
