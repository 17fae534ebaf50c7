"""The table at the end of a run, for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from lab.evidence import figures
from lab.evidence.console import plain_console
from lab.evidence.grouping import alike, place
from lab.evidence.matrix import (
    Column,
    Matrix,
    Row,
    adversary_name,
    make_matrix,
    tls_name,
)
from lab.evidence.record import ScenarioResult
from lab.evidence.tally import WORDS, WORST_FIRST, details, headline, tally
from lab.evidence.text import clipped, one_line
from lab.evidence.words import what_to_look_at, why
from lab.model.verdict import Verdict

COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.NOT_APPLICABLE: "dim",
}

NARROWEST = 40
"""Columns below which no table is laid out; a narrower terminal wraps."""
NARROWEST_NAME = 30
"""Columns that an attack's name must have before devices get a table each."""
NARROWEST_CELL = len("TLS 1.3")
GAP = 3
"""Columns between two cells, as the box draws them."""
MOST_FINDINGS = 40
"""Findings that are told one by one; the report has them all."""
LONGEST_REASON = 600
LONGEST_HINT = 300


def render(
    results: Iterable[ScenarioResult],
    width: int,
    color: bool,
    report: str | None = None,
    incomplete: str = "",
) -> str:
    """Return table, findings and counts, ``width`` columns wide; ``report`` is where to read on.

    ``incomplete`` says why the run did not get to everything; empty where it did.
    Without ``color`` there is no escape sequence in it at all. Devices that do not fit beside
    each other get a table each.
    """
    results = tuple(results)
    out = io.StringIO()
    console = plain_console(out, max(NARROWEST, width), color)
    for part in _parts(results, console.width):
        console.print(part)
    if incomplete:
        console.print(Text(f"INCOMPLETE RUN: {one_line(incomplete)}", "bold red"))
    if report is not None:
        console.print(Text(f"Report: {one_line(report)}"), soft_wrap=True)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _parts(results: tuple[ScenarioResult, ...], width: int) -> Iterator[RenderableType]:
    matrix = make_matrix(results)
    cell = max([NARROWEST_CELL, *(len(WORDS[result.verdict]) for result in results)])
    if matrix.groups:
        for shown in _fitting(matrix, width, cell):
            yield _table(matrix, shown, cell, width)
            yield ""
    findings = alike(results)
    for same in findings[:MOST_FINDINGS]:
        yield _finding(same)
    if len(findings) > MOST_FINDINGS:
        yield Text(f"… and {len(findings) - MOST_FINDINGS} more in the report.")
    if findings:
        yield ""
    outside = figures.findings(results)
    yield from (Text(f"Finding: {one_line(text)}", "yellow") for text in outside)
    if outside:
        yield ""
    counts = tally(results)
    yield Text("  ").join(
        Text(f"{counts.by_verdict[verdict]} {WORDS[verdict]}", COLOURS[verdict])
        for verdict in WORST_FIRST
        if counts.by_verdict[verdict]
    )
    yield Text(" ".join([headline(counts), *details(counts)]))


def _fitting(matrix: Matrix, width: int, cell: int) -> Iterator[slice]:
    """Yield the columns of one table each: all of them, or those of one device."""
    if NARROWEST_NAME + (cell + GAP) * len(matrix.columns) <= width:
        yield slice(0, len(matrix.columns))
        return
    start = 0
    for _, count in matrix.devices:
        yield slice(start, start + count)
        start += count


def _table(matrix: Matrix, shown: slice, cell: int, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1))
    columns = matrix.columns[shown]
    room = max(1, width - (cell + GAP) * len(columns))
    table.add_column("Attack", no_wrap=True, overflow="ellipsis", max_width=room)
    one_device = len({column.device for column in columns}) == 1
    if one_device:
        table.title = Text(one_line(columns[0].device))
        table.title_justify = "left"
    for column in columns:
        table.add_column(_head(column, one_device), width=cell, overflow="fold")
    for group in matrix.groups:
        rows = [(row, _cells(row)[shown]) for row in group.rows]
        rows = [(row, cells) for row, cells in rows if any(text.plain for text in cells)]
        if rows:
            table.add_row(Text(one_line(adversary_name(group.adversary)), "bold"))
        for row, cells in rows:
            table.add_row(_name(row), *cells)
    return table


def _head(column: Column, one_device: bool) -> Text:
    version = tls_name(column.version)
    parts = [version] if one_device and version else [one_line(column.device), version]
    return Text("\n".join(part for part in parts if part))


def _name(row: Row) -> Text:
    variant = f" ({row.variant})" if row.variant else ""
    return Text("  " + one_line(f"{row.case:<4}{row.title}{variant}"))


def _cells(row: Row) -> list[Text]:
    cells: list[Text] = []
    for cell in row.cells:
        verdict = cell.verdict
        text = Text("") if verdict is None else Text(WORDS[verdict], COLOURS[verdict])
        cells += [text] * cell.span
    return cells


def _finding(same: list[ScenarioResult]) -> RenderableType:
    first = same[0]
    head = Text.assemble(
        (WORDS[first.verdict], COLOURS[first.verdict]),
        "  ",
        (one_line(f"{first.case} {first.title}"), "bold"),
    )
    places = dict.fromkeys(place(result) for result in same)
    lines = (
        (clipped(one_line("; ".join(places)), LONGEST_REASON), "dim"),
        (clipped(one_line(why(first)), LONGEST_REASON), ""),
        (clipped(one_line(what_to_look_at(first)), LONGEST_HINT), "dim"),
    )
    return Group(head, *(Padding(Text(text, style), (0, 0, 0, 6)) for text, style in lines))
