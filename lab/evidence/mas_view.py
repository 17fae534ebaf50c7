"""A run by the published tests: for each MASTG test what was observed and how that evaluates.

Observation and evaluation are the two halves of a MASTG test. All ids come from ``mas.toml``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lab.evidence.assessed import Assessed
from lab.evidence.evaluating import leaked
from lab.evidence.mapping import MasMapping, MastgTest, Relation
from lab.evidence.matrix import host_of
from lab.evidence.record import ScenarioResult
from lab.evidence.run import RunInfo
from lab.evidence.text import counted, listed, short_digest
from lab.model.attack import Subject
from lab.model.device import DeviceFacts
from lab.model.verdict import Verdict

FAILS_IF = "The test case fails if "
"""How OWASP has every evaluation begin."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One test on one device."""

    device: str
    observation: str
    evaluation: str
    verdict: Verdict
    decisive: tuple[ScenarioResult, ...]
    """What speaks against it or leaves it open."""
    statement: str = ""
    """What the evidence may be said to show, in words that OWASP allows; empty where there is
    nothing that it supports."""


@dataclass(frozen=True, slots=True)
class MastgView:
    """One published test."""

    test: MastgTest
    rule: str
    masvs: tuple[str, ...]
    mastg_version: str
    weaknesses: tuple[str, ...]
    """As ``MASWE-0028 insecure-pinning (beta MASWE-0047)``."""
    cases: tuple[str, ...]
    """Catalogue ids of what was tried for it."""
    observed: tuple[Observed, ...]


@dataclass(frozen=True, slots=True)
class OwnView:
    """Scenarios that no published test asks for."""

    group: str
    masvs: tuple[str, ...]
    note: str
    cases: tuple[str, ...]
    counts: str


def mastg_views(info: RunInfo, told: Iterable[Assessed]) -> tuple[MastgView, ...]:
    """Return the tests that the results speak to, those whose own rule was carried out first."""
    found: dict[tuple[str, Relation], list[tuple[ScenarioResult, MasMapping, MastgTest]]] = {}
    for result, mapping in _mapped(told):
        for test in mapping.mastg:
            found.setdefault((test.id, test.relation), []).append((result, mapping, test))
    known = {device.id: device for device in info.devices}
    order = list(Relation)
    return tuple(
        _view(found[key], known)
        for key in sorted(found, key=lambda key: (order.index(key[1]), key[0]))
    )


def own_views(told: Iterable[Assessed]) -> tuple[OwnView, ...]:
    """Return what no published test asks for, by the groups of ``mas.toml``."""
    groups: dict[str, list[tuple[ScenarioResult, MasMapping]]] = {}
    for result, mapping in _mapped(told):
        if mapping.relation is Relation.LAB_OWN:
            groups.setdefault(mapping.group, []).append((result, mapping))
    return tuple(
        OwnView(
            group=name,
            masvs=some[0][1].masvs,
            note=some[0][1].note,
            cases=_cases(result for result, _ in some),
            counts=_counts([result for result, _ in some]),
        )
        for name, some in groups.items()
    )


def _mapped(told: Iterable[Assessed]) -> Iterator[tuple[ScenarioResult, MasMapping]]:
    for one in told:
        if one.mapping is not None and one.result.subject is Subject.APP:
            yield one.result, one.mapping


def _view(
    told: list[tuple[ScenarioResult, MasMapping, MastgTest]], known: dict[str, DeviceFacts]
) -> MastgView:
    mappings = [mapping for _, mapping, _ in told]
    test, mapping = told[0][2], mappings[0]
    by_device: dict[str, list[ScenarioResult]] = {}
    for result, _, _ in told:
        by_device.setdefault(result.device, []).append(result)
    weak = [m.maswe for m in mappings if m.maswe is not None]
    return MastgView(
        test=test,
        rule=test.rule.replace("It fails if ", FAILS_IF),
        masvs=tuple(dict.fromkeys(control for m in mappings for control in m.masvs)),
        mastg_version=mapping.mastg_version,
        weaknesses=tuple(dict.fromkeys(f"{w.id} {w.alias} (beta {w.beta_id})" for w in weak)),
        cases=_cases(result for result, _, _ in told),
        observed=tuple(
            _observed(test, mapping, device, known.get(device), some)
            for device, some in sorted(by_device.items())
        ),
    )


