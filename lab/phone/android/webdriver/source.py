"""The page source: the screen as an XML document like UiAutomator2's."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from lab.phone.node import EDIT, HEIGHT, SCROLL, WIDTH, Node, speakable

MAX_VALUE = 1_000_000
"""Characters of one attribute."""


@dataclass(frozen=True, slots=True)
class Page:
    """One view of the screen: the document, and which node each of its elements stands for."""

    root: etree._Element
    """The element ``hierarchy`` around everything."""
    nodes: dict[etree._Element, Node]

    def text(self) -> str:
        """Return the document as text."""
        content = etree.tostring(
            self.root, encoding="UTF-8", xml_declaration=True, pretty_print=True
        )
        return content.decode()


def page_of(root: Node) -> Page:
    """Return the page that shows ``root``, a node that nobody changes any more."""
    hierarchy = etree.Element(
        "hierarchy",
        {
            "index": "0",
            "class": "hierarchy",
            "rotation": "0",
            "width": str(WIDTH),
            "height": str(HEIGHT),
        },
    )
    nodes: dict[etree._Element, Node] = {}
    _add(hierarchy, root, 0, nodes)
    return Page(hierarchy, nodes)


def attributes(node: Node, index: int = 0) -> dict[str, str]:
    """Return a node's attributes by the names that UiAutomator2 gives them."""
    left, top, right, bottom = node.bounds
    return {
        "index": str(index),
        "package": node.package,
        "class": node.class_name,
        "text": speakable(node.text, MAX_VALUE),
        "content-desc": speakable(node.content_desc, MAX_VALUE),
        "resource-id": speakable(node.resource_id, MAX_VALUE),
        "hint": speakable(node.hint, MAX_VALUE),
        "checkable": _word(node.checkable),
        "checked": _word(node.checked),
        "clickable": _word(node.clickable),
        "enabled": _word(node.enabled),
        "focusable": _word(node.class_name == EDIT or node.clickable),
        "focused": _word(node.focused),
        "long-clickable": "false",
        "password": _word(node.password),
        "scrollable": _word(node.scrollable or node.class_name == SCROLL),
        "selected": "false",
        "bounds": f"[{left},{top}][{right},{bottom}]",
        "displayed": _word(is_displayed(node)),
    }


def is_displayed(node: Node) -> bool:
    """Tell whether any of the node is within the screen."""
    left, top, right, bottom = node.bounds
    return max(left, 0) < min(right, WIDTH) and max(top, 0) < min(bottom, HEIGHT)


def _add(parent: etree._Element, node: Node, index: int, nodes: dict[etree._Element, Node]) -> None:
    element = etree.SubElement(parent, node.class_name, attributes(node, index))
    nodes[element] = node
    for number, child in enumerate(node.children):
        _add(element, child, number, nodes)


def _word(value: bool) -> str:
    return "true" if value else "false"
