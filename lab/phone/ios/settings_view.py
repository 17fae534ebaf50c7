"""How a page of the iPhone's Settings is laid out."""

from __future__ import annotations

from collections.abc import Callable

from lab.phone.ios.screen_nodes import (
    BAR_ENDS,
    CELL,
    HEIGHT,
    HOME_INDICATOR,
    IMAGE,
    LEFT,
    RIGHT,
    STATUS_BAR,
    TABLE,
    WIDTH,
    alert,
    application,
    button,
    field,
    navigation_bar,
    switch,
    text,
)
from lab.phone.node import Look, Node

BUNDLE_ID = "com.apple.Preferences"
NAME = "Settings"

_ROW, _HEADER, _NOTE = 132, 90, 240
_BOTTOM = HEIGHT - HOME_INDICATOR
_BACK = "back"

Act = Callable[[], None]
Flip = Callable[[bool], None]


class SettingsPage:
    """One page: what is on it, and what its parts do. Grows from top to bottom; what does not fit
    is below the screen's edge until it is scrolled to."""

    def __init__(self, title: str, *, back: str = "") -> None:
        """``back`` is the title of the page before; its button does what ``actions[up]`` says."""
        self.title = title
        self.actions: dict[str, Act] = {}
        self.flips: dict[str, Flip] = {}
        self.up = _BACK
        self.root = application(BUNDLE_ID, NAME)
        self._bar = navigation_bar(BUNDLE_ID, title, back)
        self._list = Node("list", TABLE, (0, BAR_ENDS, WIDTH, _BOTTOM), BUNDLE_ID)
        self.root.children[0].children = [self._bar, self._list]
        self._at = BAR_ENDS + 12
        self._offset = 0

    def done(self, label: str, act: Act) -> None:
        """Add a button to the right of the page's title."""
        bounds = (RIGHT - 228, STATUS_BAR, RIGHT + 24, BAR_ENDS)
        node = button(self._key(f"done/{label}"), BUNDLE_ID, label, bounds)
        self._bar.children.append(node)
        self.actions[node.key] = act

    def header(self, words: str) -> None:
        """Add what stands above some rows."""
        top = self._next(_HEADER)
        self._list.children.append(
            text(self._key(f"header/{words}"), BUNDLE_ID, words, (LEFT, top, RIGHT, top + _HEADER))
        )

    def note(self, words: str) -> None:
        """Add what stands below some rows, to be read."""
        top = self._next(_NOTE)
        self._list.children.append(
            text(self._key("note"), BUNDLE_ID, words, (LEFT, top, RIGHT, top + _NOTE - 12))
        )

    def row(
        self,
        title: str,
        act: Act | None = None,
        detail: str = "",
        *,
        more: Act | None = None,
        chosen: bool = False,
    ) -> None:
        """Add a row. ``more`` is done by the button ``More Info`` in it; ``chosen`` has a mark."""
        cell, top = self._cell(title)
        name = text(f"{cell.key}/title", BUNDLE_ID, title, (LEFT, top, 690, top + _ROW))
        name.look = Look.HEADING
        cell.children.append(name)
        cell.selected = chosen
        if chosen:
            mark = Node(
                f"{cell.key}/mark", IMAGE, (12, top, LEFT, top + _ROW), BUNDLE_ID, "checkmark"
            )
            cell.children.append(mark)
        if detail:
            right = RIGHT - (180 if more is not None else 0)
            bounds = (700, top + 36, right, top + _ROW)
            cell.children.append(text(f"{cell.key}/detail", BUNDLE_ID, detail, bounds))
        if more is not None:
            bounds = (RIGHT - 170, top + 12, RIGHT, top + _ROW - 12)
            info = button(f"{cell.key}/more", BUNDLE_ID, "More Info", bounds)
            cell.children.append(info)
            self.actions[info.key] = more
        if act is not None:
            cell.clickable = True
            self.actions[cell.key] = act

    def button(self, label: str, act: Act, look: Look = Look.OUTLINED) -> None:
        """Add a row that is a button."""
        top = self._next(_ROW)
        bounds = (LEFT, top + 6, RIGHT, top + _ROW - 6)
        node = button(self._key(f"button/{label}"), BUNDLE_ID, label, bounds)
        node.look = look
        self._list.children.append(node)
        self.actions[node.key] = act

    def switch(self, label: str, flip: Flip, *, on: bool, enabled: bool = True) -> None:
        """Add a row with a switch; ``flip`` is called with what it is to be."""
        cell, top = self._cell(label)
        node = switch(f"{cell.key}/switch", BUNDLE_ID, label, (LEFT, top, RIGHT, top + _ROW))
        node.checked, node.enabled = on, enabled
        cell.children.append(node)
        self.flips[node.key] = flip

    def field(self, label: str, value: str, *, enabled: bool = True) -> Node:
        """Add a row with a text field, and return that."""
        cell, top = self._cell(label)
        bounds = (LEFT, top, 420, top + _ROW)
        cell.children.append(text(f"{cell.key}/title", BUNDLE_ID, label, bounds))
        node = field(f"{cell.key}/field", BUNDLE_ID, "", (440, top + 6, RIGHT, top + _ROW - 6))
        node.content_desc, node.text, node.enabled = label, value, enabled
        cell.children.append(node)
        return node

    def ask(self, title: str, message: str, *buttons: tuple[str, Act]) -> None:
        """Put an alert over the page."""
        named = tuple((f"alert/{label}", label) for label, _ in buttons)
        self.root.children[0].children.append(alert(BUNDLE_ID, title, message, named))
        self.actions |= {f"alert/{label}": act for label, act in buttons}

    def scroll(self, *, down: bool) -> bool:
        """Move the list, and tell whether there is more to come that way."""
        room = _BOTTOM - BAR_ENDS
        most = max(0, self._at - _BOTTOM)
        wanted = min(most, self._offset + room // 2) if down else max(0, self._offset - room // 2)
        shift, self._offset = self._offset - wanted, wanted
        for child in self._list.children:
            for node in child.walk():
                left, top, right, bottom = node.bounds
                node.bounds = (left, top + shift, right, bottom + shift)
        return self._offset < most if down else self._offset > 0

    def _cell(self, title: str) -> tuple[Node, int]:
        top = self._next(_ROW)
        key = self._key(f"row/{title}")
        cell = Node(key, CELL, (0, top, WIDTH, top + _ROW), BUNDLE_ID, title)
        self._list.children.append(cell)
        return cell, top

    def _next(self, height: int) -> int:
        top = self._at
        self._at += height
        return top

    def _key(self, key: str) -> str:
        # With the page's title: what is on two pages is not the same thing.
        key = f"{self.title}/{key}"
        taken = {node.key for node in self.root.walk()}
        number, free = 1, key
        while free in taken:
            number += 1
            free = f"{key}#{number}"
        return free
