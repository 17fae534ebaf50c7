"""The page object of TrustPin's Android sample app (contract section 6.1).

Its lab build has three more inputs below ``Public Key``: ``Configuration URL``, ``Report URL``
and a switch ``Permissive Mode``. Elements are found by their text or by their order: the sample
sets no ids. As it is published it has four text fields, the last of them ``Test URL``; a setup
that needs more is then refused, and says that a lab build is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lab.apps import messages
from lab.apps.android import EDIT, NotOnScreen, Page, by_text, read, reason, replace_text
from lab.apps.sample_app import LabBuildNeeded, Look, SampleApp
from lab.model.pins import Mode

if TYPE_CHECKING:
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


class TrustPinAndroidApp(SampleApp):
    """Works the sample app's screen. Implements ``lab.apps.page.AppPage``."""

    package = PACKAGE
    read_setup = staticmethod(messages.read_setup)
    read_test = staticmethod(messages.read_test)

    def _end(self, *, fresh: bool) -> None:
        if fresh:
            self._driver.execute_script("mobile: clearApp", {"appId": PACKAGE})
        else:
            self._driver.terminate_app(PACKAGE)

    def _fill_in(self, values: Sequence[str], mode: Mode) -> None:
        *fields, url = self._fields()
        if values[FEWEST_FIELDS - 1] and len(fields) < FEWEST_FIELDS:
            raise LabBuildNeeded("the configuration's URL")
        if mode is Mode.PERMISSIVE:
            switches = self._driver.find_elements(*by_text(MODE_SWITCH))
            if not switches:
                raise LabBuildNeeded("the permissive mode")
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

    def _look(self) -> Look:
        page = read(self._driver)
        text = page.after(LOG_HEADING, "[")
        return Look(page.trouble(PACKAGE), messages.entries(text), text.count("\n"), _is_busy(page))

    def _reason(self, otherwise: str) -> str:
        return reason(self._driver, PACKAGE, otherwise)

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


def _is_busy(page: Page) -> bool:
    return any(page.shows(text) for text in BUSY)
