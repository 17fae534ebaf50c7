"""Mistakes in devices.yaml as one clear line each: where, what, and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Where in the document: the keys and list positions that lead there."""

_LONGEST = 60
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. ``line`` counts from 1; 0 stands for the file as a whole."""

    line: int
    where: str
    text: str


class SettingsError(Exception):
    """devices.yaml cannot be used as it is. ``str()`` gives one line per problem."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(_line(file, problem) for problem in self.problems))


def _line(file: str, problem: Problem) -> str:
    at = f"{file}:{problem.line}" if problem.line else file
    return ": ".join(part for part in (at, problem.where, problem.text) if part)


def spell(path: Path) -> str:
    """Write ``path`` the way a person would: ``devices[1].argv[0]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.match(step) and len(step) <= _LONGEST:
            text += f".{step}" if text else step
        else:
            text += f"[{quote(step)}]"
    return text


def quote(value: object) -> str:
    """Quote what stands in the file, short and on one line whatever it is."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def nearest(word: str, known: Iterable[str], *, form: str = "{}") -> str:
    """Return ``; did you mean …?`` for a near miss, else a list of what is known."""
    names = sorted(known)
    close = difflib.get_close_matches(word[:_LONGEST], names, n=1)
    if close:
        return f"; did you mean '{form.format(close[0])}'?"
    return f"; known are: {', '.join(form.format(name) for name in names)}"
