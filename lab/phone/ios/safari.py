"""The iPhone's Safari: the unpinned control client. It trusts what the phone trusts.

A configuration profile that a server sends goes to Settings, once the user allows it.
"""

from __future__ import annotations

from functools import partial

from lab.phone.browsing import BrowsingActivity, MakeClient, WebClient
from lab.phone.http import HttpClient
from lab.phone.ios import safari_words as words
from lab.phone.ios.safari_words import BLANK, SafariPage
from lab.phone.ios.screen import IPhoneActivity
from lab.phone.ios.screen_nodes import (
    BAR_ENDS,
    HEIGHT,
    HOME_INDICATOR,
    INDICATOR,
    LEFT,
    LINK,
    RIGHT,
    STATUS_BAR,
    WEB_VIEW,
    WIDTH,
    alert,
    application,
    button,
    field,
    text,
)
from lab.phone.ios.screen_seam import Profiles, Refused
from lab.phone.ios.trust_rules import IOS
from lab.phone.node import Look, Node
from lab.phone.services import HttpResponse, PhoneServices
from lab.phone.ui import Changes

BUNDLE_ID = "com.apple.mobilesafari"
USER_AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


def web_client(phone: PhoneServices, verify: bool) -> WebClient:
    """Return iOS's own client, under its trust rules and its one store."""
    return HttpClient(phone, user_agent=USER_AGENT, user_store=True, verify=verify, rules=IOS)


class SafariActivity(IPhoneActivity, BrowsingActivity[SafariPage]):
    """Safari, with a single tab. ``profiles`` are where it leaves a downloaded profile."""

    package = BUNDLE_ID
    name = "Safari"
    tag = "MobileSafari"

    def __init__(
        self,
        phone: PhoneServices,
        profiles: Profiles,
        changes: Changes | None = None,
        make_client: MakeClient | None = None,
    ) -> None:
        root = application(BUNDLE_ID, self.name)
        client = make_client or partial(web_client, phone)
        super().__init__(phone, changes or Changes(), root, client)
        self._profiles = profiles
        self._window = root.children[0]
        top = STATUS_BAR + 12
        self._address = field(
            "address", BUNDLE_ID, "Search or enter website name", (LEFT, top, 950, BAR_ENDS)
        )
        self._address.resource_id, self._address.content_desc = "URL", "Address"
        self._reload = button("reload", BUNDLE_ID, "", (968, top, RIGHT, BAR_ENDS))
        self._progress = Node("progress", INDICATOR, (LEFT, 330, 400, 390), BUNDLE_ID)
        self._progress.text, self._progress.look = "In progress", Look.PLAIN
        self._web = Node("page", WEB_VIEW, (0, 400, WIDTH, HEIGHT - HOME_INDICATOR), BUNDLE_ID)
        self._page = BLANK
        self._unfolded = False
        self._asking: Node | None = None
        self._buttons = {
            "reload": self._reload_or_stop,
            "address": lambda: self.open(self._address.text),
            "go_back": self._leave,
            "details": self._unfold,
            "visit": lambda: self._ask(words.VISIT_TITLE, "", ("visit_sure", words.VISIT_SURE)),
            "visit_sure": self._visit,
            "allow": self._download,
            "close": self._close_alert,
        }
        self._show(BLANK)

    def enter(self) -> None:
        with self._changes.edit():
            address = self._address.text if self._address.focused else ""
            self._put_away()
            self.open(address)

    def back(self) -> bool:
        with self._changes.edit():
            was_blank = self._page is BLANK and not self.loading
            self._leave()
            return not was_blank

    # -- what a page looks like ------------------------------------------------------------

    def _blank(self) -> SafariPage:
        return BLANK

    def _too_many(self, url: str) -> SafariPage:
        return words.too_many(url)

    def _answered(self, response: HttpResponse, url: str) -> SafariPage:
        return words.page_of(response, url)

    def _failed(self, error: BaseException, url: str) -> SafariPage:
        return words.error_page(error, url)

    def _summary(self, page: SafariPage) -> str:
        return page.heading

    def _show(self, page: SafariPage) -> None:
        self._page, self._unfolded, self._asking = page, False, None
        if page.profile is not None:
            self._ask(words.PROFILE_ASKS, "", ("allow", words.ALLOW), last=words.IGNORE)
        self._lay_out()

    def _lay_out(self) -> None:
        page = self._page
        self._web.text = page.title
        parts: list[Node] = []
        if page.heading:
            parts.append(self._text("heading", page.heading, 430, 520, Look.WARNING))
        if page.text:
            parts.append(self._text("body", page.text, 540, 900))
        if page.proceed:
            go_back = (LEFT, 930, WIDTH // 2 - 12, 1040)
            parts.append(button("go_back", BUNDLE_ID, words.GO_BACK, go_back))
            details = (WIDTH // 2 + 12, 930, RIGHT, 1040)
            parts.append(button("details", BUNDLE_ID, words.SHOW_DETAILS, details))
        if page.proceed and self._unfolded:
            parts.append(self._text("details_text", words.DETAILS_TEXT, 1070, 1400))
            visit = button("visit", BUNDLE_ID, words.VISIT, (LEFT, 1420, RIGHT, 1530))
            visit.class_name, visit.look = LINK, Look.DANGER
            parts.append(visit)
        self._web.children = parts
        loading = [self._progress] if self.loading else []
        self._reload.text = "stop" if self.loading else "reload"
        self._reload.resource_id = "StopButton" if self.loading else "ReloadButton"
        self._window.children = [self._address, self._reload, *loading, self._web]
        if self._asking is not None:
            self._window.children.append(self._asking)

    def _text(self, key: str, said: str, top: int, bottom: int, look: Look = Look.PLAIN) -> Node:
        node = text(key, BUNDLE_ID, said, (LEFT, top, RIGHT, bottom))
        node.look = look
        return node

    # -- what its buttons do ---------------------------------------------------------------

    def _reload_or_stop(self) -> None:
        if self.loading:
            self._leave()
        else:
            self.open(self._address.text)

    def _unfold(self) -> None:
        self._unfolded = True
        self._lay_out()

    def _visit(self) -> None:
        self._close_alert()
        self._begin(self._page.proceed, verify=False)

    def _ask(
        self, title: str, message: str, yes: tuple[str, str] | None, *, last: str = words.CANCEL
    ) -> None:
        buttons = (("close", last), *([yes] if yes is not None else []))
        self._asking = alert(BUNDLE_ID, title, message, buttons)
        self._lay_out()

    def _close_alert(self) -> None:
        self._asking = None
        self._lay_out()

    def _download(self) -> None:
        title, message = words.PROFILE_HERE, words.PROFILE_HERE_TEXT
        try:
            taken = self._profiles.download(self._page.profile or b"")
            self._phone.log(self.tag, "INFO", f"profile downloaded: {taken.name}")
        except Refused as error:
            title, message = words.PROFILE_BAD, str(error)
        self._ask(title, message, None, last=words.CLOSE)
