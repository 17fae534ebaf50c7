"""Class chains: WebDriverAgent's own path language over classes and predicates.

https://github.com/facebookarchive/WebDriverAgent/wiki/Class-Chain-Queries-Construction-Rules
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.phone.ios.wda.predicate import Predicate
from lab.phone.ios.wda.predicate_parser import BadPredicate, parse
from lab.phone.node import one_line

MAX_TEXT = 4000
"""Characters of a chain."""
MAX_LINKS = 50
MAX_CONDITIONS = 20
"""Predicates of one link."""
ANY = "*"


class BadChain(Exception):
    """The text is no class chain; the message says from where on."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A predicate that an element fulfils, or with ``inside`` something below it does."""

    predicate: Predicate
    inside: bool = False

    def __str__(self) -> str:
        mark = "$" if self.inside else "`"
        return f"[{mark}{str(self.predicate).replace(mark, mark * 2)}{mark}]"


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain."""

    class_name: str
    """Such as ``XCUIElementTypeButton``; ``*`` for any."""
    anywhere: bool = False
    """Anything below, not only what is directly below."""
    conditions: tuple[Condition, ...] = ()
    position: int | None = None
    """The one of what is found, counted from 1, or from the end with -1; None for all."""

    def __str__(self) -> str:
        conditions = "".join(map(str, self.conditions))
        position = "" if self.position is None else f"[{self.position}]"
        return ("**/" if self.anywhere else "") + self.class_name + conditions + position


@dataclass(frozen=True, slots=True)
class Chain:
    """A whole chain, at least one link."""

    links: tuple[Link, ...]

    def __str__(self) -> str:
        return "/".join(map(str, self.links))


_CLASS = re.compile(r"(\*\*/)?(\*|[A-Za-z]+)", re.ASCII)
_POSITION = re.compile(r"\[(-?[0-9]{1,6})\]", re.ASCII)
_CONDITION = re.compile(r"\[(?:`((?:[^`]|``)*)`|\$((?:[^$]|\$\$)*)\$)\]", re.DOTALL)


def parse_chain(text: str) -> Chain:
    """Return what a class chain means. Raises BadChain and nothing else."""
    if len(text) > MAX_TEXT:
        raise BadChain(f"longer than {MAX_TEXT} characters")
    links: list[Link] = []
    at = 0
    while True:
        link, at = _link(text, at)
        links.append(link)
        if at == len(text):
            return Chain(tuple(links))
        if text[at] != "/":
            raise _wrong(text, at)
        if len(links) >= MAX_LINKS:
            raise BadChain(f"more than {MAX_LINKS} steps")
        at += 1


def _link(text: str, at: int) -> tuple[Link, int]:
    named = _CLASS.match(text, at)
    if named is None:
        raise _wrong(text, at)
    at = named.end()
    conditions: list[Condition] = []
    position: int | None = None
    while text[at : at + 1] == "[":
        number, condition = _POSITION.match(text, at), _CONDITION.match(text, at)
        if number is not None and position is None:
            position = int(number[1])
            if position == 0:
                raise BadChain("positions are counted from 1, or from -1 backwards")
            at = number.end()
        elif condition is not None and position is None:
            if len(conditions) >= MAX_CONDITIONS:
                raise BadChain(f"more than {MAX_CONDITIONS} predicates in one step")
            conditions.append(_condition(condition))
            at = condition.end()
        else:
            raise _wrong(text, at)
    return Link(named[2], named[1] is not None, tuple(conditions), position), at


def _condition(match: re.Match[str]) -> Condition:
    inside = match[1] is None
    mark = "$" if inside else "`"
    try:
        predicate = parse((match[2] if inside else match[1]).replace(mark * 2, mark))
    except BadPredicate as error:
        raise BadChain(f"in a predicate: {error}") from None
    return Condition(predicate, inside)


def _wrong(text: str, at: int) -> BadChain:
    return BadChain(f"not understood from {one_line(text[at : at + 40])!r} on")
