"""Which elements a predicate or a class chain means.

Patterns run on RE2, whose time grows with the text and not with what a pattern makes of it; of
ICU's syntax it lacks look-around and back-references, and whoever uses these is told so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

import re2

from lab.phone.ios.wda.class_chain import ANY, Chain, Link
from lab.phone.ios.wda.predicate import (
    And,
    Comparison,
    Constant,
    Items,
    Key,
    Literal,
    Not,
    Operand,
    Operator,
    Or,
    Predicate,
)
from lab.phone.ios.wda.shots import Shot, Value

MAX_PATTERN = 500
"""Characters of a pattern."""
MAX_MEMORY = 1 << 20
"""Bytes that RE2 may use for one pattern."""
MAX_STEPS = 100_000
"""Comparisons of one search; more is a search that nobody means."""


class BadPattern(Exception):
    """The pattern of a ``MATCHES`` is not understood; the message says why."""


class TooMuch(Exception):
    """The search takes more than ``MAX_STEPS`` comparisons."""


class Matcher:
    """Decides about elements, for one search. Every method raises BadPattern, TooMuch and
    UnknownAttribute."""

    def __init__(self) -> None:
        self._steps = 0

    def fulfils(self, shot: Shot, predicate: Predicate) -> bool:
        """Tell whether ``predicate`` is true of an element."""
        if isinstance(predicate, Comparison):
            return self._compare(shot, predicate)
        if isinstance(predicate, And):
            return all(self.fulfils(shot, part) for part in predicate.parts)
        if isinstance(predicate, Or):
            return any(self.fulfils(shot, part) for part in predicate.parts)
        if isinstance(predicate, Not):
            return not self.fulfils(shot, predicate.of)
        assert isinstance(predicate, Constant)
        return predicate.value

    def chain(self, root: Shot, chain: Chain) -> list[Shot]:
        """Return the elements below ``root`` that a class chain means, in document order."""
        found = [root]
        for link in chain.links:
            found = self._link(found, link)
        return found

    def _link(self, roots: list[Shot], link: Link) -> list[Shot]:
        # A dict keeps the order, and no element twice: roots may lie inside each other.
        found: dict[Shot, None] = {}
        for root in roots:
            for shot in root.below() if link.anywhere else root.children:
                self._step()
                if shot not in found and self._is(shot, link):
                    found[shot] = None
        shots = list(found)
        if link.position is None:
            return shots
        at = link.position - 1 if link.position > 0 else len(shots) + link.position
        return shots[at : at + 1] if 0 <= at < len(shots) else []

    def _is(self, shot: Shot, link: Link) -> bool:
        if link.class_name not in (ANY, shot.type):
            return False
        for condition in link.conditions:
            if condition.inside:
                if not any(self.fulfils(each, condition.predicate) for each in shot.below()):
                    return False
            elif not self.fulfils(shot, condition.predicate):
                return False
        return True

    def _compare(self, shot: Shot, comparison: Comparison) -> bool:
        self._step()
        left, right = _value(shot, comparison.left), _value(shot, comparison.right)
        operator = comparison.operator
        if operator is Operator.IN and isinstance(right, tuple):
            return any(_equal(left, each, comparison) for each in right)
        if operator is Operator.BETWEEN:
            assert isinstance(right, tuple)
            return _ordered(right[0], left) and _ordered(left, right[1])
        if operator is Operator.EQUAL:
            return _equal(left, right, comparison)
        if operator is Operator.UNEQUAL:
            return not _equal(left, right, comparison)
        if operator in _ORDERS:
            return _ORDERS[operator](left, right)
        if not isinstance(left, str) or not isinstance(right, str):
            return False
        return _TEXTS[operator](_folded(left, comparison), _folded(right, comparison), comparison)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TooMuch(f"the search takes more than {MAX_STEPS} comparisons")


Compared = Value | float | tuple[object, ...]


def _value(shot: Shot, operand: Operand) -> Compared:
    if isinstance(operand, Key):
        return shot.attribute(operand.path)
    if isinstance(operand, Items):
        return tuple(item.value for item in operand.items)
    assert isinstance(operand, Literal)
    return operand.value


def _equal(left: object, right: object, comparison: Comparison) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return _folded(left, comparison) == _folded(right, comparison)
    # To Apple's numbers, true is 1.
    return left == right


def _ordered(low: object, high: object) -> bool:
    """Tell whether the two are in order, or equal; what cannot be ordered is not."""
    if isinstance(low, str) and isinstance(high, str):
        return low <= high
    if isinstance(low, int | float) and isinstance(high, int | float):
        return low <= high
    return False


_ORDERS: Mapping[Operator, Callable[[object, object], bool]] = {
    Operator.AT_MOST: _ordered,
    Operator.AT_LEAST: lambda left, right: _ordered(right, left),
    Operator.LESS: lambda left, right: _ordered(left, right) and left != right,
    Operator.GREATER: lambda left, right: _ordered(right, left) and left != right,
}


def _folded(text: str, comparison: Comparison) -> str:
    # A pattern's own letters (\d, \D) must stay as they are; RE2 is told instead.
    if comparison.any_case and comparison.operator is not Operator.MATCHES:
        text = text.casefold()
    if comparison.any_mark:
        parts = unicodedata.normalize("NFD", text)
        text = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return text


def _like(text: str, wanted: str, _: Comparison) -> bool:
    signs = {"*": ".*", "?": "."}
    pattern = "".join(signs.get(sign, re2.escape(sign)) for sign in wanted)
    return _matches_pattern(text, f"(?s){pattern}")


def _matches(text: str, pattern: str, comparison: Comparison) -> bool:
    return _matches_pattern(text, f"(?i){pattern}" if comparison.any_case else pattern)


def _matches_pattern(text: str, pattern: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re2._Regexp:
    if len(pattern) > MAX_PATTERN:
        raise BadPattern(f"a pattern longer than {MAX_PATTERN} characters")
    options = re2.Options()
    options.max_mem, options.log_errors = MAX_MEMORY, False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeError) as error:
        said = error.args[0] if error.args else ""
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)
        raise BadPattern(f"a pattern that is not understood: {words}") from None


_TEXTS: Mapping[Operator, Callable[[str, str, Comparison], bool]] = {
    Operator.CONTAINS: lambda left, right, _: right in left,
    Operator.IN: lambda left, right, _: left in right,
    Operator.BEGINS: lambda left, right, _: left.startswith(right),
    Operator.ENDS: lambda left, right, _: left.endswith(right),
    Operator.LIKE: _like,
    Operator.MATCHES: _matches,
}
