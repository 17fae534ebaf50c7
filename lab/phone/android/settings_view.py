"""How a page of Android's Settings, a dialog of it and the file picker are laid out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lab.phone.node import (
    BUTTON,
    EDIT,
    FRAME,
    HEIGHT,
    NAVIGATION_BAR,
    STATUS_BAR,
    TEXT,
    WIDTH,
    Look,
    Node,
)

PACKAGE = "com.android.settings"
PICKER = "com.google.android.documentsui"
ROW = "android.widget.LinearLayout"
IMAGE_BUTTON = "android.widget.ImageButton"
LIST = "androidx.recyclerview.widget.RecyclerView"
UP = "Navigate up"

_TOP = STATUS_BAR + 130
_BOTTOM = HEIGHT - NAVIGATION_BAR
_HEIGHTS = {"row": 150, "text": 420, "button": 120, "field": 130, "tab": 110}
_LEFT, _RIGHT = 60, WIDTH - 60

Act = Callable[[], None]


class Sheet:
    """One screen full: what is on it, and what its parts do. Grows from top to bottom.

    What does not fit is below the screen's edge until it is scrolled to.
    """

    def __init__(self, title: str, *, package: str = PACKAGE, up: str = UP) -> None:
        """``up`` names the button beside the title; empty for none. Its key is ``self.up``."""
        self.title = title
        self.actions: dict[str, Act] = {}
        self._package = package
        self._at = _TOP
        self._offset = 0
        self._parts: list[Node] = []
        heading = self._node("title", TEXT, (0, STATUS_BAR, WIDTH, _TOP))
        heading.text, heading.look = title, Look.TITLE
        self._list = self._node("list", LIST, (0, _TOP, WIDTH, _BOTTOM))
        self.root = self._node("root", FRAME, (0, 0, WIDTH, HEIGHT))
        self.root.children = [heading, self._list]
        beside = self._node("up", IMAGE_BUTTON, (0, STATUS_BAR, 130, _TOP))
        beside.content_desc, beside.clickable = up, True
        self.up = beside.key
        if up:
            self.root.children.insert(0, beside)

    def row(self, title: str, act: Act | None = None, summary: str = "") -> None:
        """Add a line that can be tapped, with a smaller one in it."""
        key = self._key(f"row/{title}")
        top = self._next("row")
        row = self._node(key, ROW, (0, top, WIDTH, top + 150))
        name = self._node(f"{key}/title", TEXT, (_LEFT, top + 16, _RIGHT, top + 80))
        name.text, name.look, name.resource_id = title, Look.HEADING, "android:id/title"
        row.children.append(name)
        if summary:
            below = self._node(f"{key}/summary", TEXT, (_LEFT, top + 80, _RIGHT, top + 140))
            below.text, below.look = summary, Look.PLAIN
            below.resource_id = "android:id/summary"
            row.children.append(below)
        self._add(row, act)

    def text(self, text: str) -> None:
        """Add some lines to read."""
        top = self._next("text")
        node = self._node(self._key("text"), TEXT, (_LEFT, top, _RIGHT, top + 400))
        node.text, node.look = text, Look.PLAIN
        self._add(node)

    def button(self, text: str, act: Act) -> None:
        """Add a button."""
        top = self._next("button")
        node = self._node(self._key(f"button/{text}"), BUTTON, (_LEFT, top, _RIGHT, top + 100))
        node.text, node.look = text, Look.OUTLINED
        self._add(node, act)

    def field(self, hint: str, entered: Act | None = None, *, password: bool = False) -> Node:
        """Add a text field; ``entered`` is done at the key Enter."""
        top = self._next("field")
        node = self._node(self._key(f"field/{hint}"), EDIT, (_LEFT, top, _RIGHT, top + 112))
        node.hint, node.password, node.clickable = hint, password, True
        node.resource_id = f"{PACKAGE}:id/password_entry" if password else ""
        self._add(node, entered)
        return node

    def tabs(self, names: tuple[str, ...], chosen: str, choose: Callable[[str], None]) -> None:
        """Add tabs, side by side."""
        top = self._next("tab")
        width = WIDTH // len(names)
        for number, name in enumerate(names):
            left = number * width
            node = self._node(f"tab/{name}", TEXT, (left, top, left + width, top + 100))
            node.text = name
            node.look = Look.HEADING if name == chosen else Look.PLAIN
            self._add(node, partial(choose, name))

    def scroll(self, *, down: bool) -> bool:
        """Move by most of a screen, and tell whether there is more to come that way."""
        room = _BOTTOM - _TOP
        most = max(0, self._at - _BOTTOM)
        wanted = self._offset + (room * 3 // 4 if down else -room * 3 // 4)
        moved = min(max(wanted, 0), most) - self._offset
        for part in self._parts:
            for node in part.walk():
                left, top, right, bottom = node.bounds
                node.bounds = (left, top - moved, right, bottom - moved)
        self._offset += moved
        self._lay_out()
        return self._offset < most if down else self._offset > 0

    def _add(self, node: Node, act: Act | None = None) -> None:
        self._parts.append(node)
        if act is not None:
            node.clickable = True
            self.actions[node.key] = act
        self._lay_out()

    def _lay_out(self) -> None:
        """Show what is in the window, as a list of Android's does."""
        self._list.scrollable = self._at > _BOTTOM
        self._list.children = [
            part for part in self._parts if part.bounds[1] >= _TOP and part.bounds[3] <= _BOTTOM
        ]

    def _next(self, kind: str) -> int:
        top = self._at
        self._at += _HEIGHTS[kind]
        return top

    def _key(self, name: str) -> str:
        taken = sum(part.key.split("#")[0] == f"{self.title}/{name}" for part in self._parts)
        return f"{name}#{taken}" if taken else name

    def _node(self, key: str, class_name: str, bounds: tuple[int, int, int, int]) -> Node:
        return Node(f"{self.title}/{key}", class_name, bounds, self._package)


class Dialog(Sheet):
    """A question over everything else, with what may be answered."""

    def __init__(self, title: str, message: str, *, package: str = PACKAGE) -> None:
        super().__init__(title, package=package, up="")
        self.root.children[0].resource_id = "android:id/alertTitle"
        if message:
            self.text(message)
            self._parts[-1].resource_id = "android:id/message"

    def answers(self, positive: tuple[str, Act], negative: tuple[str, Act] | None = None) -> None:
        """Add the buttons."""
        for number, answer in enumerate((positive, negative), 1):
            if answer is not None:
                self.button(*answer)
                self._parts[-1].resource_id = f"android:id/button{number}"
