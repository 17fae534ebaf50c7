from __future__ import annotations

from lab.model.device import LoggedLine
from lab.trial.measuring import _between


def lines(*told: tuple[float, str]) -> list[LoggedLine]:
    return [LoggedLine(at, "TrustPin", message) for at, message in told]


def test_each_beginning_has_the_end_that_follows_it() -> None:
    log = lines((1.0, "begin a"), (1.1, "else"), (1.25, "end a"), (2.0, "begin b"), (2.5, "end b"))
    assert _between(log, "begin", "end") == [0.25, 0.5]


def test_what_has_no_end_is_not_measured() -> None:
    log = lines((1.0, "begin a"), (2.0, "begin b"), (2.5, "end b"), (3.0, "end"), (4.0, "begin c"))
    assert _between(log, "begin", "end") == [0.5]
    assert _between([], "begin", "end") == []
