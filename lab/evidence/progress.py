"""The live line of a run."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len, set_cell_size

from lab.evidence.tally import WORDS, WORST_FIRST
from lab.evidence.text import duration, one_line
from lab.model.verdict import Verdict

BAR = 12
"""Characters."""
ROOM_FOR_BAR = 72
"""Columns from which there is room for a bar."""
FORECAST_AFTER = 3.0
"""Seconds after which the remaining time can be told from the time taken."""


def progress_line(
    done: int,
    total: int,
    counts: Mapping[Verdict, int],
    current: str,
    seconds: float,
    width: int,
) -> str:
    """Return one line of at most ``width`` columns, without colour and without a line end.

    ``counts`` are the verdicts so far, ``current`` names the scenario that runs, ``seconds`` is
    the time taken. Worst verdicts first: they are cut off last.
    """
    total = max(total, done)
    parts = [f"{done:>{len(str(total))}}/{total}"]
    if width >= ROOM_FOR_BAR:
        full = BAR * done // total if total else 0
        parts[0] += f" [{'=' * full}{' ' * (BAR - full)}]"
    said = [f"{counts[v]} {WORDS[v]}" for v in WORST_FIRST if counts.get(v)]
    if said:
        parts.append(", ".join(said))
    parts.append(_time(done, total, seconds))
    if current:
        parts.append(one_line(current))
    line = "  ".join(parts)
    if cell_len(line) <= width:
        return line
    return set_cell_size(line, width - 1).rstrip() + "…" if width > 1 else ""


def _time(done: int, total: int, seconds: float) -> str:
    if not 0 < done < total or seconds < FORECAST_AFTER:
        return duration(seconds)
    return f"{duration(seconds)}, {duration(seconds / done * (total - done))} left"