def _observed(
    test: MastgTest,
    mapping: MasMapping,
    device: str,
    facts: DeviceFacts | None,
    results: list[ScenarioResult],
) -> Observed:
    ran = [r for r in results if r.verdict is not Verdict.NOT_APPLICABLE]
    if not ran:
        text = "Not carried out: no scenario for it could be tried on this device."
        return Observed(device, _counts(results), text, Verdict.NOT_APPLICABLE, ())
    leaks = [r for r in ran if leaked(r)]
    failed = [r for r in ran if r.verdict is Verdict.FAIL]
    undecided = [r for r in ran if r.verdict is Verdict.INCONCLUSIVE]
    hosts = sorted({host for host in map(host_of, ran) if host})
    seen = f"application data was read in {len(leaks)}" if leaks else "no application data was read"
    observation = f"{_counts(results)}; {seen}. Domains: {listed(hosts) or 'none'}."
    evaluation, verdict = _evaluated(test.relation, leaks, failed, undecided)
    statement = ""
    if verdict is Verdict.PASS and test.relation in (Relation.SATISFIES, Relation.PROCEDURE):
        statement = _statement(test, mapping, facts, device, hosts)
    return Observed(
        device, observation, evaluation, verdict, tuple(leaks or failed or undecided), statement
    )


def _evaluated(
    relation: Relation,
    leaks: list[ScenarioResult],
    failed: list[ScenarioResult],
    undecided: list[ScenarioResult],
) -> tuple[str, Verdict]:
    if relation is Relation.CORROBORATES:
        if leaks:
            text = "Not carried out; what was seen points to a failing test case."
            return text, Verdict.INCONCLUSIVE
        text = "Not carried out; nothing was seen that points to a failing test case."
        return text, Verdict.NOT_APPLICABLE
    if leaks:
        return "The test case fails.", Verdict.FAIL
    if failed:
        text = "Its own rule was not seen to fail; the lab's stricter rules were: to be reviewed."
        return text, Verdict.INCONCLUSIVE
    if undecided:
        text = f"Not concluded: {counted(len(undecided), 'scenario')} came to no verdict."
        return text, Verdict.INCONCLUSIVE
    return "No failing condition was observed.", Verdict.PASS


def _statement(
    test: MastgTest, mapping: MasMapping, facts: DeviceFacts | None, device: str, hosts: list[str]
) -> str:
    build = f"{facts.app} {facts.app_version}".strip() if facts is not None else device
    digest = facts.details.get("app_sha256", "") if facts is not None else ""
    profile = f", MAS-{'/'.join(mapping.profiles)}" if mapping.profiles else ""
    return (
        f"Evidence generated by executing the procedure of {test.id} (commit "
        f"{mapping.mastg_version}) against build {build}"
        f"{f' (SHA-256 {short_digest(digest)})' if digest else ''} supports "
        f"{listed(list(mapping.masvs))} (v{mapping.masvs_version}{profile}) for {listed(hosts)}."
    )


def _cases(results: Iterable[ScenarioResult]) -> tuple[str, ...]:
    return tuple(sorted({r.case for r in results}, key=lambda case: (case[:1], len(case), case)))


def _counts(results: list[ScenarioResult]) -> str:
    each = [
        f"{number} {word}"
        for verdict, word in (
            (Verdict.PASS, "PASS"),
            (Verdict.FAIL, "FAIL"),
            (Verdict.INCONCLUSIVE, "INCONCLUSIVE"),
            (Verdict.NOT_APPLICABLE, "not applicable"),
        )
        if (number := sum(r.verdict is verdict for r in results))
    ]
    return f"{counted(len(results), 'scenario')}: {', '.join(each)}"
