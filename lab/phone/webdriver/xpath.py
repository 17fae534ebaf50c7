"""XPath 1.0 on the document of a screen, with a bound to what a search may cost."""

from __future__ import annotations

import re

from lxml import etree

MAX_SELECTOR = 1000
"""Characters of an expression."""
MAX_NESTING = 3
"""Levels of XPath predicates inside predicates. Each multiplies the time that a search takes by
the size of the screen, and nothing else would end it."""
MAX_VISITS = 300_000_000
"""Visits of an element that the predicates of an expression may lead to, if each looks at the
whole screen; a few seconds."""

_LITERAL = re.compile(r"\"[^\"]*\"|'[^']*'")


class BadPath(Exception):
    """The expression is not understood, or would take too long; the message says why."""


def select(start: etree._Element, selector: str) -> list[etree._Element]:
    """Return the elements that ``selector`` means, seen from ``start``, in document order. Raises
    BadPath."""
    if len(selector) > MAX_SELECTOR:
        raise BadPath(f"longer than {MAX_SELECTOR} characters")
    size = sum(1 for _ in start.getroottree().iter())
    depth = visits = 0
    for sign in _LITERAL.sub("", selector):
        depth += (sign == "[") - (sign == "]")
        visits += size ** (depth + 1) if sign == "[" else 0
        if depth > MAX_NESTING:
            raise BadPath(f"more than {MAX_NESTING} levels of predicates")
        if visits > MAX_VISITS:
            raise BadPath("its predicates may look at the whole screen too many times")
    try:
        result = start.xpath(selector, smart_strings=False)
    except (etree.XPathError, ValueError) as error:
        raise BadPath(str(error)) from None
    found = result if isinstance(result, list) else [result]
    elements = [item for item in found if isinstance(item, etree._Element)]
    if len(elements) < len(found):
        raise BadPath("it does not select elements")
    return elements
