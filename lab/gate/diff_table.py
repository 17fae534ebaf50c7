"""The difference of two runs for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lab.evidence.console import plain_console
from lab.evidence.table import COLOURS, LONGEST_REASON, NARROWEST
from lab.evidence.tally import WORDS
from lab.evidence.text import clipped, counted, one_line
from lab.gate.diff import REGRESSIONS, Change, Changed, Difference, Told
from lab.gate.words import variant
from lab.model.verdict import Verdict

NOT_THERE = "-"
TITLES = {
    Change.FAILS: "Regressions: passed before, fails now",
    Change.UNPROVEN: "Regressions: passed before, inconclusive now",
    Change.NOT_EXERCISED: "Regressions: passed before, not applicable now",
    Change.DISAPPEARED: "Regressions: was run before, not now",
    Change.OTHER: "Other changes",
    Change.FIXED: "Fixed",
    Change.NEW: "New",
}
MOST_ROWS = 100
"""Rows of one title; ``--json`` has them all."""


def render(told: Difference, width: int, color: bool) -> str:
    """Return a table a kind of change, ``width`` columns wide; without ``color`` there is no
    escape sequence in it."""
    out = io.StringIO()
    console = plain_console(out, max(NARROWEST, width), color)
    for part in _parts(told):
        console.print(part)
    console.print(_summary(told), soft_wrap=True)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def _parts(told: Difference) -> Iterator[RenderableType]:
    for note in told.notes:
        yield Text(f"Note: {one_line(note)}", "yellow")
    for change, title in TITLES.items():
        rows = [each for each in told.changed if each.change is change]
        if rows:
            yield _table(f"{title} ({len(rows)})", rows[:MOST_ROWS], change)
        if len(rows) > MOST_ROWS:
            yield Text(f"… and {len(rows) - MOST_ROWS} more: --json has them all.")
    unchanged = ", ".join(f"{n} {WORDS[Verdict(verdict)]}" for verdict, n in told.same.items())
    if unchanged:
        yield Text(f"As before: {unchanged}.")


def _summary(told: Difference) -> Text:
    number = len(told.regressions)
    style = "bold red" if number else "bold green"
    said = counted(number, "regression") if number else "No regression"
    return Text(one_line(f"{said} from {told.old} to {told.new}."), style)


def _table(title: str, rows: list[Changed], change: Change) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1),
        title=Text(title, "bold red" if change in REGRESSIONS else "bold"),
        title_justify="left",
    )
    for name in ("Attack", "Device", "Before", "Now", "Why"):
        table.add_column(name, overflow="fold", ratio=4 if name == "Why" else None)
    for each in rows:
        table.add_row(
            Text(one_line(f"{each.scenario.case} {title_of(each)}")),
            Text(one_line(f"{each.scenario.device}, {variant(each.scenario)}")),
            _verdict(each.old),
            _verdict(each.new),
            _why(each),
        )
    return table


def title_of(each: Changed) -> str:
    """Return the attack's title in the newest run that has it."""
    told = each.new or each.old
    return each.scenario.slug if told is None else told.title


def _verdict(told: Told | None) -> Text:
    return Text(NOT_THERE) if told is None else Text(WORDS[told.verdict], COLOURS[told.verdict])


def reasons(each: Changed) -> tuple[tuple[str, str], ...]:
    """Return what the runs say where all is not well: when, and why."""
    said = (("before", each.old), ("now", each.new))
    return tuple(
        (when, clipped(one_line(told.why), LONGEST_REASON))
        for when, told in said
        if told is not None and told.verdict is not Verdict.PASS
    )


def _why(each: Changed) -> RenderableType:
    lines = [Text(f"{when}: {text}") for when, text in reasons(each)]
    if each.hint:
        lines.append(Text(one_line(each.hint), "dim"))
    return Group(*lines)
