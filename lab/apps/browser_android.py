"""The page object of Android's browsers, the unpinned control client: Chrome, and the virtual
phone's, which uses Chrome's words.

What a page's status was no browser shows: a page that is there is an answer. Texts are those of
Chromium's English strings; exercised here on the virtual phone alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

from lab.apps.android import (
    Element,
    NotOnScreen,
    Page,
    ScreenUnreadable,
    read,
    said,
    shell_safe,
    spelt,
    touch,
)
from lab.model.outcome import Answer, AppOutcome, ErrorKind

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver

PACKAGE = "com.android.browser"
"""The virtual phone's browser."""
WEB_VIEW = "android.webkit.WebView"
PROGRESS = "android.widget.ProgressBar"
ANSWER_CAP = 25.0
"""Seconds to wait until a page has been loaded, or has not."""
START_CAP = 3.0
"""Seconds until the browser must be in front."""
MOST_TAPS = 12
"""Screens that are tapped away before a page is given up."""

FIRST_RUN = (
    *("Accept & continue", "Use without an account", "Continue without an account", "No thanks"),
    *("No, thanks", "Stay signed out", "Skip", "Not now", "Got it", "No Thanks", "More"),
)
"""What is tapped on the screens that Chrome shows when it is new, the best choice first."""

ADVANCED = "Advanced"
CONTINUE = ("Continue to site",)
"""How a warning about plain HTTP is tapped away."""
MAX_LOG = 40

_PROCEED = re.compile(r"proceed to .+ \(unsafe\)\Z")
_CODE = re.compile(r"(?:NET::)?ERR_[A-Z0-9_]+\Z")
_STATUS = re.compile(r"HTTP ERROR (\d{3})\Z")

_HEADINGS = frozenset(
    {
        "your connection is not private",
        "your connection isn't private",
        "your clock is behind",
        "your clock is ahead",
        "connection is not secure",
        "the site you are about to visit is not secure",
        "this site can't be reached",
        "this site can't provide a secure connection",
        "this page isn't working",
        "this webpage is not available",
        "no internet",
        "you are offline",
        "site not secure",
    }
)

_KINDS = (
    (re.compile(r"CERT_COMMON_NAME_INVALID"), ErrorKind.NAME),
    (re.compile(r"CERT_DATE_INVALID"), ErrorKind.TIME),
    (re.compile(r"SSL_PINNED_KEY"), ErrorKind.PIN),
    (re.compile(r"SSL_CLIENT_"), ErrorKind.TLS),
    (re.compile(r"(^|_)CERT(IFICATE)?_"), ErrorKind.CHAIN),
    (re.compile(r"SSL_|ECH_"), ErrorKind.TLS),
    (
        re.compile(
            r"NAME_|DNS_|CONNECTION_|TIMED_OUT|ADDRESS_|INTERNET_DISCONNECTED|NETWORK_|PROXY_"
            r"|TUNNEL_|EMPTY_RESPONSE|SOCKS_|ABORTED|ICANN_"
        ),
        ErrorKind.NETWORK,
    ),
    (re.compile(r"HTTP|REDIRECTS|RESPONSE|QUIC_|CONTENT_"), ErrorKind.HTTP),
)
"""What the names of Chromium's net/base/net_error_list.h mean, without their ``ERR_``."""


class AndroidBrowser:
    """Works a browser's screen. Implements ``lab.apps.page.BrowserPage``."""

    def __init__(
        self, driver: WebDriver, package: str = PACKAGE, *, answer_cap: float = ANSWER_CAP
    ) -> None:
        self._driver = driver
        self._package = package
        self._answer_cap = answer_cap

    @property
    def package(self) -> str:
        return self._package

    def open(self, url: str, *, careless: bool) -> AppOutcome:
        try:
            wanted = {"url": shell_safe(url), "package": self._package}
            self._driver.execute_script("mobile: deepLink", wanted)
            return self._await(careless)
        except (NoSuchElementException, StaleElementReferenceException) as error:
            return _silent(f"the browser has no such thing: {said(error)}")
        except NotOnScreen as error:
            return _silent(f"the browser could not be worked: {error}")
        except ScreenUnreadable as error:
            return _silent(f"the screen could not be read: {error}")

    def _await(self, careless: bool) -> AppOutcome:
        """Return what the page means once it has been loaded, or the cap is reached."""
        started = time.monotonic()
        taps = 0
        while True:
            page = read(self._driver)
            waited = time.monotonic() - started
            late = waited >= self._answer_cap
            step = None if late or taps >= MOST_TAPS else _in_the_way(page, careless=careless)
            if step is not None:
                touch(self._driver, step)
                taps += 1
            elif late or is_settled(page):
                return read_page(page, self._package)
            elif page.fault or (waited >= START_CAP and page.trouble(self._package)):
                return _silent(page.trouble(self._package) or "")


def is_settled(page: Page) -> bool:
    """Tell whether a page is there, and not one that is still being loaded."""
    loading = any(element.get("class") == PROGRESS for element in page.elements())
    return not loading and bool(_content(page))


def _in_the_way(page: Page, *, careless: bool) -> Element | None:
    """Return what is to be tapped before the page counts; None for nothing."""
    content = _content(page)
    if not content:
        return page.find(*FIRST_RUN)
    if not careless or not any(spelt(element.label) in _HEADINGS for element in content):
        return None
    proceed = next((e for e in content if _PROCEED.match(spelt(e.label))), None)
    return proceed or page.find(*CONTINUE) or page.find(ADVANCED)


def _content(page: Page) -> list[Element]:
    """Return what the page itself shows, from top to bottom; its title comes first."""
    web = next((e for e in page.elements() if e.get("class") == WEB_VIEW), None)
    return [e for e in (web, *web.below()) if e.label.strip()] if web is not None else []


def read_page(page: Page, package: str = PACKAGE) -> AppOutcome:
    """Return what a page means. Pure."""
    content = _content(page)
    if not content:
        trouble = page.trouble(package)
        return _silent(trouble or f"the browser shows no page, but: {page.summary()}")
    log = tuple(" ".join(element.label.split()) for element in content[:MAX_LOG])
    place = next((at for at, text in enumerate(log) if spelt(text) in _HEADINGS), None)
    if place is None:
        return AppOutcome(Answer.ACCEPTED, message=f"a page is shown: {log[-1]}"[:300], log=log)
    told = log[place + 1 :]
    kind, code = _meaning(told)
    return AppOutcome(
        Answer.REFUSED,
        frozenset({kind}),
        code=code,
        message=": ".join(log[place : place + 2]),
        log=log,
    )


def _meaning(told: Sequence[str]) -> tuple[ErrorKind, str | None]:
    """Return what an error page's text says, and Chromium's name for it."""
    for text in told:
        status = _STATUS.match(text)
        if status is not None:
            return ErrorKind.HTTP, status[1]
        if _CODE.match(text):
            return kind_of(text), text
    return ErrorKind.UNKNOWN, None


def kind_of(code: str) -> ErrorKind:
    """Return what a Chromium error name means."""
    name = code.removeprefix("NET::").removeprefix("ERR_")
    return next((kind for sign, kind in _KINDS if sign.search(name)), ErrorKind.UNKNOWN)


def _silent(message: str) -> AppOutcome:
    return AppOutcome(Answer.SILENT, message=message)
