"""How the sample app's screen is laid out: one page, all of it in view."""

from __future__ import annotations

from collections.abc import Sequence

from lab.phone.node import (
    BUTTON,
    EDIT,
    FRAME,
    HEIGHT,
    NAVIGATION_BAR,
    SCROLL,
    STATUS_BAR,
    SWITCH,
    TEXT,
    WIDTH,
    Bounds,
    Look,
    Node,
)

PACKAGE = "cloud.trustpin.android.sample"
DEFAULT_URL = "https://api.acme.test/health"
"""The lab's own: no host of the vendor's is ever contacted."""

SETUP = "Setup TrustPin"
CONFIGURING = "Configuring..."
CONFIGURED = "TrustPin Configured ✓"

NOT_CONFIGURED = "TrustPin not configured"
READY = "TrustPin configured"
TESTING = "Testing connection..."
FETCHING = "Fetching certificate..."

_TITLE_ENDS = STATUS_BAR + 120
_STATUS_ENDS = _TITLE_ENDS + 64
_MARGIN = 24
_PADDING = 28
_LEFT = _MARGIN + _PADDING
_RIGHT = WIDTH - _LEFT
_MIDDLE = WIDTH // 2
_LOG_ENDS = 2250
"""Leaves room for a toast, which must not cover the last lines of the log."""


class SampleView:
    """The nodes of the sample app. It knows what they look like in each state, nothing more."""

    def __init__(self) -> None:
        title = _text("title", "TrustPin Sample App", (0, STATUS_BAR, WIDTH, _TITLE_ENDS))
        title.look = Look.TITLE
        self.status = _text("status", NOT_CONFIGURED, (0, _TITLE_ENDS, WIDTH, _STATUS_ENDS))
        self.status.look = Look.STATUS

        self.organization = _field("organization", "Organization ID", 372, right=_MIDDLE - 8)
        self.project = _field("project", "Project ID", 372, left=_MIDDLE + 8)
        self.public_key = _field("public_key", "Public Key", 500, height=168)
        self.public_key.multiline = True
        self.configuration_url = _field("configuration_url", "Configuration URL", 684)
        self.report_url = _field("report_url", "Report URL", 812)
        self.permissive = Node(
            "permissive", SWITCH, (_LEFT, 936, _RIGHT, 1012), PACKAGE, "Permissive Mode"
        )
        self.permissive.clickable = self.permissive.checkable = True
        self.setup = _button("setup", SETUP, (_LEFT, 1028, _RIGHT, 1128), Look.FILLED)
        configuration = _card("configuration", "TrustPin Configuration", 284, 1152)
        configuration.children += [*self.inputs, self.setup]

        self.url = _field("url", "Test URL", 1260)
        self.url.text = DEFAULT_URL
        halves = (_LEFT, 1388, _MIDDLE - 8, 1488), (_MIDDLE + 8, 1388, _RIGHT, 1488)
        self.test = _button("test", "Test Connection", halves[0], Look.FILLED)
        self.fetch = _button("fetch", "Fetch Certificate", halves[1], Look.OUTLINED)
        testing = _card("testing", "Connection Testing", 1172, 1512)
        testing.children += [self.url, self.test, self.fetch]

        self.clear = _button("clear", "Clear Log", (748, 1552, _RIGHT, 1624), Look.OUTLINED)
        self.log = _text("log", "", (_LEFT, 1640, _RIGHT, _LOG_ENDS))
        self.log.look = Look.MONOSPACE
        output = _card("output", "Log Output", 1532, _LOG_ENDS + 20)
        output.children[0].bounds = (_LEFT, 1552, 740, 1624)
        output.children += [self.clear, self.log]

        page = Node("page", SCROLL, (0, _STATUS_ENDS, WIDTH, HEIGHT - NAVIGATION_BAR), PACKAGE)
        page.children = [configuration, testing, output]
        self.root = Node("root", FRAME, (0, 0, WIDTH, HEIGHT), PACKAGE)
        self.root.children = [title, self.status, page]

    @property
    def inputs(self) -> tuple[Node, ...]:
        """What is locked once the SDK is set up, in the order of the screen."""
        return (
            self.organization,
            self.project,
            self.public_key,
            self.configuration_url,
            self.report_url,
            self.permissive,
        )

    def show_setup(self, *, under_way: bool, done: bool) -> None:
        """Show how far the setup is."""
        self.setup.text = CONFIGURED if done else CONFIGURING if under_way else SETUP
        self.setup.enabled = not (done or under_way)
        for node in self.inputs:
            node.enabled = not (done or under_way)

    def show_log(self, lines: Sequence[str]) -> None:
        """Show the log, oldest line first."""
        self.log.text = "\n".join(lines)

    def show_status(self, busy: str, *, configured: bool) -> None:
        """Show what is under way (``busy``, empty for nothing), else whether the SDK is set up."""
        self.test.enabled = self.fetch.enabled = not busy
        self.status.text = busy or (READY if configured else NOT_CONFIGURED)
        ready = Look.STATUS_READY if configured else Look.STATUS
        self.status.look = Look.STATUS_BUSY if busy else ready


def _text(key: str, text: str, bounds: Bounds) -> Node:
    return Node(key, TEXT, bounds, PACKAGE, text, look=Look.PLAIN)


def _field(
    key: str, hint: str, top: int, *, left: int = _LEFT, right: int = _RIGHT, height: int = 112
) -> Node:
    return Node(key, EDIT, (left, top, right, top + height), PACKAGE, hint=hint, clickable=True)


def _button(key: str, text: str, bounds: Bounds, look: Look) -> Node:
    return Node(key, BUTTON, bounds, PACKAGE, text, clickable=True, look=look)


def _card(key: str, heading: str, top: int, bottom: int) -> Node:
    card = Node(key, FRAME, (_MARGIN, top, WIDTH - _MARGIN, bottom), PACKAGE, look=Look.CARD)
    title = _text(f"{key}_heading", heading, (_LEFT, top + 20, _RIGHT, top + 76))
    title.look = Look.HEADING
    card.children.append(title)
    return card
