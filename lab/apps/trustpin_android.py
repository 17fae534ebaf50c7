"""The page object of TrustPin's Android sample app (contract section 6.1).

Its lab build has three more inputs below ``Public Key``: ``Configuration URL``, ``Report URL``
and a switch ``Permissive Mode``. Elements are found by their text or by their order: the sample
sets no ids. As it is published it has four text fields, the last of them ``Test URL``; a setup
that needs more is then refused, and says that a lab build is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

from lab.apps import messages
from lab.apps.android import (
    EDIT,
    NotOnScreen,
    Page,
    ScreenUnreadable,
    by_text,
    read,
    reason,
    replace_text,
    said,
)
from lab.model.device import AppSetup
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.pins import Mode

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver
    from appium.webdriver.webelement import WebElement

PACKAGE = "cloud.trustpin.android.sample"
SETUP_BUTTON = "Setup TrustPin"
TEST_BUTTON = "Test Connection"
CLEAR_BUTTON = "Clear Log"
MODE_SWITCH = "Permissive Mode"
LOG_HEADING = "Log Output"
BUSY = ("Configuring...", "Testing connection...")

FEWEST_FIELDS = 4
"""Text fields of the sample as it is published: organization, project, key, ``Test URL``. Those
of a lab build stand before the last one."""
LONG_LOG = 200
"""Lines after which the log is cleared. The app drops the oldest lines of a log twice as long,
and then nobody could tell any more which of them are new."""
ANSWER_CAP = 25.0
"""Seconds to wait until the app has come to an end with what it was asked."""
REACTION_CAP = 6.0
"""Seconds until it must have said anything at all. After five Android says that it hangs."""
POLL = 0.2
"""Seconds between two looks at an app that has not reacted yet."""

Reading = Callable[[Sequence[str]], AppOutcome]


class _LabBuildNeeded(Exception):
    """The app has no input for what is to be entered; the message says for what."""


class TrustPinAndroidApp:
    """Works the sample app's screen. Implements ``lab.apps.page.AppPage``."""

    package = PACKAGE

    def __init__(
        self,
        driver: WebDriver,
        *,
        answer_cap: float = ANSWER_CAP,
        reaction_cap: float = REACTION_CAP,
    ) -> None:
        self._driver = driver
        self._answer_cap = answer_cap
        self._reaction_cap = reaction_cap
        self._found: dict[str, WebElement] = {}
        self._url: str | None = None
        """What is in the field ``Test URL``, where that is known."""
        self._seen = 0
        """Entries of the log that have been read."""
        self._lines = 0
        """Lines of the log when it was last read."""

    def start(self, *, fresh: bool) -> None:
        if fresh:
            self._driver.execute_script("mobile: clearApp", {"appId": PACKAGE})
        else:
            self._driver.terminate_app(PACKAGE)
        self._driver.activate_app(PACKAGE)
        self._forget()

    def come_back(self) -> None:
        self._driver.activate_app(PACKAGE)

    def set_up(self, setup: AppSetup) -> AppOutcome:
        values = (
            setup.organization_id,
            setup.project_id,
            setup.public_key,
            setup.configuration_url,
            setup.report_url,
        )
        try:
            return self._attempt(lambda: self._fill_in(values, setup.mode), messages.read_setup)
        except _LabBuildNeeded as error:
            return AppOutcome(
                Answer.REFUSED,
                frozenset({ErrorKind.CONFIGURATION}),
                message=f"a lab build of the app is needed: this one has no input for {error}",
            )

    def request(self, url: str) -> AppOutcome:
        outcome = self._attempt(lambda: self._test(url), messages.read_test)
        begun = f"{messages.TEST_BEGINS} {url}"
        if outcome.answer is not Answer.SILENT and outcome.log[0] != begun:
            # Whatever came of that, it says nothing about the request that was wanted.
            return AppOutcome(
                Answer.SILENT,
                message=f"the app made another request: {outcome.log[0]}",
                log=outcome.log,
            )
        return outcome

    def _fill_in(self, values: Sequence[str], mode: Mode) -> None:
        *fields, url = self._fields()
        if values[FEWEST_FIELDS - 1] and len(fields) < FEWEST_FIELDS:
            raise _LabBuildNeeded("the configuration's URL")
        if mode is Mode.PERMISSIVE:
            switches = self._driver.find_elements(*by_text(MODE_SWITCH))
            if not switches:
                raise _LabBuildNeeded("the permissive mode")
            switches[0].click()
        # Reports are not the app's own affair: without an input for them none are sent.
        for field, value in zip(fields, values, strict=False):
            if value:
                replace_text(self._driver, field, value)
        self._found["url"] = url
        self._driver.find_element(*by_text(SETUP_BUTTON)).click()

    def _test(self, url: str) -> None:
        if self._lines > LONG_LOG:
            self._element(CLEAR_BUTTON).click()
            self._seen = self._lines = 0
        if self._url != url:
            replace_text(self._driver, self._url_field(), url)
            self._url = url
        self._element(TEST_BUTTON).click()

    def _attempt(self, act: Callable[[], None], reading: Reading) -> AppOutcome:
        try:
            try:
                act()
            except StaleElementReferenceException:
                # The app's window is another one now; its elements are to be found anew.
                self._forget_elements()
                act()
            return self._await(reading)
        except (NoSuchElementException, StaleElementReferenceException) as error:
            self._forget_elements()
            return self._not_asked(said(error))
        except NotOnScreen as error:
            return self._not_asked(str(error))
        except ScreenUnreadable as error:
            return AppOutcome(Answer.SILENT, message=f"the screen could not be read: {error}")

    def _await(self, reading: Reading) -> AppOutcome:
        """Read the log until the app has come to an end with what it was asked."""
        started = time.monotonic()
        while True:
            page = read(self._driver)
            waited = time.monotonic() - started
            trouble = page.trouble(PACKAGE)
            if trouble is not None:
                self._forget_elements()
                return AppOutcome(Answer.SILENT, message=f"the app did not answer: {trouble}")
            text = page.after(LOG_HEADING, "[")
            log = messages.entries(text)
            # A log that is shorter than before is another one: nothing of it has been seen.
            new = log[self._seen :] if len(log) >= self._seen else log
            outcome = reading(new)
            reacted = bool(new) or waited >= self._reaction_cap
            over = outcome.answer is not Answer.SILENT or (reacted and not _is_busy(page))
            if over or waited >= self._answer_cap:
                self._seen, self._lines = len(log), text.count("\n")
                return outcome
            if not new:
                time.sleep(POLL)

    def _not_asked(self, why: str) -> AppOutcome:
        seen = reason(self._driver, PACKAGE, why)
        return AppOutcome(Answer.SILENT, message=f"the app could not be asked: {seen}")

    def _element(self, text: str) -> WebElement:
        if text not in self._found:
            self._found[text] = self._driver.find_element(*by_text(text))
        return self._found[text]

    def _url_field(self) -> WebElement:
        if "url" not in self._found:
            self._found["url"] = self._fields()[-1]
        return self._found["url"]

    def _fields(self) -> list[WebElement]:
        """Return the app's text fields, from top to bottom. Raises NotOnScreen."""
        fields = self._driver.find_elements("class name", EDIT)
        if len(fields) < FEWEST_FIELDS:
            raise NotOnScreen(f"the app shows {len(fields)} text fields, too few")
        return fields

    def _forget(self) -> None:
        """Assume nothing about the app any more."""
        self._seen = self._lines = 0
        self._forget_elements()

    def _forget_elements(self) -> None:
        self._found.clear()
        self._url = None


def _is_busy(page: Page) -> bool:
    return any(page.shows(text) for text in BUSY)
