"""From the text of a predicate string to what it means."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

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
from lab.phone.node import one_line

MAX_TEXT = 2000
"""Characters of a predicate string."""
MAX_DEPTH = 30
"""Levels of brackets and negations."""
MAX_ITEMS = 200


class BadPredicate(Exception):
    """The text is no predicate string that is understood; the message says from where on."""


_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<sign>==|!=|<>|<=|=<|>=|=>|&&|\|\||[=<>!(){},])
  | (?P<modifier>\[[cdnlCDNL]{1,4}\])
  | (?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
  )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}

_SIGNS: Mapping[str, Operator] = {
    **{operator.value: operator for operator in Operator},
    "=": Operator.EQUAL,
    "<>": Operator.UNEQUAL,
    "=<": Operator.AT_MOST,
    "=>": Operator.AT_LEAST,
}
_VALUES: Mapping[str, bool | None] = {
    "TRUE": True,
    "YES": True,
    "FALSE": False,
    "NO": False,
    "NIL": None,
    "NULL": None,
}
_AGGREGATES = frozenset({"ANY", "SOME", "ALL", "NONE", "SUBQUERY"})
_RESERVED = frozenset({"AND", "OR", "NOT", "TRUEPREDICATE", "FALSEPREDICATE"}) | _VALUES.keys()
_OF_TEXT = frozenset(
    {Operator.CONTAINS, Operator.BEGINS, Operator.ENDS, Operator.LIKE, Operator.MATCHES}
)


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse(text: str) -> Predicate:
    """Return what a predicate string means. Raises BadPredicate and nothing else."""
    if len(text) > MAX_TEXT:
        raise BadPredicate(f"longer than {MAX_TEXT} characters")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0

    def whole(self) -> Predicate:
        predicate = self._or()
        if self._next < len(self._tokens):
            raise self._wrong("an end")
        return predicate

    def _or(self) -> Predicate:
        parts = [self._and()]
        while self._takes("OR", "||"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self) -> Predicate:
        parts = [self._not()]
        while self._takes("AND", "&&"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _not(self) -> Predicate:
        if self._takes("NOT", "!"):
            self._deeper()
            inner = self._not()
            self._depth -= 1
            return Not(inner)
        if self._takes("("):
            self._deeper()
            inner = self._or()
            self._depth -= 1
            if not self._takes(")"):
                raise self._wrong("')'")
            return inner
        if self._takes("TRUEPREDICATE"):
            return Constant(True)
        if self._takes("FALSEPREDICATE"):
            return Constant(False)
        return self._comparison()

    def _comparison(self) -> Predicate:
        left = self._operand()
        token = self._peek()
        operator = _SIGNS.get(token.text.upper()) if token.kind in ("sign", "word") else None
        if operator is None:
            raise self._wrong("an operator")
        self._next += 1
        marks = ""
        if self._peek().kind == "modifier":
            marks = self._peek().text.lower()
            self._next += 1
        right = self._operand()
        if operator is Operator.BETWEEN and not (
            isinstance(right, Items) and len(right.items) == 2
        ):
            raise BadPredicate("BETWEEN wants a list of two values")
        if isinstance(left, Items) or (isinstance(right, Items) and operator in _OF_TEXT):
            raise BadPredicate(f"a list cannot be compared by {operator}")
        return Comparison(left, operator, right, "c" in marks, "d" in marks)

    def _operand(self) -> Operand:
        if self._takes("{"):
            return Items(self._items())
        token = self._peek()
        if token.kind == "word" and token.text.upper() not in _RESERVED | _SIGNS.keys():
            if token.text.upper() in _AGGREGATES:
                raise BadPredicate(f"{token.text} is not understood here")
            self._next += 1
            return Key(token.text)
        return self._literal()

    def _literal(self) -> Literal:
        token = self._peek()
        self._next += 1
        if token.kind == "text":
            return Literal(_ESCAPE.sub(_unescaped, token.text[1:-1]))
        if token.kind == "number":
            return Literal(_number(token.text))
        if token.kind == "word" and token.text.upper() in _VALUES:
            return Literal(_VALUES[token.text.upper()])
        self._next -= 1
        raise self._wrong("a value")

    def _items(self) -> tuple[Literal, ...]:
        items: list[Literal] = []
        while not self._takes("}"):
            if items and not self._takes(","):
                raise self._wrong("',' or '}'")
            if len(items) >= MAX_ITEMS:
                raise BadPredicate(f"a list of more than {MAX_ITEMS} values")
            items.append(self._literal())
        return tuple(items)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise BadPredicate(f"nested more than {MAX_DEPTH} levels deep")

    def _peek(self) -> _Token:
        if self._next < len(self._tokens):
            return self._tokens[self._next]
        return _Token("end", "", len(self._text))

    def _takes(self, *texts: str) -> bool:
        token = self._peek()
        if token.kind in ("sign", "word") and token.text.upper() in texts:
            self._next += 1
            return True
        return False

    def _wrong(self, wanted: str) -> BadPredicate:
        token = self._peek()
        rest = one_line(self._text[token.at : token.at + 40])
        found = repr(rest) if rest else "the end"
        return BadPredicate(f"{wanted} is wanted where {found} is")


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise BadPredicate(
                f"not understood from {one_line(text[position : position + 40])!r} on"
            )
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        position = match.end()
    return tokens


def _number(text: str) -> int | float:
    if re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        return int(text)
    value = float(text)
    if not math.isfinite(value):
        raise BadPredicate(f"{text[:40]} is too large a number")
    return value


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPED.get(match[2], match[2])
