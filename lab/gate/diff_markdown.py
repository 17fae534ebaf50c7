"""The difference of two runs for a pull request: GitHub-flavoured Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from lab.evidence.gfm import escaped
from lab.evidence.markdown import LONGEST_COMMENT, units
from lab.evidence.tally import WORDS
from lab.evidence.text import clipped, counted
from lab.gate.diff import Changed, Difference, Told
from lab.gate.diff_table import NOT_THERE, TITLES, reasons, title_of
from lab.gate.words import variant
from lab.model.verdict import Verdict

ROOM = LONGEST_COMMENT - 20_000
"""UTF-16 units for the rows of all tables; the rest is for notes, headings and counts."""
MOST_ROWS = 50
MOST_NOTES = 10
LONGEST_NAME, LONGEST_REASON, LONGEST_NOTE = 100, 200, 300
"""Characters: the table is an overview."""

HEAD = "| Attack | Device | Before | Now | Why |\n|---|---|---|---|---|"


def markdown(told: Difference) -> str:
    """Return the difference as Markdown, short enough for a comment; what does not fit is
    counted."""
    return "\n\n".join(_parts(told)) + "\n"


def _parts(told: Difference) -> Iterator[str]:
    number = len(told.regressions)
    yield f"## {counted(number, 'regression') if number else 'No regression'}"
    yield f"From {escaped(told.old, LONGEST_NAME)} to {escaped(told.new, LONGEST_NAME)}."
    yield from (f"> Note: {escaped(note, LONGEST_NOTE)}" for note in told.notes[:MOST_NOTES])
    if len(told.notes) > MOST_NOTES:
        yield f"> … and {len(told.notes) - MOST_NOTES} notes more."
    room = ROOM
    for change, title in TITLES.items():
        rows = [each for each in told.changed if each.change is change]
        if not rows:
            continue
        yield f"### {title} ({len(rows)})"
        lines = []
        for each in rows[:MOST_ROWS]:
            line = _row(each)
            room -= units(line) + 1
            if room < 0:
                break
            lines.append(line)
        if lines:
            yield "\n".join((HEAD, *lines))
        if len(lines) < len(rows):
            yield f"… and {len(rows) - len(lines)} more."
    unchanged = ", ".join(f"{n} {WORDS[Verdict(verdict)]}" for verdict, n in told.same.items())
    if unchanged:
        yield f"As before: {unchanged}."


def _row(each: Changed) -> str:
    why = "; ".join(f"{when}: {clipped(text, LONGEST_REASON)}" for when, text in reasons(each))
    cells = (
        escaped(f"{each.scenario.case} {title_of(each)}", LONGEST_NAME),
        escaped(f"{each.scenario.device}, {variant(each.scenario)}", LONGEST_NAME),
        _verdict(each.old),
        _verdict(each.new),
        escaped(why),
    )
    return f"| {' | '.join(cells)} |"


def _verdict(told: Told | None) -> str:
    return NOT_THERE if told is None else WORDS[told.verdict]
