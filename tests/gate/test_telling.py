from __future__ import annotations

import re

from lab.gate.decision import Decision, Gap, Kind
from lab.gate.telling import MOST_GAPS, render


def decision(*gaps: Gap, notes: tuple[str, ...] = ()) -> Decision:
    return Decision(not gaps, gaps, notes, required=4, passed=3, waived=(), bundles=("run",))


def gap(text: str = "Something is missing.", kind: Kind = Kind.MISSING) -> Gap:
    return Gap(kind, text, "Run it again.")


def test_an_open_gate() -> None:
    assert render(decision(), 80, color=False) == (
        "The gate is OPEN: 3 of 4 required scenarios passed."
    )


def test_what_is_missing_is_numbered() -> None:
    told = render(decision(gap("First."), gap("Second."), notes=("Known.",)), 80, color=False)
    assert told.splitlines() == [
        "1. First.",
        "   Run it again.",
        "2. Second.",
        "   Run it again.",
        "Note: Known.",
        "The gate is CLOSED for 2 reasons: 3 of 4 required scenarios passed.",
    ]


def test_it_fits_the_terminal_and_has_no_colour_unless_asked() -> None:
    many = decision(*(gap(f"Scenario {n} of many was not run at all.") for n in range(50)))
    plain = render(many, 40, color=False)
    assert max(map(len, plain.splitlines())) <= 40
    assert "\x1b" not in plain
    assert f"… and {50 - MOST_GAPS} more" in plain
    assert "\x1b[1;31m" in render(decision(gap(kind=Kind.FAIL)), 80, color=True)


def test_words_from_outside_do_nothing_to_the_terminal() -> None:
    told = render(decision(gap("\x1b[2J\u202eaway\nnext"), notes=("\x07",)), 80, color=False)
    assert "\\x1b[2J\\u202eaway next" in told
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", told)
