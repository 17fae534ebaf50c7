"""The page object of Safari on an iPhone, the unpinned control client.

What a page's status was Safari does not show: a page that is there is an answer. Texts are those of
iOS in English; exercised here on the virtual iPhone alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

from lab.apps.android import NotOnScreen, ScreenUnreadable, said, spelt
from lab.apps.ios import BUTTON, WEB_VIEW, Element, Page, attended, read, tap
from lab.apps.messages_ios import read_error
from lab.model.outcome import Answer, AppOutcome, ErrorKind

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver

BUNDLE_ID = "com.apple.mobilesafari"
ANSWER_CAP = 25.0
"""Seconds to wait until a page has been loaded, or has not."""
START_CAP = 3.0
"""Seconds until Safari must be in front."""
MOST_TAPS = 12
"""Screens that are tapped away before a page is given up."""
MAX_LOG = 40

_LOADING = ("XCUIElementTypeActivityIndicator", "XCUIElementTypeProgressIndicator")
_STOP = "StopButton"
"""Safari's button while a page is being loaded."""

NOT_PRIVATE = "this connection is not private"
CANNOT_OPEN = "safari can't open the page"
PROCEED = ("Visit Website", "visit this website", "Show Details")
"""What leads past a certificate's warning, the last step first."""
FIRST_RUN = ("Continue", "Not Now", "Close")
"""What is tapped on what Safari shows when it is new."""
ALLOW, CLOSE = "Allow", "Close"
PROFILE_HERE = "profile downloaded"

_CODE = re.compile(r"\((NSURLErrorDomain|kCFErrorDomainCFNetwork):(-?\d{1,5})\)")
_CERTIFICATE = frozenset({ErrorKind.CHAIN, ErrorKind.NAME, ErrorKind.TIME})
_CODES = {
    **dict.fromkeys((-1201, -1204), frozenset({ErrorKind.TIME})),
    -1202: _CERTIFICATE,
    -1203: frozenset({ErrorKind.CHAIN}),
    -1200: frozenset({ErrorKind.TLS, ErrorKind.CHAIN}),
    **dict.fromkeys((-1205, -1206), frozenset({ErrorKind.TLS})),
    **dict.fromkeys(
        (-1001, -1003, -1004, -1005, -1009, -1022, 310), frozenset({ErrorKind.NETWORK})
    ),
    **dict.fromkeys((-1007, -1011, -1017), frozenset({ErrorKind.HTTP})),
}
"""What the codes of NSURLErrorDomain and CFNetwork mean."""

_TEXTS = (
    (re.compile("establish a secure connection"), frozenset({ErrorKind.TLS, ErrorKind.CHAIN})),
    (re.compile("redirects"), frozenset({ErrorKind.HTTP})),
    (
        re.compile(
            "find the server|server can't be found|connect to the server|responding"
            "|connection was lost|not connected to the internet|proxy server"
        ),
        frozenset({ErrorKind.NETWORK}),
    ),
)
"""What Safari says where it names no code."""


