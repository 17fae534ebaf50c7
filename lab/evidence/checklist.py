"""The MAS checklist, filled in as far as a run can: which tests were carried out, with what
outcome, on which evidence. Rows only; ``workbook`` makes a spreadsheet of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.catalogue.registry import entries
from lab.evidence.assessed import Assessed
from lab.evidence.evaluating import leaked
from lab.evidence.evidence_record import platforms_of
from lab.evidence.mapping import MasMapping, MastgTest, Relation, mapping_of
from lab.evidence.plain import plain_line
from lab.evidence.taxonomies import controls
from lab.evidence.text import counted
from lab.evidence.words import why
from lab.model.attack import Subject
from lab.model.device import DeviceFacts
from lab.model.verdict import Verdict

MOST_RECORDS = 5
"""Evidence records that a comment names; the sheet of scenarios has them all."""


class Status(StrEnum):
    """The words of OWASP's checklist, and one for what was not tried."""

    PASS = "Pass"  # noqa: S105 - a status, not a password
    FAIL = "Fail"
    NOT_APPLICABLE = "N/A"
    NOT_TESTED = "Not tested"


CARRIED_OUT = frozenset({Relation.SATISFIES, Relation.PROCEDURE, Relation.LAB_OWN})
"""Relations under which a scenario's verdict is a test's outcome. Who only corroborates a static
test has not carried it out."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist: a test (None: the lab's own cases) for a control on a device."""

    control: str
    test: MastgTest | None
    relation: Relation
    profiles: frozenset[str]
    device: str
    status: Status
    comment: str


@dataclass(frozen=True, slots=True)
class _Line:
    """What the mapping asks for, whatever a run did about it."""

    control: str
    test: MastgTest | None
    relation: Relation

    def is_in(self, mapping: MasMapping | None) -> bool:
        if mapping is None or self.control not in mapping.masvs:
            return False
        if self.test is None:
            return mapping.relation is Relation.LAB_OWN
        return self.test in mapping.mastg

    def fits(self, facts: DeviceFacts | None) -> bool:
        return self.test is None or facts is None or self.test.platform in platforms_of(facts)


def checklist(told: Sequence[Assessed], known: Iterable[DeviceFacts]) -> tuple[Item, ...]:
    """Return the lines of the checklist for each device: every control and every test of its
    platform that the catalogue speaks to, tried or not."""
    cases = [mapping_of(entry) for entry in entries() if entry.subject is Subject.APP]
    profiles = _profiles(cases)
    numbers = {line: sum(line.is_in(mapping) for mapping in cases) for line in profiles}
    facts = {device.id: device for device in known}
    by_device: dict[str, list[Assessed]] = {device: [] for device in facts}
    for one in told:
        if one.result.subject is Subject.APP:
            by_device.setdefault(one.result.device, []).append(one)
    items = []
    for device, mine in by_device.items():
        for line in (line for line in profiles if line.fits(facts.get(device))):
            related = [one for one in mine if line.is_in(one.mapping)]
            status, comment = _outcome(line, related, numbers[line])
            items.append(
                Item(
                    line.control, line.test, line.relation, profiles[line], device, status, comment
                )
            )
    return tuple(items)


def _profiles(cases: Iterable[MasMapping]) -> Mapping[_Line, frozenset[str]]:
    """Return every line, by control and test, with the MAS profiles that it belongs to."""
    found: dict[_Line, set[str]] = {}
    for mapping in cases:
        for control in mapping.masvs:
            lines = [_Line(control, test, test.relation) for test in mapping.mastg]
            for line in lines or [_Line(control, None, Relation.LAB_OWN)]:
                found.setdefault(line, set()).update(mapping.profiles)
    order = list(controls())
    rank = list(Relation)
    ordered = sorted(
        found,
        key=lambda line: (
            order.index(line.control),
            rank.index(line.relation),
            line.test.id if line.test else "",
        ),
    )
    return {line: frozenset(found[line]) for line in ordered}


def _outcome(line: _Line, related: list[Assessed], cases: int) -> tuple[Status, str]:
    counts = Counter(one.result.verdict for one in related)
    tried = {one.result.slug for one in related if one.result.verdict is not Verdict.NOT_APPLICABLE}
    said = [f"{len(tried)} of {counted(cases, 'case')} of the catalogue exercised"]
    said += [f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict]]
    text = "; ".join([said[0], ", ".join(said[1:])]) if said[1:] else said[0]
    sentences = [f"{text}."]
    if line.relation not in CARRIED_OUT:
        sentences.insert(0, "A static test: not carried out, seen from outside only.")
    failed = [one for one in related if one.result.verdict is Verdict.FAIL]
    # A published test fails for what it says itself, and only for that.
    broken = [one for one in failed if line.test is None or leaked(one.result)]
    if failed and not broken and line.relation in CARRIED_OUT:
        sentences.insert(
            0, "To be reviewed: its own rule was not seen to fail, the lab's stricter ones were."
        )
    decisive = (
        broken or failed or [one for one in related if one.result.verdict is Verdict.INCONCLUSIVE]
    )
    if decisive:
        sentences.append(why(decisive[0].result))
    files = [one.evidence for one in decisive or related if one.evidence is not None]
    if files:
        shown = ", ".join(files[:MOST_RECORDS])
        more = f" and {len(files) - MOST_RECORDS} more" if len(files) > MOST_RECORDS else ""
        sentences.append(f"Evidence: {shown}{more}.")
    return _status(line, counts, broken=bool(broken)), plain_line(" ".join(sentences))


def _status(line: _Line, counts: Counter[Verdict], *, broken: bool) -> Status:
    """Return a status that claims no more than was seen: nothing that is open passes."""
    if line.relation not in CARRIED_OUT:
        return Status.NOT_TESTED
    if broken:
        return Status.FAIL
    if counts[Verdict.FAIL] or counts[Verdict.INCONCLUSIVE]:
        return Status.NOT_TESTED
    if counts[Verdict.PASS]:
        return Status.PASS
    return Status.NOT_APPLICABLE if counts[Verdict.NOT_APPLICABLE] else Status.NOT_TESTED
