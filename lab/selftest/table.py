"""The kill matrix for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lab.evidence.console import plain_console
from lab.evidence.text import clipped, duration, one_line
from lab.selftest.findings import AttackFinding, MutantFinding, Standing
from lab.selftest.report import SelftestReport
from lab.selftest.words import STANDINGS, headline, of_mutant, problems

COLOURS = {
    Standing.GOOD: "green",
    Standing.BAD: "bold red",
    Standing.OPEN: "yellow",
    Standing.NOT_APPLICABLE: "dim",
}

NARROWEST = 60
"""Columns below which no table is laid out; a narrower terminal wraps."""
LONGEST_REASON = 600


def render(report: SelftestReport, width: int, color: bool, page: str | None = None) -> str:
    """Return every mutant with what killed it, every attack with what it killed, and what is
    wrong, ``width`` columns wide; ``page`` is where to read on. Without ``color`` there is no
    escape sequence."""
    out = io.StringIO()
    console = plain_console(out, max(NARROWEST, width), color)
    for part in _parts(report):
        console.print(part)
    if page is not None:
        console.print(Text(f"Report: {one_line(page)}"), soft_wrap=True)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _parts(report: SelftestReport) -> Iterator[RenderableType]:
    findings = report.findings
    if findings.mutants:
        yield _mutants(findings.mutants)
        yield ""
    if findings.attacks:
        yield _attacks(findings.attacks)
        yield ""
    for standing, what, why in problems(findings):
        head = Text.assemble(
            (STANDINGS[standing], COLOURS[standing]), "  ", (one_line(what), "bold")
        )
        yield Group(head, Padding(Text(clipped(one_line(why), LONGEST_REASON)), (0, 0, 0, 6)))
    yield Text(headline(findings, duration(report.seconds), complete=report.complete), "bold")


def _mutants(mutants: tuple[MutantFinding, ...]) -> Table:
    table = _table()
    table.add_column("Mutant", no_wrap=True)
    table.add_column("is wrong in", ratio=3)
    table.add_column("was killed by", ratio=4)
    for mutant in mutants:
        table.add_row(
            Text(mutant.name, COLOURS[mutant.standing]),
            Text(one_line(mutant.flaw)),
            Text(of_mutant(mutant)),
        )
    return table


def _attacks(attacks: tuple[AttackFinding, ...]) -> Table:
    table = _table()
    table.add_column("Attack", no_wrap=True)
    table.add_column("what it is", ratio=3)
    table.add_column("killed", ratio=4)
    for attack in attacks:
        shown = ", ".join(attack.kills) or STANDINGS[attack.standing]
        table.add_row(
            Text(f"{attack.id:<4}{attack.slug}", COLOURS[attack.standing]),
            Text(one_line(attack.title)),
            Text(shown),
        )
    return table


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
