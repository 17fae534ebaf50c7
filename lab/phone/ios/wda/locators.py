"""How elements are found: by identifier, class, predicate, class chain, XPath."""

from __future__ import annotations

from collections.abc import Callable

from lab.phone.ios.wda.class_chain import BadChain, parse_chain
from lab.phone.ios.wda.matching import BadPattern, Matcher, TooMuch
from lab.phone.ios.wda.predicate_parser import BadPredicate, parse
from lab.phone.ios.wda.shots import Shot, UnknownAttribute, take
from lab.phone.ios.wda.source import document_of
from lab.phone.node import Node, one_line
from lab.phone.webdriver.protocol import Code, Failed
from lab.phone.webdriver.xpath import BadPath, select

_ALIASES = {
    "-ios predicate string": "predicate string",
    "-ios class chain": "class chain",
    "name": "accessibility id",
    "id": "accessibility id",
}
"""WebDriverAgent's synonyms, and how clients without Appium's driver in between call strategies."""


def find(root: Node, strategy: str, selector: str, *, below: bool = False) -> list[Node]:
    """Return the nodes that ``selector`` means, in document order. Implements ``Find``.

    As with WebDriverAgent, a search may find the very element that it begins with, whether that
    is the app or (``below``) an element of it.
    """
    shot = take(root)
    search = _STRATEGIES.get(_ALIASES.get(strategy, strategy))
    if search is None:
        raise Failed(
            Code.INVALID_ARGUMENT,
            f"unknown strategy {strategy!r}: this phone knows {', '.join(_STRATEGIES)}",
        )
    try:
        return [found.node for found in search(shot, selector)]
    except (BadPredicate, BadChain, BadPattern, BadPath, TooMuch) as error:
        words = f"{one_line(selector, 200)!r}: {error}"
        raise Failed(Code.INVALID_SELECTOR, words) from None
    except UnknownAttribute as error:
        raise Failed(Code.INVALID_ARGUMENT, f"{one_line(selector, 200)!r}: {error}") from None


def _by_identifier(root: Shot, selector: str) -> list[Shot]:
    return [shot for shot in root.walk() if shot.name == selector]


def _by_class(root: Shot, selector: str) -> list[Shot]:
    return [shot for shot in root.walk() if shot.type == selector]


def _by_predicate(root: Shot, selector: str) -> list[Shot]:
    predicate, matcher = parse(selector), Matcher()
    return [shot for shot in root.walk() if matcher.fulfils(shot, predicate)]


def _by_chain(root: Shot, selector: str) -> list[Shot]:
    return Matcher().chain(root, parse_chain(selector))


def _by_xpath(root: Shot, selector: str) -> list[Shot]:
    document = document_of(root)
    return [document.shots[element] for element in select(document.root, selector)]


_STRATEGIES: dict[str, Callable[[Shot, str], list[Shot]]] = {
    "accessibility id": _by_identifier,
    "class name": _by_class,
    "predicate string": _by_predicate,
    "class chain": _by_chain,
    "xpath": _by_xpath,
}
