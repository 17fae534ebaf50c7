"""A measured figure beside its budget, and the table of them."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from lab.processors import processors


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. ``holds`` is None where there is no budget to hold."""

    what: str
    measured: str
    budget: str = ""
    holds: bool | None = None


def spread(values: Sequence[float], unit: str = "ms", scale: float = 1e3) -> str:
    """Return median and range of ``values`` (seconds, unless ``scale`` says otherwise)."""
    told = (min(values), statistics.median(values), max(values))
    low, middle, high = (_short(value * scale) for value in told)
    return f"{middle} {unit} ({low} to {high}, n = {len(values)})".replace("  ", " ")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds ``work`` took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def show(console: Console, title: str, figures: Sequence[Figure]) -> None:
    """Print one group of figures."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in ("what", "measured", "budget", ""):
        table.add_column(column, overflow="fold")
    words = {True: "[green]holds[/]", False: "[red]missed[/]", None: ""}
    for figure in figures:
        table.add_row(figure.what, figure.measured, figure.budget, words[figure.holds])
    console.print(table)


def machine() -> str:
    """Say what the figures were measured on."""
    return f"{processors()} cores, {platform.platform()}, Python {platform.python_version()}"
