"""The page source: the screen as WebDriverAgent writes it, in XML and in JSON."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lxml import etree

from lab.phone.ios.wda.shots import PREFIX, Shot, Value

SCOPE = "AppiumAUT"
"""The only scope: an element of this name around everything."""

_XML = (
    *("type", "value", "name", "label", "enabled", "visible", "accessible"),
    *("x", "y", "width", "height", "index", "placeholderValue", "bundleId"),
)
"""Attributes in XML, in WebDriverAgent's order; those without a value are left out."""
_MORE = ("selected", "focused", "hittable")
"""What XPath may ask for besides."""


@dataclass(frozen=True, slots=True)
class Document:
    """One view of the screen in XML, and which element of it stands for which of the screen."""

    root: etree._Element
    shots: dict[etree._Element, Shot]


def document_of(shot: Shot) -> Document:
    """Return what XPath searches."""
    shots: dict[etree._Element, Shot] = {}
    return Document(_element(shot, None, (*_XML, *_MORE), shots), shots)


def xml_of(shot: Shot, *, scope: str = "", excluded: Collection[str] = ()) -> str:
    """Return the source in XML, without the attributes that are ``excluded``."""
    names = [name for name in _XML if name not in excluded]
    root = _element(shot, None, names, {})
    if scope:
        around = etree.Element(scope)
        around.append(root)
        root = around
    content = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return content.decode()


def tree_of(shot: Shot) -> dict[str, object]:
    """Return the source as JSON has it: types are without their prefix, truth is "1" or "0"."""
    rect = shot.rect
    frame = f"{{{{{rect['x']}, {rect['y']}}}, {{{rect['width']}, {rect['height']}}}}}"
    tree: dict[str, object] = {
        "type": shot.type.removeprefix(PREFIX),
        "rawIdentifier": shot.node.resource_id or None,
        "name": shot.name,
        "value": shot.value,
        "label": shot.label,
        "rect": rect,
        "frame": frame,
        "isEnabled": _digit(shot.node.enabled),
        "isVisible": _digit(shot.visible),
        "isAccessible": _digit(shot.accessible),
        "isFocused": _digit(shot.node.focused),
    }
    if shot.node.takes_text:
        tree["placeholderValue"] = shot.node.hint
    if shot.children:
        tree["children"] = [tree_of(child) for child in shot.children]
    return tree


def _element(
    shot: Shot,
    parent: etree._Element | None,
    names: Collection[str],
    shots: dict[etree._Element, Shot],
) -> etree._Element:
    told = {name: _word(value) for name in names if (value := shot.attribute(name)) is not None}
    if parent is None:
        element = etree.Element(shot.type, told)
    else:
        element = etree.SubElement(parent, shot.type, told)
    shots[element] = shot
    for child in shot.children:
        _element(child, element, names, shots)
    return element


def _word(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _digit(value: bool) -> str:
    return "1" if value else "0"
