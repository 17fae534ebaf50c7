"""The phone's browser: the control client. It trusts what its user trusts and has no pins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from lab.phone.activity import BaseActivity, Show, described, words
from lab.phone.http import HttpClient
from lab.phone.node import (
    BUTTON,
    EDIT,
    FRAME,
    HEIGHT,
    STATUS_BAR,
    TEXT,
    WIDTH,
    Bounds,
    Look,
    Node,
    one_line,
)
from lab.phone.services import (
    Cancellation,
    HttpResponse,
    PhoneServices,
    PlatformError,
    SslHandshakeError,
    SslPeerUnverifiedError,
)
from lab.phone.ui import Changes

PACKAGE = "com.android.browser"
USER_AGENT = "Mozilla/5.0 (Linux; Android 14; VirtualPhone) LabBrowser/1.0"
EXCERPT = 200
"""Characters of a page that are shown."""

LOADING = "Loading..."
NOT_PRIVATE = "Your connection is not private"
UNREACHABLE = "This site can't be reached"
BACK_TO_SAFETY = "Back to safety"
PROCEED = "Proceed anyway"


class WebClient(Protocol):
    """What the browser loads pages with."""

    def request(self, url: str, *, cancellation: Cancellation | None = None) -> HttpResponse:
        """Request ``url``. Raises PlatformError."""


MakeClient = Callable[[bool], WebClient]
"""Makes a client; called with whether it minds certificate errors."""


def web_client(phone: PhoneServices, verify: bool) -> WebClient:
    """Return the platform's own client, under the user's trust store."""
    return HttpClient(phone, user_agent=USER_AGENT, user_store=True, verify=verify)


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows below its address bar."""

    heading: str = ""
    """The status, or what went wrong."""
    text: str = ""
    detail: str = ""
    """The class of an error, as the sample app gives it."""
    look: Look = Look.HEADING
    proceed: str = ""
    """URL that the user may request in spite of a certificate error; empty for none."""


BLANK = Page()


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
        self._address.clickable = True
        go = _button("go", "Go", (884, top, 1056, top + 112), Look.FILLED)
        self._bar = [self._address, go]
        self._heading = Node("status", TEXT, (64, 300, 1016, 400), PACKAGE)
        self._text = Node("body", TEXT, (64, 410, 1016, 690), PACKAGE, look=Look.PLAIN)
        self._detail = Node("detail", TEXT, (64, 700, 1016, 760), PACKAGE, look=Look.PLAIN)
        self._choice = [
            _button("back", BACK_TO_SAFETY, (64, 820, 1016, 932), Look.FILLED),
            _button("proceed", PROCEED, (64, 964, 1016, 1076), Look.DANGER),
        ]
        self._load: _Load | None = None
        self._page = BLANK
        self._buttons = {
            "go": lambda: self.open(self._address.text),
            "back": self._leave,
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
            was_blank = self._page is BLANK
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
            self._show(Page(LOADING))
        else:
            self._show(Page(UNREACHABLE, "Too many pages are being loaded", look=Look.WARNING))

    def _cancel(self) -> None:
        if self._load is not None:
            self._load.cancellation.fire()
            self._load = None

    def _request(self, load: _Load, verify: bool) -> Show:
        try:
            client = self._make_client(verify)
            page = page_of(client.request(load.url, cancellation=load.cancellation))
        except BaseException as error:  # noqa: BLE001 - said on the screen, nothing hides it
            page = error_page(error, load.url)
        return partial(self._loaded, load, page)

    def _loaded(self, load: _Load, page: Page) -> None:
        if load is not self._load:
            return
        self._load = None
        level = "ERROR" if page.look is Look.WARNING else "INFO"
        self._phone.log("Browser", level, f"{load.url}: {page.heading}: {page.text}")
        self._show(page)

    def _show(self, page: Page) -> None:
        self._page = page
        self._heading.text, self._heading.look = page.heading, page.look
        self._text.text, self._detail.text = page.text, page.detail
        shown = [node for node in (self._heading, self._text, self._detail) if node.text]
        self._root.children = [*self._bar, *shown, *(self._choice if page.proceed else ())]

    def _end(self) -> None:
        with self._changes.edit():
            self._cancel()


def page_of(response: HttpResponse) -> Page:
    """Return the page that shows an answer: its status and how it begins."""
    status = one_line(f"{response.status} {response.reason}", EXCERPT).rstrip()
    # No character of UTF-8 takes more than four bytes.
    text = response.body[: 4 * EXCERPT].decode("utf-8", "replace")
    return Page(status, one_line(text, EXCERPT))


def error_page(error: BaseException, url: str) -> Page:
    """Return the page that shows an error. One about the certificate can be overruled."""
    if isinstance(error, SslHandshakeError | SslPeerUnverifiedError):
        return Page(NOT_PRIVATE, words(error), _type(error), Look.WARNING, proceed=url)
    if isinstance(error, PlatformError):
        return Page(UNREACHABLE, words(error), _type(error), Look.WARNING)
    return Page(UNREACHABLE, described(error), look=Look.WARNING)


def _type(error: PlatformError) -> str:
    return f"Error type: {error.java_name}"


def _button(key: str, text: str, bounds: Bounds, look: Look) -> Node:
    return Node(key, BUTTON, bounds, PACKAGE, text, clickable=True, look=look)