class Safari:
    """Works Safari's screen. Implements ``lab.apps.page.BrowserPage``."""

    package = BUNDLE_ID

    def __init__(self, driver: WebDriver, *, answer_cap: float = ANSWER_CAP) -> None:
        self._driver = driver
        self._answer_cap = answer_cap

    def open(self, url: str, *, careless: bool) -> AppOutcome:
        try:
            self._go(url)
            return read_page(self._await(careless=careless))
        except (NoSuchElementException, StaleElementReferenceException) as error:
            return _silent(f"Safari has no such thing: {said(error)}")
        except NotOnScreen as error:
            return _silent(f"Safari could not be worked: {error}")
        except ScreenUnreadable as error:
            return _silent(f"the screen could not be read: {error}")

    def download_profile(self, url: str) -> None:
        """Download a configuration profile, as its user must on a phone that nobody supervises; it
        then waits in Settings. Raises NotOnScreen, ScreenUnreadable, DeviceLost."""
        self._go(url)
        page = self._await(careless=False)
        if page.alert is None:
            raise NotOnScreen(f"Safari offers no profile: {page.summary()}")
        answer = page.find(ALLOW, types=(BUTTON,))
        if answer is None:
            raise NotOnScreen(f"Safari does not ask for the profile: {page.summary()}")
        tap(self._driver, answer)
        page = read(self._driver)
        close = page.find(CLOSE, types=(BUTTON,))
        if close is None or PROFILE_HERE not in spelt(page.summary()):
            raise NotOnScreen(f"the profile was not downloaded: {page.summary()}")
        tap(self._driver, close)

    def _go(self, url: str) -> None:
        with attended(self._driver):
            wanted = {"url": url, "bundleId": BUNDLE_ID}
            self._driver.execute_script("mobile: deepLink", wanted)

    def _await(self, *, careless: bool) -> Page:
        """Return the page once it has been loaded, or the cap is reached. Raises NotOnScreen."""
        started = time.monotonic()
        taps = 0
        while True:
            page = read(self._driver)
            waited = time.monotonic() - started
            late = waited >= self._answer_cap
            step = None if late or taps >= MOST_TAPS else _in_the_way(page, careless=careless)
            if step is not None:
                tap(self._driver, step)
                taps += 1
            elif late or is_settled(page):
                return page
            elif waited >= START_CAP and (trouble := page.trouble(BUNDLE_ID)) is not None:
                raise NotOnScreen(trouble)


def is_settled(page: Page) -> bool:
    """Tell whether a page is there, and not one that is still being loaded."""
    stop = any(element.get("name") == _STOP for element in page.elements(BUTTON))
    loading = stop or any(True for _ in page.elements(*_LOADING))
    return not loading and (bool(_content(page)) or page.alert is not None)


def read_page(page: Page) -> AppOutcome:
    """Return what a page means. Pure."""
    content = _content(page)
    if not content:
        trouble = page.trouble(BUNDLE_ID)
        return _silent(trouble or f"Safari shows no page, but: {page.summary()}")
    log = tuple(" ".join(element.label.split()) for element in content[:MAX_LOG])
    headings = (NOT_PRIVATE, CANNOT_OPEN)
    place = next((at for at, text in enumerate(log) if spelt(text) in headings), None)
    if place is None:
        return AppOutcome(Answer.ACCEPTED, message=f"a page is shown: {log[-1]}"[:300], log=log)
    private = spelt(log[place]) == NOT_PRIVATE
    kinds, code = (_CERTIFICATE, None) if private else _meaning(log[place + 1 :])
    message = ": ".join(log[place : place + 2])
    return AppOutcome(Answer.REFUSED, kinds, code=code, message=message, log=log)


def _in_the_way(page: Page, *, careless: bool) -> Element | None:
    """Return what is to be tapped before the page counts; None for nothing."""
    if page.alert is None and not _content(page) and page.bundle_id == BUNDLE_ID:
        return page.find(*FIRST_RUN, types=(BUTTON,))
    if careless and any(spelt(element.label) == NOT_PRIVATE for element in _content(page)):
        return page.find(*PROCEED)
    return None


def _content(page: Page) -> list[Element]:
    """Return what the page itself shows, from top to bottom; its title comes first."""
    web = next(page.elements(WEB_VIEW), None)
    return [e for e in (web, *web.below()) if e.label.strip()] if web is not None else []


def _meaning(told: Sequence[str]) -> tuple[frozenset[ErrorKind], str | None]:
    """Return what an error page's text can mean, and the code that it names."""
    for text in told:
        named = _CODE.search(text)
        if named is not None and int(named[2]) in _CODES:
            return _CODES[int(named[2])], f"{named[1]}:{named[2]}"
        for pattern, kinds in _TEXTS:
            if pattern.search(spelt(text)):
                return kinds, None
        kinds, _ = read_error(text)
        if ErrorKind.UNKNOWN not in kinds:
            return kinds, None
    return frozenset({ErrorKind.UNKNOWN}), None


def _silent(message: str) -> AppOutcome:
    return AppOutcome(Answer.SILENT, message=message)
