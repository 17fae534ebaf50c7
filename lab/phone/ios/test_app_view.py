"""How TrustPin's iOS TestApp is laid out (contract section 6.2), in a lab build.

Its lab build has two more fields, ``Configuration URL`` and ``Report URL``, and its toggle can be
moved. The rows of the log are text nodes of their own, the last one at the bottom of its box.
"""

from __future__ import annotations

from collections.abc import Sequence

from lab.phone.app_view import DEFAULT_URL
from lab.phone.ios.screen_nodes import (
    BAR_ENDS,
    HEIGHT,
    HOME_INDICATOR,
    LEFT,
    OTHER,
    RIGHT,
    SCROLL_VIEW,
    TEXT_VIEW,
    WIDTH,
    application,
    button,
    field,
    navigation_bar,
    switch,
    text,
)
from lab.phone.node import Look, Node

BUNDLE_ID = "cloud.trustpin.TestApp"
NAME = "TestApp"
TITLE = "TrustPin Sample App"
SETUP = "Setup TrustPin"

READY = "TrustPin configured"
NOT_CONFIGURED = "TrustPin not configured"
BLOCKS = "Blocks connections to unregistered domains"
ALLOWS = "Allows connections to unregistered domains"
STRICT, PERMISSIVE = "Strict Mode", "Permissive Mode"

ROW = 54
_LOG = (LEFT, 1977, RIGHT, HEIGHT - HOME_INDICATOR)
_MIDDLE = WIDTH // 2


class TestAppView:
    """The nodes of the TestApp. It knows what they look like in each state, nothing more."""

    __test__ = False

    def __init__(self) -> None:
        self.root = application(BUNDLE_ID, NAME)
        page = Node("page", SCROLL_VIEW, (0, BAR_ENDS, WIDTH, HEIGHT), BUNDLE_ID)
        self.root.children[0].children = [navigation_bar(BUNDLE_ID, TITLE), page]
        self._parts = page.children
        self._at = BAR_ENDS + 12

        self._heading("TrustPin Configuration")
        self.organization = self._field("Organization ID", "Enter your organization ID")
        self.project = self._field("Project ID", "Enter your project ID")
        self.public_key = self._field("Public Key", "Enter your base64 public key")
        self.public_key.class_name, self.public_key.multiline = TEXT_VIEW, True
        self.configuration_url = self._field("Configuration URL", "https://config.example.com")
        self.report_url = self._field("Report URL", "https://reports.example.com")
        self._caption("Pinning Mode")
        self._mode = text("mode", BUNDLE_ID, STRICT, (LEFT, self._at, _MIDDLE, self._at + 84))
        row = (_MIDDLE, self._at, RIGHT, self._at + 84)
        self.permissive = switch("permissive", BUNDLE_ID, "", row)
        self._at += 84
        self._hint = text("hint", BUNDLE_ID, BLOCKS, (LEFT, self._at, RIGHT, self._at + 48))
        self._at += 54
        self.setup = self._button("setup", SETUP, LEFT, RIGHT, Look.FILLED)
        self._at += 108
        self._parts += [self._mode, self.permissive, self._hint, self.setup]

        self._heading("Connection Testing")
        self.url = self._field("Test URL (GET)", "https://api.example.com")
        self.url.text, self.url.key = DEFAULT_URL, "url"
        self.test = self._button("test", "Test Connection", LEFT, _MIDDLE - 9, Look.FILLED)
        self.fetch = self._button("fetch", "Fetch Certificate", _MIDDLE + 9, RIGHT, Look.OUTLINED)
        self._at += 108
        badge = (LEFT, self._at, RIGHT, self._at + 66)
        self.status = text("status", BUNDLE_ID, "", badge)
        self._parts += [self.test, self.fetch, self.status]
        self._at += 72

        self._heading("Log Output")
        self.clear = self._button("clear", "Clear Log", RIGHT - 330, RIGHT, Look.OUTLINED)
        left, top, right, bottom = self.clear.bounds
        self.clear.bounds = (left, top - 78, right, bottom - 96)
        self._log = Node("log", OTHER, _LOG, BUNDLE_ID, look=Look.MONOSPACE)
        self._parts += [self.clear, self._log]
        self.show_status("", configured=False)

    def show_setup(self, *, under_way: bool, done: bool) -> None:
        """Show how far the setup is: the button of 4.1 is never disabled, and nothing is locked."""
        self._show_mode()

    def show_status(self, busy: str, *, configured: bool) -> None:
        """Show what is under way (``busy``, empty for nothing), else whether the SDK is set up."""
        self.test.enabled = configured and not busy
        self.fetch.enabled = not busy
        self.status.text = f"Status: {busy or (READY if configured else NOT_CONFIGURED)}"
        ready = Look.STATUS_READY if configured else Look.STATUS
        self.status.look = Look.STATUS_BUSY if busy else ready
        self._show_mode()

    def show_log(self, lines: Sequence[str]) -> None:
        """Show the log, oldest line first; those that have scrolled out of its box are still
        there, above it."""
        left, top, right, bottom = _LOG
        first = bottom - 12 - ROW * len(lines)
        rows: list[Node] = []
        for number, line in enumerate(lines):
            at = first + ROW * number
            # With its words: the row in its place after the log was cleared is another one.
            key = f"log/{number}/{line[:60]}"
            row = text(key, BUNDLE_ID, line, (left + 18, at, right, at + ROW))
            if at < top:
                row.look = Look.NONE
            rows.append(row)
        self._log.children = rows

    def _show_mode(self) -> None:
        on = self.permissive.checked
        self._mode.text, self._hint.text = (PERMISSIVE, ALLOWS) if on else (STRICT, BLOCKS)

    def _heading(self, words: str) -> None:
        node = text(f"heading/{words}", BUNDLE_ID, words, (LEFT, self._at, RIGHT, self._at + 78))
        node.look = Look.HEADING
        self._parts.append(node)
        self._at += 78

    def _caption(self, words: str) -> None:
        bounds = (LEFT, self._at, RIGHT, self._at + 48)
        self._parts.append(text(f"caption/{words}", BUNDLE_ID, words, bounds))
        self._at += 48

    def _field(self, caption: str, placeholder: str) -> Node:
        self._caption(caption)
        key = caption.lower().replace(" ", "_")
        node = field(key, BUNDLE_ID, placeholder, (LEFT, self._at, RIGHT, self._at + 96))
        self._parts.append(node)
        self._at += 108
        return node

    def _button(self, key: str, label: str, left: int, right: int, look: Look) -> Node:
        node = button(key, BUNDLE_ID, label, (left, self._at, right, self._at + 96))
        node.look = look
        return node
