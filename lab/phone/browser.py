"""The phone's browser: the control client. It trusts what its user trusts and has no pins.

It shows what Chrome shows, in Chrome's words: one page object works both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from lab.phone.activity import BaseActivity, Show, words
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
    one_line,
)
from lab.phone.services import Cancellation, HttpResponse, PhoneServices
from lab.phone.ui import Changes

PACKAGE = "com.android.browser"
USER_AGENT = "Mozilla/5.0 (Linux; Android 14; VirtualPhone) LabBrowser/1.0"
WEB_VIEW = "android.webkit.WebView"
PROGRESS = "android.widget.ProgressBar"

_LEFT, _RIGHT = 64, 1016


class WebClient(Protocol):
    """What the browser loads pages with."""

    def request(self, url: str, *, cancellation: Cancellation | None = None) -> HttpResponse:
        """Request ``url``. Raises PlatformError."""


MakeClient = Callable[[bool], WebClient]
"""Makes a client; called with whether it minds certificate errors."""


def web_client(phone: PhoneServices, verify: bool) -> WebClient:
    """Return the platform's own client, under the user's trust store."""
    return HttpClient(phone, user_agent=USER_AGENT, user_store=True, verify=verify)


@dataclass(slots=True)
class _Load:
    """One page being loaded; the latest one counts."""

    url: str
    cancellation: Cancellation = field(default_factory=Cancellation)


class BrowserActivity(BaseActivity):
    """The browser, with a single tab."""

    package = PACKAGE
    name = ".BrowserActivity"

    def __init__(
        self,
        phone: PhoneServices,
        changes: Changes | None = None,
        make_client: MakeClient | None = None,
    ) -> None:
        root = Node("root", FRAME, (0, 0, WIDTH, HEIGHT), PACKAGE)
        super().__init__(phone, changes or Changes(), root)
        self._make_client = make_client or partial(web_client, phone)
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
        self._load: _Load | None = None
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

    def open(self, url: str) -> None:
        """Load a page. An address without a scheme means https."""
        url = one_line(url).strip()
        if url:
            with self._changes.edit():
                self._begin(url if "://" in url else f"https://{url}", verify=True)

    def back(self) -> bool:
        with self._changes.edit():
            was_blank = self._page is BLANK and self._load is None
            self._leave()
            return not was_blank

    def _leave(self) -> None:
        self._cancel()
        self._address.text = ""
        self._show(BLANK)

    def _begin(self, url: str, *, verify: bool) -> None:
        self._cancel()
        load = _Load(url)
        self._address.text = url
        if self._start("load", partial(self._request, load, verify)):
            self._load = load
            self._show(BLANK)
        else:
            said = "Too many pages are being loaded"
            self._show(Page(host_of(url), UNREACHABLE, said, "ERR_FAILED", Look.WARNING))

    def _cancel(self) -> None:
        if self._load is not None:
            self._load.cancellation.fire()
            self._load = None

    def _request(self, load: _Load, verify: bool) -> Show:
        try:
            client = self._make_client(verify)
            response = client.request(load.url, cancellation=load.cancellation)
            page = page_of(response, load.url)
            said = one_line(f"{response.status} {response.reason}", 100).rstrip()
        except BaseException as error:  # noqa: BLE001 - said on the screen, nothing hides it
            page = error_page(error, load.url)
            said = f"{page.heading}: {page.code}: {words(error)}"
        return partial(self._loaded, load, page, said)

    def _loaded(self, load: _Load, page: Page, said: str) -> None:
        if load is not self._load:
            return
        self._load = None
        level = "ERROR" if page.is_error else "INFO"
        self._phone.log("Browser", level, f"{load.url}: {said}")
        self._show(page)

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
        loading = [self._progress] if self._load is not None else []
        self._root.children = [*self._bar, *loading, self._web]

    def _end(self) -> None:
        with self._changes.edit():
            self._cancel()


def _text(key: str, top: int, bottom: int) -> Node:
    return Node(key, TEXT, (_LEFT, top, _RIGHT, bottom), PACKAGE, look=Look.PLAIN)


def _button(key: str, text: str, bounds: Bounds, look: Look) -> Node:
    return Node(key, BUTTON, bounds, PACKAGE, text, clickable=True, look=look)
