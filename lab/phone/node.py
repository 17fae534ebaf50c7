"""The elements of a screen, and the measures of the phone that shows them.

Sizes are those of a common phone: 1080 x 2400 pixels at 420 dots per inch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

WIDTH, HEIGHT = 1080, 2400
DENSITY = 420
"""Dots per inch: a density-independent pixel is 2.625 pixels."""
STATUS_BAR = 80
"""Pixels at the top that belong to the system."""
NAVIGATION_BAR = 48
"""Pixels at the bottom that belong to the system."""
LAUNCHER = "com.android.launcher3"
"""Package of the home screen, which is in front where no app is."""

FRAME = "android.widget.FrameLayout"
SCROLL = "android.widget.ScrollView"
TEXT = "android.widget.TextView"
EDIT = "android.widget.EditText"
BUTTON = "android.widget.Button"
SWITCH = "android.widget.Switch"

FIELDS = frozenset(
    {EDIT, *(f"XCUIElementType{kind}" for kind in ("TextField", "SecureTextField", "TextView"))}
)
"""Classes of what takes text, Android's and iOS's."""
SWITCHES = frozenset({SWITCH, "XCUIElementTypeSwitch"})

MAX_TEXT = 2000
"""Characters that a text field takes; longer input is cut."""

Bounds = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first ones outside."""

# What XML 1.0 section 2.2 allows as Char: a node's text ends up in a page source.
_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAKS = re.compile("[\n\r\x85\u2028\u2029]+")


def speakable(text: str, limit: int = MAX_TEXT) -> str:
    """Return ``text``, cut to ``limit`` characters, with U+FFFD for what no screen can show."""
    return _UNSPEAKABLE.sub("\ufffd", text[:limit])


def one_line(text: str, limit: int = MAX_TEXT) -> str:
    """Return ``text`` as ``speakable`` does, on a single line."""
    return _LINE_BREAKS.sub(" ", speakable(text, limit))


class Look(StrEnum):
    """How a node is drawn. Nothing but the picture depends on it."""

    PLAIN = "plain"
    NONE = "none"
    TITLE = "title"
    STATUS = "status"
    STATUS_BUSY = "status_busy"
    STATUS_READY = "status_ready"
    CARD = "card"
    HEADING = "heading"
    WARNING = "warning"
    FILLED = "filled"
    OUTLINED = "outlined"
    DANGER = "danger"
    MONOSPACE = "monospace"


@dataclass(slots=True, eq=False)
class Node:
    """One element of an activity: the same object as long as its activity lives.

    Changed by its activity alone, under the screen's lock.
    """

    key: str
    """Unique within its activity."""
    class_name: str
    bounds: Bounds
    package: str
    text: str = ""
    hint: str = ""
    """Floating label of a text field."""
    clickable: bool = False
    enabled: bool = True
    focused: bool = False
    checkable: bool = False
    checked: bool = False
    selected: bool = False
    """iOS's trait: the one that is chosen among others."""
    password: bool = False
    multiline: bool = False
    scrollable: bool = False
    children: list[Node] = field(default_factory=list)
    content_desc: str = ""
    resource_id: str = ""
    look: Look = Look.NONE

    @property
    def takes_text(self) -> bool:
        """Whether it is a text field."""
        return self.class_name in FIELDS

    def walk(self) -> Iterator[Node]:
        """Yield this node and everything below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, key: str) -> Node:
        """Return the node called ``key`` at or below this one. Raises LookupError."""
        found = next((node for node in self.walk() if node.key == key), None)
        if found is None:
            raise LookupError(f"no node {key!r}")
        return found

    def copy(self) -> Node:
        """Return a deep copy, which nobody changes."""
        return replace(self, children=[child.copy() for child in self.children])
