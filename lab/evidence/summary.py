"""A run in a few sentences, for somebody who has to decide about a release."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.evidence.mapping import by_slug
from lab.evidence.matrix import host_of, split_variant, tls_name
from lab.evidence.record import ScenarioResult
from lab.evidence.run import RunReport
from lab.evidence.tally import Sort, Tally, overall, sort_of, tally, was_read
from lab.evidence.text import counted, duration, listed
from lab.model.attack import Adversary
from lab.model.device import DeviceFacts
from lab.model.verdict import Verdict

MOST_NAMED = 4
"""Names in a sentence; more are counted."""

WHO = {
    Adversary.ROGUE_CA.value: "a rogue CA",
    Adversary.COMPROMISED_CA.value: "a compromised CA",
    Adversary.ROGUE_WIFI.value: "a rogue Wi-Fi",
}


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """What one device came to."""

    id: str
    facts: DeviceFacts | None
    """None where the run did not say who that is."""
    counts: Tally
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Summary:
    """What is said before anything else."""

    answer: str
    """Whether it is safe to release, as far as the run can tell."""
    because: tuple[str, ...]
    tried: tuple[str, ...]
    """What was done, on what, for how long."""
    devices: tuple[DeviceLine, ...]
    hosts: tuple[str, ...]
    """Every host to which a scenario made a request."""


def summarise(report: RunReport) -> Summary:
    """Return the summary of a run."""
    counts = tally(report.results)
    answer, because = _answer(report, counts)
    return Summary(
        answer,
        tuple(because),
        tuple(_tried(report, counts)),
        _devices(report),
        tuple(sorted({r.trial.host for r in report.results if r.trial is not None})),
    )


def _answer(report: RunReport, counts: Tally) -> tuple[str, list[str]]:
    verdict = overall(counts, complete=report.info.complete)
    failed = [r for r in report.results if r.verdict is Verdict.FAIL]
    blind = [r for r in failed if sort_of(r) is Sort.SELF_TEST]
    if blind:
        return "Not known: the lab failed its own test.", [
            f"{counted(len(blind), 'client')} that must be caught {_was(blind)} not: no PASS of "
            "this run can be relied on until that is mended.",
            *_against([r for r in failed if sort_of(r) is not Sort.SELF_TEST]),
        ]
    if verdict is Verdict.FAIL:
        return "No.", [*_against(failed), *_open(report, counts)]
    if not counts.run:
        return "Not known: nothing was tested.", []
    if verdict is Verdict.INCONCLUSIVE:
        return "Not known.", [
            "Nothing failed, but not everything came to a verdict.",
            *_open(report, counts),
        ]
    if not counts.attacks_run:
        return "Not known: no attack was carried out.", []
    said = "Every attack was refused, without a byte of application data lost"
    kept = ", and every genuine connection kept working" if counts.genuine_run else ""
    return "Yes, as far as pinning was tried here.", [f"{said}{kept}."]


def _against(failed: list[ScenarioResult]) -> list[str]:
    """Say what went wrong, the gravest first."""
    read = [r for r in failed if was_read(r)]
    locked = [r for r in failed if sort_of(r) is Sort.GENUINE]
    other = [r for r in failed if not was_read(r) and sort_of(r) is Sort.ATTACK]
    said = []
    if read:
        said.append(
            f"Who holds the network can read and change what the app sends: that happened in "
            f"{counted(len(read), 'attack')} on {_devices_of(read)}, against {_hosts_of(read)}."
        )
    if locked:
        said.append(
            f"{counted(len(locked), 'genuine connection')} did not end as {_it_must(locked)} on "
            f"{_devices_of(locked)}: users may be locked out, or owners misled."
        )
    if other:
        said.append(
            f"{counted(len(other), 'attack')} on {_devices_of(other)} lost no data, but "
            f"{_was(other)} not refused for the right reason or not reported as promised."
        )
    return said


def _open(report: RunReport, counts: Tally) -> list[str]:
    said = []
    undecided = counts.by_verdict[Verdict.INCONCLUSIVE]
    if undecided:
        said.append(
            f"{counted(undecided, 'scenario')} came to no verdict; each says what it lacks."
        )
    if not report.info.complete:
        said.append("The run is incomplete: what is missing was not tested.")
    return said


def _tried(report: RunReport, counts: Tally) -> list[str]:
    ran = [r for r in report.results if r.verdict is not Verdict.NOT_APPLICABLE]
    if not ran:
        return []
    what = [
        counted(number, noun)
        for number, noun in (
            (counts.attacks_run, "attack"),
            (counts.genuine_run, "genuine connection"),
            (counts.self_tests_run, "self-test"),
        )
        if number
    ]
    parts = [
        listed(what),
        f" in {duration(report.info.ended_at - report.info.started_at)}"
        if report.info.ended_at is not None
        else "",
        f", on {_devices_of(ran)}, against {_hosts_of(ran)}",
        _prefixed(", by ", [WHO[r.adversary] for r in ran if r.adversary in WHO]),
        _prefixed(", over ", [tls_name(split_variant(r.variant)[0]) for r in ran]),
    ]
    said = ["".join(parts) + "."]
    left = counts.by_verdict[Verdict.NOT_APPLICABLE]
    if left:
        said.append(f"{counted(left, 'scenario')} could not be tried on these devices.")
    every = by_slug()
    missing = len(every.keys() - {r.slug for r in report.results})
    if missing:
        said.append(f"{missing} of the catalogue's {len(every)} attacks were not selected.")
    if counts.retried:
        said.append(f"{counted(counts.retried, 'scenario')} had to be repeated.")
    return said


def _prefixed(words: str, names: Iterable[str]) -> str:
    distinct = sorted(set(filter(None, names)))
    return words + listed(distinct) if distinct else ""


def _devices(report: RunReport) -> tuple[DeviceLine, ...]:
    known = {device.id: device for device in report.info.devices}
    ids = dict.fromkeys([*known, *(r.device for r in report.results)])
    lines = []
    for name in ids:
        counts = tally(r for r in report.results if r.device == name)
        lines.append(DeviceLine(name, known.get(name), counts, overall(counts)))
    return tuple(lines)


def _devices_of(results: Iterable[ScenarioResult]) -> str:
    return _named([r.device for r in results], "device")


def _hosts_of(results: Iterable[ScenarioResult]) -> str:
    return _named([host_of(r) for r in results], "host")


def _named(names: Iterable[str], noun: str) -> str:
    """Name what there are few of, count what there are many of."""
    distinct = sorted({name for name in names if name})
    return listed(distinct) if len(distinct) <= MOST_NAMED else counted(len(distinct), noun)


def _was(things: list[ScenarioResult]) -> str:
    return "was" if len(things) == 1 else "were"


def _it_must(things: list[ScenarioResult]) -> str:
    return "it must" if len(things) == 1 else "they must"
