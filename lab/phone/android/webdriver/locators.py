"""How elements are found: XPath, UiSelector, class, id, content description."""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from lab.phone.android.webdriver.source import page_of
from lab.phone.node import Node, one_line
from lab.phone.webdriver.protocol import Code, Failed
from lab.phone.webdriver.xpath import MAX_SELECTOR, BadPath, select

Matches = Callable[[etree._Element], bool]


def find(root: Node, strategy: str, selector: str, *, below: bool = False) -> list[Node]:
    """Return the nodes that ``selector`` means, in document order.

    ``root`` is everything that is searched: the screen, or with ``below`` the element whose
    inside is searched. Raises Failed for a selector or a strategy that there is not.
    """
    if len(selector) > MAX_SELECTOR:
        raise _invalid(selector, f"longer than {MAX_SELECTOR} characters")
    page = page_of(root)
    start = page.root[0] if below else page.root
    if strategy == "xpath":
        found = _by_xpath(start, selector)
    elif strategy == "-android uiautomator":
        found = _by_ui_selector(start, selector)
    else:
        matches = _simple(strategy, selector)
        found = [element for element in start.iterdescendants() if matches(element)]
    return [page.nodes[element] for element in found if element in page.nodes]


def _simple(strategy: str, wanted: str) -> Matches:
    if strategy == "class name":
        return lambda element: element.get("class") == wanted
    if strategy == "accessibility id":
        return lambda element: element.get("content-desc") == wanted
    if strategy == "id":
        return lambda element: _has_id(element, wanted)
    raise Failed(
        Code.INVALID_ARGUMENT,
        f"unknown strategy {strategy!r}: this phone knows 'xpath', '-android uiautomator', "
        "'class name', 'accessibility id' and 'id'",
    )


def _has_id(element: etree._Element, wanted: str) -> bool:
    """Compare ids; a short one is of the element's own package."""
    own = element.get("resource-id")
    full = wanted if ":id/" in wanted else f"{element.get('package')}:id/{wanted}"
    return bool(own) and own in (wanted, full)


def _by_xpath(start: etree._Element, selector: str) -> list[etree._Element]:
    try:
        return select(start, selector)
    except BadPath as error:
        raise _invalid(selector, str(error)) from None


# -- UiSelector ---------------------------------------------------------------------------

_HEAD = re.compile(r"\s*(?:new\s+)?UiSelector\s*\(\s*\)")
_CALL = re.compile(r"\s*\.\s*(\w+)\s*\(\s*(\"(?:[^\"\\]|\\.)*\"|true|false|\d{1,9})\s*\)")
_END = re.compile(r"\s*;?\s*\Z")
_ESCAPE = re.compile(r"\\(?:u+([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}

_EQUAL = {
    "text": "text",
    "className": "class",
    "description": "content-desc",
    "resourceId": "resource-id",
    "packageName": "package",
}
_CONTAINED = {"textContains": "text", "descriptionContains": "content-desc"}
_STARTING = {"textStartsWith": "text", "descriptionStartsWith": "content-desc"}
_FLAGS = frozenset({"checkable", "checked", "clickable", "enabled", "focusable", "focused"})


def _by_ui_selector(start: etree._Element, selector: str) -> list[etree._Element]:
    conditions, instance = _read_ui_selector(selector)
    found = [
        element
        for element in start.iterdescendants()
        if all(matches(element) for matches in conditions)
    ]
    return found if instance is None else found[instance : instance + 1]


def _read_ui_selector(selector: str) -> tuple[list[Matches], int | None]:
    """Read ``new UiSelector().method(value)...`` and return its conditions and its instance."""
    head = _HEAD.match(selector)
    if head is None:
        raise _invalid(selector, "it is not 'new UiSelector()' with conditions")
    position = head.end()
    conditions: list[Matches] = []
    instance: int | None = None
    while (call := _CALL.match(selector, position)) is not None:
        position = call.end()
        method, argument = call[1], call[2]
        if method == "instance" and argument.isdigit():
            instance = int(argument)
        else:
            conditions.append(_condition(selector, method, argument))
    if _END.match(selector, position) is None:
        raise _invalid(selector, f"not understood from {selector[position : position + 40]!r} on")
    return conditions, instance


def _condition(selector: str, method: str, argument: str) -> Matches:
    if argument.startswith('"'):
        text = _ESCAPE.sub(_unescaped, argument[1:-1])
        if method in _EQUAL:
            return lambda element: element.get(_EQUAL[method]) == text
        # UiAutomator tells no case apart here, and only here.
        if method in _CONTAINED:
            return lambda element: text.lower() in _lower(element, _CONTAINED[method])
        if method in _STARTING:
            return lambda element: _lower(element, _STARTING[method]).startswith(text.lower())
    elif argument in ("true", "false") and method in _FLAGS:
        return lambda element: element.get(method) == argument
    elif argument.isdigit() and method == "index":
        return lambda element: element.get("index") == str(int(argument))
    raise _invalid(selector, f"there is no UiSelector.{method}({argument[:40]})")


def _lower(element: etree._Element, attribute: str) -> str:
    return (element.get(attribute) or "").lower()


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPED.get(match[2], match[2])


def _invalid(selector: str, why: str) -> Failed:
    return Failed(Code.INVALID_SELECTOR, f"{one_line(selector, 200)!r}: {why}")
