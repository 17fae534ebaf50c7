"""What WebDriverAgent tells of an element: its attributes, as one look at the screen has them.

Names and meanings are those of WebDriverAgent 16 (FBElement, XCUIElement+FBWebDriverAttributes).
Measures are in points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lab.phone.ios.screen_nodes import (
    APPLICATION,
    BUTTON,
    CELL,
    HEIGHT,
    IMAGE,
    KEYBOARD,
    LINK,
    SCALE,
    STATIC_TEXT,
    WIDTH,
)
from lab.phone.node import SWITCHES, Bounds, Node, speakable

MAX_VALUE = 1_000_000
"""Characters of one attribute."""
PREFIX = "XCUIElementType"

Value = str | int | bool | dict[str, int] | None

_LEAVES = frozenset({STATIC_TEXT, BUTTON, IMAGE, LINK}) | SWITCHES
"""Classes of what an assistive technology reads as one thing; so are text fields."""


class UnknownAttribute(Exception):
    """No element has an attribute of this name."""


@dataclass(slots=True, eq=False)
class Shot:
    """One element, as it was at the moment of the look."""

    node: Node
    parent: Shot | None
    index: int
    """Which child of its parent it is, from 0."""
    visible: bool
    children: list[Shot] = field(default_factory=list)

    def walk(self) -> Iterator[Shot]:
        """Yield this element and everything below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def below(self) -> Iterator[Shot]:
        """Yield everything below it, in document order."""
        walk = self.walk()
        next(walk)
        return walk

    @property
    def type(self) -> str:
        """Such as ``XCUIElementTypeButton``."""
        return self.node.class_name

    @property
    def label(self) -> str | None:
        """What is read out; a text field's is its caption, and may be empty."""
        if self.node.takes_text:
            return _said(self.node.content_desc)
        return _said(self.node.text) or _said(self.node.content_desc) or None

    @property
    def name(self) -> str | None:
        """The identifier, else the label."""
        return _said(self.node.resource_id) or self.label or None

    @property
    def value(self) -> str | None:
        """What an element holds: a field its text, else its placeholder; a switch 0 or 1."""
        node = self.node
        if node.takes_text:
            shown = "•" * len(node.text) if node.password else _said(node.text)
            return shown or _said(node.hint) or None
        if node.class_name in SWITCHES:
            return "1" if node.checked else "0"
        if node.class_name == STATIC_TEXT:
            return self.label
        return "1" if node.class_name == BUTTON and node.selected else None

    @property
    def accessible(self) -> bool:
        """Whether an assistive technology stops here."""
        if self.type == CELL and not self._stops:
            return bool(self.children) and self.children[0]._stops
        if not self._stops and not self.node.takes_text:
            return False
        around = self.parent
        while around is not None:
            if around._stops:
                return False
            around = around.parent
        return True

    @property
    def _stops(self) -> bool:
        return self.type in _LEAVES or self.node.takes_text

    @property
    def rect(self) -> dict[str, int]:
        """Where it is."""
        left, top, right, bottom = (each // SCALE for each in self.node.bounds)
        return {"x": left, "y": top, "width": right - left, "height": bottom - top}

    def attribute(self, name: str) -> Value:
        """Return an attribute by any of the names that WebDriverAgent has for it; ``None`` where
        it has no value. Raises UnknownAttribute."""
        path, _, part = name.partition(".")
        read = _ATTRIBUTES.get(plain(path))
        if read is None:
            raise UnknownAttribute(f"no attribute {name[:80]!r}; there are {', '.join(NAMES)}")
        value = read(self)
        if not part:
            return value
        if not isinstance(value, dict) or part not in value:
            raise UnknownAttribute(f"no attribute {name[:80]!r}")
        return value[part]


_ATTRIBUTES: Mapping[str, Callable[[Shot], Value]] = {
    "type": lambda shot: shot.type,
    "name": lambda shot: shot.name,
    "label": lambda shot: shot.label,
    "value": lambda shot: shot.value,
    "enabled": lambda shot: shot.node.enabled,
    "visible": lambda shot: shot.visible,
    "accessible": lambda shot: shot.accessible,
    "accessibilityContainer": lambda shot: any(each.accessible for each in shot.below()),
    "selected": lambda shot: shot.node.selected,
    "focused": lambda shot: shot.node.focused,
    "hittable": lambda shot: shot.visible and shot.type != APPLICATION,
    "index": lambda shot: shot.index,
    "rect": lambda shot: shot.rect,
    "frame": lambda shot: shot.rect,
    "x": lambda shot: shot.rect["x"],
    "y": lambda shot: shot.rect["y"],
    "width": lambda shot: shot.rect["width"],
    "height": lambda shot: shot.rect["height"],
    "placeholderValue": lambda shot: _said(shot.node.hint) or None,
    "bundleId": lambda shot: shot.node.package if shot.type == APPLICATION else None,
}

NAMES = tuple(sorted(_ATTRIBUTES))


def plain(name: str) -> str:
    """Return an attribute's plain name: WebDriverAgent also takes ``wdName``, ``isVisible``."""
    for prefix in ("isWD", "wd", "is"):
        rest = name.removeprefix(prefix)
        if rest != name and rest[:1].isupper():
            return rest[:1].lower() + rest[1:]
    return name


def take(root: Node) -> Shot:
    """Look at ``root``, a node that nobody changes any more, and everything below it."""
    keyboard = next((n for n in root.walk() if n.class_name == KEYBOARD), None)
    covered = HEIGHT if keyboard is None else keyboard.bounds[1]
    return _shot(root, None, 0, (0, 0, WIDTH, HEIGHT), covered)


def _shot(node: Node, parent: Shot | None, index: int, window: Bounds, covered: int) -> Shot:
    left, top, right, bottom = _common(node.bounds, window)
    if node.class_name == KEYBOARD:
        covered = HEIGHT
    shot = Shot(node, parent, index, left < right and top < min(bottom, covered))
    inside = _common(node.bounds, window)
    for number, child in enumerate(node.children):
        shot.children.append(_shot(child, shot, number, inside, covered))
    return shot


def _common(one: Bounds, other: Bounds) -> Bounds:
    return (
        max(one[0], other[0]),
        max(one[1], other[1]),
        min(one[2], other[2]),
        min(one[3], other[3]),
    )


def _said(text: str) -> str:
    return speakable(text, MAX_VALUE)
