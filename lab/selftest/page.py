"""The kill matrix as one self-contained HTML page: pure rendering, no file is touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TypeVar

from jinja2 import Environment
from markupsafe import Markup

from lab.evidence.templating import environment, source
from lab.evidence.text import duration, moment
from lab.selftest.findings import (
    WORST_FIRST,
    AttackFinding,
    Effect,
    MutantFinding,
    Standing,
)
from lab.selftest.report import SelftestReport
from lab.selftest.words import EFFECTS, STANDINGS, headline, problems

CELL = 11
"""Width and height of a cell of the matrix, in CSS pixels."""
LEFT, TOP = 292, 168
"""Room for the names of attacks and of mutants."""
GAP = 6
"""Room between two chapters."""

Thing = TypeVar("Thing", MutantFinding, AttackFinding)

CLASSES = {
    Standing.GOOD: "p",
    Standing.BAD: "f",
    Standing.OPEN: "i",
    Standing.NOT_APPLICABLE: "n",
}
SHAPES = {
    Effect.KILLED: "k",
    Effect.OTHER_REASON: "o",
    Effect.SURVIVED: "s",
    Effect.UNDECIDED: "u",
    Effect.NOT_APPLICABLE: "n",
}


@dataclass(frozen=True, slots=True)
class Dot:
    """A mutant under an attack, in the matrix."""

    x: int
    y: int
    shape: str
    due: bool
    """The mutant names the attack."""
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The matrix, laid out."""

    width: int
    height: int
    columns: tuple[tuple[int, MutantFinding], ...]
    rows: tuple[tuple[int, AttackFinding], ...]
    dots: tuple[Dot, ...]


def render(report: SelftestReport) -> str:
    """Return the page."""
    findings = report.findings
    template = _environment().get_template("selftest.html.j2")
    return template.render(
        report=report,
        headline=headline(findings, duration(report.seconds), complete=report.complete),
        problems=problems(findings),
        drawing=draw(report),
        mutants=_by_chapter(findings.mutants),
        attacks=_by_chapter(findings.attacks),
        style=Markup(source(_environment(), "style.css.j2")),  # noqa: S704 - the lab's own file
    )


def draw(report: SelftestReport) -> Drawing:
    """Lay the matrix out: a column a mutant, a row an attack, chapter by chapter."""
    mutants, attacks = report.findings.mutants, report.findings.attacks
    columns = _placed(mutants, LEFT)
    rows = _placed(attacks, TOP)
    x_of = {mutant.name: x for x, mutant in columns}
    y_of = {attack.slug: y for y, attack in rows}
    due = {(m.name, named.attack) for m in mutants for named in m.named}
    best: dict[tuple[str, str], Effect] = {}
    for tried in report.findings.tried:
        pair = tried.client, tried.attack
        if tried.client in x_of and tried.attack in y_of:
            known = best.get(pair, tried.effect)
            best[pair] = max(known, tried.effect, key=WORST_FIRST.index)
    dots = (
        Dot(
            x=x_of[name],
            y=y_of[slug],
            shape=SHAPES[effect],
            due=(name, slug) in due,
            title=f"{name} under {slug}: {EFFECTS[effect]}",
        )
        for (name, slug), effect in best.items()
    )
    width = max((x for x, _ in columns), default=LEFT) + CELL
    height = max((y for y, _ in rows), default=TOP) + CELL
    return Drawing(width + GAP, height + GAP, columns, rows, tuple(dots))


def _placed(things: tuple[Thing, ...], start: int) -> tuple[tuple[int, Thing], ...]:
    """Return each thing with the middle of its column or row."""
    placed: list[tuple[int, Thing]] = []
    at = start
    for before, thing in zip((None, *things), things, strict=False):
        if before is not None:
            at += CELL if before.chapter == thing.chapter else CELL + GAP
        placed.append((at + CELL // 2, thing))
    return tuple(placed)


def _by_chapter(things: Iterable[Thing]) -> list[tuple[str, list[Thing]]]:
    return [(chapter, list(some)) for chapter, some in groupby(things, lambda t: t.chapter)]


@cache
def _environment() -> Environment:
    # The look is that of a run's page.
    made = environment("lab.selftest", "lab.evidence")
    made.filters.update(moment=moment)
    made.globals.update(
        cls=CLASSES, cell=CELL, left=LEFT, top=TOP, effects=EFFECTS, standings=STANDINGS
    )
    return made
