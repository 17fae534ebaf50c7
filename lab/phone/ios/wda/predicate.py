"""Predicate strings: the part of NSPredicate's language that tests of screens are written in.

Apple, "Predicate Format String Syntax". Not in it: aggregates (``ANY``, ``ALL``), variables,
functions and arithmetic; whoever uses them is told so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Operator(StrEnum):
    """What two operands are compared by."""

    EQUAL = "=="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    CONTAINS = "CONTAINS"
    BEGINS = "BEGINSWITH"
    ENDS = "ENDSWITH"
    LIKE = "LIKE"
    MATCHES = "MATCHES"
    IN = "IN"
    BETWEEN = "BETWEEN"


@dataclass(frozen=True, slots=True)
class Key:
    """An attribute of the element, such as ``label`` or ``rect.x``."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class Literal:
    """A value. ``None`` is ``nil``."""

    value: str | bool | int | float | None

    def __str__(self) -> str:
        if self.value is None:
            return "nil"
        if isinstance(self.value, bool):
            return "TRUE" if self.value else "FALSE"
        if isinstance(self.value, str):
            return quoted(self.value)
        return repr(self.value)


@dataclass(frozen=True, slots=True)
class Items:
    """A list of values."""

    items: tuple[Literal, ...]

    def __str__(self) -> str:
        return "{" + ", ".join(map(str, self.items)) + "}"


Operand = Key | Literal | Items


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands, and how they are compared."""

    left: Operand
    operator: Operator
    right: Operand
    any_case: bool = False
    """``[c]``"""
    any_mark: bool = False
    """``[d]``: whatever the diacritical marks."""

    def __str__(self) -> str:
        marks = ("c" if self.any_case else "") + ("d" if self.any_mark else "")
        modifier = f"[{marks}]" if marks else ""
        return f"{self.left} {self.operator}{modifier} {self.right}"


@dataclass(frozen=True, slots=True)
class Constant:
    """``TRUEPREDICATE`` or ``FALSEPREDICATE``."""

    value: bool

    def __str__(self) -> str:
        return "TRUEPREDICATE" if self.value else "FALSEPREDICATE"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a predicate."""

    of: Predicate

    def __str__(self) -> str:
        return f"NOT {_inside(self.of)}"


@dataclass(frozen=True, slots=True)
class And:
    """All of some predicates, at least two."""

    parts: tuple[Predicate, ...]

    def __str__(self) -> str:
        return " AND ".join(map(_inside, self.parts))


@dataclass(frozen=True, slots=True)
class Or:
    """Any of some predicates, at least two."""

    parts: tuple[Predicate, ...]

    def __str__(self) -> str:
        return " OR ".join(map(_inside, self.parts))


Predicate = Comparison | Constant | Not | And | Or


def quoted(text: str) -> str:
    """Return ``text`` as a predicate string has it."""
    for sign, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(sign, escape)
    return f'"{text}"'


def _inside(predicate: Predicate) -> str:
    return f"({predicate})" if isinstance(predicate, And | Or | Not) else str(predicate)
