"""A gate's decision for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.evidence.console import plain_console
from lab.evidence.text import counted, one_line
from lab.gate.decision import Decision, Kind

NARROWEST = 40
MOST_GAPS = 40
"""Gaps that are told one by one; ``--json`` has them all."""

COLOURS = {Kind.FAIL: "bold red", Kind.INCONCLUSIVE: "yellow"}


def render(decision: Decision, width: int, color: bool) -> str:
    """Return what is missing, notes and the decision, ``width`` columns wide; without ``color``
    there is no escape sequence in it."""
    out = io.StringIO()
    console = plain_console(out, max(NARROWEST, width), color)
    for part in _parts(decision):
        console.print(part)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _parts(decision: Decision) -> Iterator[RenderableType]:
    told = Table.grid(padding=(0, 1))
    for number, gap in enumerate(decision.gaps[:MOST_GAPS], 1):
        said = Text(one_line(gap.text), COLOURS.get(gap.kind, ""))
        told.add_row(f"{number}.", Group(said, Text(one_line(gap.mend), "dim")))
    if decision.gaps:
        yield told
    more = len(decision.gaps) - MOST_GAPS
    if more > 0:
        yield Text(f"… and {more} more: --json has them all.")
    yield from (Text(f"Note: {one_line(note)}", "dim") for note in decision.notes)
    asked = f"{decision.passed} of {counted(decision.required, 'required scenario')} passed"
    if decision.waived:
        asked += f", {len(decision.waived)} waived"
    if decision.open:
        yield Text(f"The gate is OPEN: {asked}.", "bold green")
    else:
        reasons = counted(len(decision.gaps), "reason")
        yield Text(f"The gate is CLOSED for {reasons}: {asked}.", "bold red")
