"""The page object of the virtual phone's browser, the unpinned control client."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

from lab.apps import messages
from lab.apps.android import ScreenUnreadable, by_text, read, said
from lab.model.outcome import Answer, AppOutcome, ErrorKind

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver

PACKAGE = "com.android.browser"
LOADING = "Loading..."
NOT_PRIVATE = "Your connection is not private"
UNREACHABLE = "This site can't be reached"
PROCEED = "Proceed anyway"
ERROR_TYPE = "Error type: "
ANSWER_CAP = 25.0
"""Seconds to wait until a page has been loaded, or has not."""

_STATUS = re.compile(r"([1-5]\d\d)\b")


class AndroidBrowser:
    """Works the browser's screen. Implements ``lab.apps.page.BrowserPage``."""

    package = PACKAGE

    def __init__(self, driver: WebDriver, *, answer_cap: float = ANSWER_CAP) -> None:
        self._driver = driver
        self._answer_cap = answer_cap

    def open(self, url: str, *, careless: bool) -> AppOutcome:
        try:
            self._driver.execute_script("mobile: deepLink", {"url": url, "package": PACKAGE})
            shown = self._await()
            if careless and shown[:1] == [NOT_PRIVATE]:
                self._driver.find_element(*by_text(PROCEED)).click()
                shown = self._await()
        except (NoSuchElementException, StaleElementReferenceException) as error:
            return AppOutcome(
                Answer.SILENT, message=f"the browser has no such thing: {said(error)}"
            )
        except ScreenUnreadable as error:
            return AppOutcome(Answer.SILENT, message=f"the screen could not be read: {error}")
        return read_page(shown)

    def _await(self) -> list[str]:
        """Return the texts of the page, once it has been loaded or the cap is reached."""
        deadline = time.monotonic() + self._answer_cap
        while True:
            shown = read(self._driver).texts()
            if shown[:1] != [LOADING] or time.monotonic() >= deadline:
                return shown


def read_page(shown: list[str]) -> AppOutcome:
    """Return what a page means: its heading, text and detail, in this order. Pure."""
    heading, text, detail = (*shown, "", "", "")[:3]
    log = tuple(line for line in shown if line)
    status = _STATUS.match(heading)
    if status is not None and status[1].startswith("2"):
        return AppOutcome(Answer.ACCEPTED, message=heading, log=log)
    if status is not None:
        kinds = frozenset({ErrorKind.HTTP})
        return AppOutcome(Answer.REFUSED, kinds, code=status[1], message=heading, log=log)
    if heading in (NOT_PRIVATE, UNREACHABLE):
        meaning = messages.read_error(text, detail.removeprefix(ERROR_TYPE))
        return AppOutcome(
            Answer.REFUSED,
            frozenset({meaning.kind}),
            code=meaning.code,
            message=f"{heading}: {text}",
            log=log,
        )
    said = heading or "nothing"
    return AppOutcome(Answer.SILENT, message=f"the browser shows {said}", log=log)
