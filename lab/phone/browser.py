"""The phone's browser: the control client. It trusts what its user trusts and has no pins.

It shows what Chrome shows, in Chrome's words: one page object works both.
"""

from __future__ import annotations

from functools import partial

from lab.phone.browser_words import (
    ADVANCED,
    BACK_TO_SAFETY,
    BLANK,
    HIDE,
    LOADING,
    PROCEED,
    UNREACHABLE,
    Page,
    error_page,
    host_of,
    page_of,
)
from lab.phone.browsing import BrowsingActivity, MakeClient, WebClient
from lab.phone.http import HttpClient
from lab.phone.node import (
    BUTTON,
    EDIT,
    FRAME,
    HEIGHT,
    NAVIGATION_BAR,
    STATUS_BAR,
    TEXT,
    WIDTH,
    Bounds,
    Look,
    Node,
)
from lab.phone.services import HttpResponse, PhoneServices
from lab.phone.ui import Changes

PACKAGE = "com.android.browser"
USER_AGENT = "Mozilla/5.0 (Linux; Android 14; VirtualPhone) LabBrowser/1.0"
WEB_VIEW = "android.webkit.WebView"
PROGRESS = "android.widget.ProgressBar"

_LEFT, _RIGHT = 64, 1016


def web_client(phone: PhoneServices, verify: bool) -> WebClient:
    """Return the platform's own client, under the user's trust store."""
    return HttpClient(phone, user_agent=USER_AGENT, user_store=True, verify=verify)


class BrowserActivity(BrowsingActivity[Page]):
    """The browser, with a single tab."""

    package = PACKAGE
    name = ".BrowserActivity"
    tag = "Browser"

    def __init__(
        self,
        phone: PhoneServices,
        changes: Changes | None = None,
        make_client: MakeClient | None = None,
    ) -> None:
        root = Node("root", FRAME, (0, 0, WIDTH, HEIGHT), PACKAGE)
        client = make_client or partial(web_client, phone)
        super().__init__(phone, changes or Changes(), root, client)
        top = STATUS_BAR + 12
        self._address = Node("address", EDIT, (24, top, 868, top + 112), PACKAGE, hint="Address")
        self._address.clickable, self._address.resource_id = True, f"{PACKAGE}:id/url_bar"
        go = _button("go", "Go", (884, top, 1056, top + 112), Look.FILLED)
        self._bar = [self._address, go]
        progress = (_LEFT, 230, _RIGHT, 300)
        self._progress = Node("progress", PROGRESS, progress, PACKAGE, LOADING, look=Look.PLAIN)
        self._web = Node("page", WEB_VIEW, (0, 300, WIDTH, HEIGHT - NAVIGATION_BAR), PACKAGE)
        self._heading = _text("status", 320, 400)
        self._text = _text("body", 410, 690)
        self._code = _text("code", 700, 760)
        self._more = _text("more", 1090, 1370)
        self._advanced = _button("advanced", ADVANCED, (_LEFT, 964, _RIGHT, 1076), Look.OUTLINED)
        self._choice = [
            _button("back", BACK_TO_SAFETY, (_LEFT, 820, _RIGHT, 932), Look.FILLED),
            self._advanced,
        ]
        self._link = _button("proceed", "", (_LEFT, 1390, _RIGHT, 1502), Look.DANGER)
        # As a link is to Android: something to be viewed, no button.
        self._link.class_name = "android.view.View"
        self._page = BLANK
        self._unfolded = False
        self._buttons = {
            "go": lambda: self.open(self._address.text),
            "address": lambda: self.open(self._address.text),
            "back": self._leave,
            "advanced": self._unfold,
            "proceed": lambda: self._begin(self._page.proceed, verify=False),
        }
        self._show(BLANK)

    def back(self) -> bool:
        with self._changes.edit():
            was_blank = self._page is BLANK and not self.loading
            self._leave()
            return not was_blank

    def _blank(self) -> Page:
        return BLANK

    def _too_many(self, url: str) -> Page:
        said = "Too many pages are being loaded"
        return Page(host_of(url), UNREACHABLE, said, "ERR_FAILED", Look.WARNING)

    def _answered(self, response: HttpResponse, url: str) -> Page:
        return page_of(response, url)

    def _failed(self, error: BaseException, url: str) -> Page:
        return error_page(error, url)

    def _summary(self, page: Page) -> str:
        return f"{page.heading}: {page.code}" if page.is_error else ""

    def _unfold(self) -> None:
        """Show what is behind ``Advanced``, or hide it again."""
        self._unfolded = not self._unfolded
        self._lay_out()

    def _show(self, page: Page) -> None:
        self._page, self._unfolded = page, False
        self._web.text = page.title
        self._heading.text, self._heading.look = page.heading, page.look
        self._text.text, self._code.text, self._more.text = page.text, page.code, page.more
        self._link.text = PROCEED.format(host_of(page.proceed))
        self._lay_out()

    def _lay_out(self) -> None:
        self._advanced.text = HIDE if self._unfolded else ADVANCED
        said = [node for node in (self._heading, self._text, self._code) if node.text]
        choice = self._choice if self._page.proceed else []
        below = [self._more, self._link] if self._unfolded else []
        self._web.children = [*said, *choice, *below]
        loading = [self._progress] if self.loading else []
        self._root.children = [*self._bar, *loading, self._web]


def _text(key: str, top: int, bottom: int) -> Node:
    return Node(key, TEXT, (_LEFT, top, _RIGHT, bottom), PACKAGE, look=Look.PLAIN)


def _button(key: str, text: str, bounds: Bounds, look: Look) -> Node:
    return Node(key, BUTTON, bounds, PACKAGE, text, clickable=True, look=look)
