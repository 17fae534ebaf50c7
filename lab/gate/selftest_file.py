"""A self-test by which the lab vouches for itself: the part of its file that a gate looks at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from pydantic import TypeAdapter

from lab.evidence.record import RecordInvalid, validated
from lab.evidence.text import listed, one_line

GOOD, NOT_APPLICABLE = "good", "not_applicable"
"""What a mutant or an attack may stand at (``lab.selftest.findings.Standing``), which is not
imported: it would start half of the lab."""

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Standing:
    standing: str
    name: str = ""
    slug: str = ""


@dataclass(frozen=True, slots=True)
class _Survivor:
    attack: str
    effect: str


@dataclass(frozen=True, slots=True)
class _Findings:
    mutants: tuple[_Standing, ...]
    attacks: tuple[_Standing, ...]
    reference: tuple[_Survivor, ...]


@dataclass(frozen=True, slots=True)
class _Selftest:
    format: Literal["trustpin-lab-selftest/1"]
    lab: str
    standing: str
    complete: bool
    findings: _Findings
    only_mutants: tuple[str, ...] = field(default=())
    only_attacks: tuple[str, ...] = field(default=())


def shortcomings(content: bytes, lab: str) -> Iterator[str]:
    """Yield why the ``selftest.json`` with this ``content`` does not show that the lab of version
    ``lab`` would notice; nothing where it does."""
    try:
        told = validated(_files(), json.loads(content))
    except (RecordInvalid, ValueError, RecursionError) as error:
        yield f"it is no selftest.json: {one_line(str(error))}"
        return
    if told.lab != lab:
        yield f"it is of version {told.lab} of the lab, the run of {lab or 'an unknown one'}"
    if not told.complete:
        yield "it was ended early"
    if told.only_mutants or told.only_attacks:
        yield "it was confined to some mutants or attacks"
    alive = [each.name for each in told.findings.mutants if each.standing != GOOD]
    if alive or not told.findings.mutants:
        yield f"not every mutant died: {_some(alive)}" if alive else "it tried no mutant"
    fine = (GOOD, NOT_APPLICABLE)
    blunt = [each.slug for each in told.findings.attacks if each.standing not in fine]
    if blunt:
        yield f"not every attack killed one: {_some(blunt)}"
    fallen = [each.attack for each in told.findings.reference if each.effect != NOT_APPLICABLE]
    if fallen:
        yield f"the reference client did not pass: {_some(fallen)}"
    if told.standing != GOOD and not (alive or blunt or fallen):
        yield f"it says of itself that it is {told.standing}"


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return listed(names[:MOST_NAMED] + ([f"{more} more"] if more > 0 else []))


@cache
def _files() -> TypeAdapter[_Selftest]:
    return TypeAdapter(_Selftest)
