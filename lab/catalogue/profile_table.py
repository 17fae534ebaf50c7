"""What the expectation profiles differ in, as a table for docs/catalogue.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lab.model.profile import PROFILES, Profile

Row = tuple[str, str, Callable[[Profile], str]]
"""What it is about, the contract's sections and open questions, and what a profile says."""

SILENT = "not stated"

ROWS: tuple[Row, ...] = (
    (
        "A good setup",
        "2.2, 3.2",
        lambda p: "has fetched" if p.setup_fetches else "fetches in the background",
    ),
    ("No source, or one that lies", "3.2", lambda p: f"told at the {p.source_failure}"),
    (
        "First request without a configuration",
        "2.2, 3.2",
        lambda p: "-" if p.waits_for is None else f"waits, {p.waits_for:g} s by default",
    ),
    ("Request before setup", "3.2, C8", lambda p: f"`{p.before_setup}`"),
    ("Call during setup", "3.2", lambda p: f"`{p.during_setup}`" if p.during_setup else SILENT),
    ("Second setup", "3.2, C6", lambda p: p.second_setup),
    (
        "Setup soon after a failed one",
        "3.2",
        lambda p: {True: "`SetupInProgress`", False: "allowed", None: SILENT}[p.cools_down],
    ),
    ("Response that is no configuration", "3.1", lambda p: either(p.unparsable)),
    (
        "Older signed configuration",
        "4.2",
        lambda p: "refused, `ConfigIntegrityError`" if p.refuses_older else SILENT,
    ),
    (
        "Bound of stale use",
        "4.1, C3",
        lambda p: SILENT if p.stale_for is None else f"{p.stale_for / 3600:g} h",
    ),
    (
        "Configuration outlives the process",
        "4.1",
        lambda p: {True: "yes", False: "no", None: SILENT}[p.keeps],
    ),
    ("Embedded configuration", "2.8", lambda p: "from 6.3 on" if p.embedded else "no"),
    (
        "Validation listener told of",
        "5",
        lambda p: ", ".join(f"`{kind}`" for kind in sorted(p.announces)) or "no listener",
    ),
    ("Error names that there are", "3.1", lambda p: str(len(p.errors))),
)


def profile_table() -> str:
    """Return the table, Markdown, without an end of line."""
    lines = [_row(("What", "Contract", *(f"SDK {p.name}" for p in PROFILES)))]
    lines.append("|" + "---|" * (len(PROFILES) + 2))
    lines += [_row((what, where, *map(says, PROFILES))) for what, where, says in ROWS]
    return "\n".join(lines)


def either(codes: frozenset[str]) -> str:
    """Return names of which each will do."""
    return " or ".join(f"`{code}`" for code in sorted(codes))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
