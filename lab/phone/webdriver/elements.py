"""What a session knows of the screen: the elements that it gave its client to refer to."""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from lab.phone.node import Node
from lab.phone.ui import Activity, Screen
from lab.phone.webdriver.protocol import Code, Failed

W3C_KEY = "element-6066-11e4-a52e-4f735466cecf"
"""Name of an element reference (WebDriver section 12.1)."""
LEGACY_KEY = "ELEMENT"
MAX_KNOWN = 10_000
"""Elements that a session remembers; more have never been on its screen."""

_HOME = 0
"""Number of the home screen, which is no activity."""


class Find(Protocol):
    """The locators of a dialect."""

    def __call__(
        self, root: Node, strategy: str, selector: str, *, below: bool = False
    ) -> list[Node]:
        """Return the nodes that ``selector`` means, in document order. ``root`` is the screen, or
        with ``below`` the element whose inside is searched. Raises Failed."""


class Elements:
    """Finds elements and remembers what it found. May be used from any thread.

    An element is a node of one activity: it is stale once that activity is no longer in front,
    and valid again when the same activity, still the same process, comes back to the front.
    """

    def __init__(self, screen: Screen, find: Find) -> None:
        self._screen = screen
        self._find = find
        self._lock = threading.Lock()
        self._activities: weakref.WeakKeyDictionary[Activity, int] = weakref.WeakKeyDictionary()
        self._numbers = itertools.count(_HOME + 1)
        self._known: dict[str, tuple[int, str]] = {}
        self._ids: dict[tuple[int, str], str] = {}

    def find(
        self, strategy: str, selector: str, *, below: str | None = None, wait: float = 0.0
    ) -> list[str]:
        """Return the ids of what ``selector`` means, in document order.

        ``below`` is the id of the element to search in. ``wait`` seconds at most are waited for
        one to appear. Raises Failed.
        """
        deadline = time.monotonic() + wait
        while True:
            seen = self._screen.changes
            activity = self._front()
            root = self._screen.snapshot() if below is None else self.node(below)
            if activity != self._front():
                continue
            found = self._find(root, strategy, selector, below=below is not None)
            left = deadline - time.monotonic()
            if found or left <= 0:
                return [self._id(activity, node) for node in found]
            self._screen.wait_change(seen, left)

    def node(self, element: str) -> Node:
        """Return the node as it is now. Raises Failed where the element is unknown or stale."""
        with self._lock:
            known = self._known.get(element)
        if known is None:
            raise Failed(Code.NO_SUCH_ELEMENT, f"there never was an element {element!r}")
        activity, key = known
        with _gone_is_stale(element):
            node = self._screen.node(key)
            if activity == self._front():
                return node
            raise LookupError

    def tap(self, element: str) -> None:
        """Touch the element; one that is disabled does not mind. Raises Failed."""
        with _gone_is_stale(element):
            self._screen.tap(self.node(element).key)

    def touch(self, point: tuple[float, float]) -> None:
        """Touch the screen at ``point``. Raises Failed where what was there has just gone."""
        node = touched(self._screen.snapshot(), point)
        if node is not None:
            self.tap(self.of(node))

    def enter(self, element: str, text: str, *, replace: bool) -> None:
        """Enter text into a field, after what it holds or instead of it. Raises Failed."""
        node = self.node(element)
        with _gone_is_stale(element):
            if self._screen.set_text(node.key, text if replace else node.text + text):
                return
        raise Failed(
            Code.INVALID_ELEMENT_STATE,
            f"cannot enter text into {node.class_name} {node.text or node.hint!r}: it is "
            + ("no text field" if node.enabled else "disabled"),
        )

    def of(self, node: Node) -> str:
        """Return the id of a node of the activity in front."""
        return self._id(self._front(), node)

    def _front(self) -> int:
        """Return the number of the activity in front."""
        activity = self._screen.foreground
        if activity is None:
            return _HOME
        with self._lock:
            if activity not in self._activities:
                self._activities[activity] = next(self._numbers)
            return self._activities[activity]

    def _id(self, activity: int, node: Node) -> str:
        with self._lock:
            place = (activity, node.key)
            if place not in self._ids:
                if len(self._ids) >= MAX_KNOWN:
                    raise Failed(Code.UNKNOWN_ERROR, f"more than {MAX_KNOWN} elements")
                # Like UiAutomator2's: nothing that a client could read anything into.
                element = f"00000000-0000-{activity:04x}-ffff-{len(self._ids):012x}"
                self._ids[place] = element
                self._known[element] = place
            return self._ids[place]


@contextmanager
def _gone_is_stale(element: str) -> Iterator[None]:
    try:
        yield
    except LookupError:
        raise Failed(Code.STALE_ELEMENT, f"element {element} is no longer on the screen") from None


def touched(root: Node, point: tuple[float, float]) -> Node | None:
    """Return the topmost node at ``point`` that takes touches, None where there is none."""
    x, y = point
    found = None
    for node in root.walk():
        left, top, right, bottom = node.bounds
        if node.clickable and left <= x < right and top <= y < bottom:
            found = node
    return found


def reference(element: str) -> dict[str, str]:
    """Return an element's id the way that clients get it."""
    return {W3C_KEY: element, LEGACY_KEY: element}
