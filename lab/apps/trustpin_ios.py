"""The page object of TrustPin's iOS TestApp (contract section 6.2).

Its lab build has two more fields below ``Public Key``, ``Configuration URL`` and ``Report URL``,
and its toggle for the mode can be moved. Elements are found by what is to be read on them or by
their order: the sample sets no identifiers. As it is published it has four text fields, the last of
them ``Test URL (GET)``; a setup that needs more is then refused: a lab build is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lab.apps import messages_ios
from lab.apps.android import NotOnScreen, ScreenUnreadable
from lab.apps.ios import (
    BUTTON,
    STATIC_TEXT,
    SWITCH,
    TEXT_FIELDS,
    Page,
    attended,
    enter,
    quoted,
    read,
)
from lab.apps.messages import TEST_BEGINS
from lab.apps.sample_app import LabBuildNeeded, Look, SampleApp
from lab.model.pins import Mode

if TYPE_CHECKING:
    from appium.webdriver.webelement import WebElement

BUNDLE_ID = "cloud.trustpin.TestApp"
SETUP_BUTTON = "Setup TrustPin"
TEST_BUTTON = "Test Connection"
CLEAR_BUTTON = "Clear Log"
BUSY = ("Testing connection...", "Fetching certificate...")

FEWEST_FIELDS = 4
"""Text fields of the sample as it is published: organization, project, key, ``Test URL``. Those
of a lab build stand before the last one."""
LONG_LOG = 100
"""Rows after which the log is cleared: each is an element, which every look at the screen reads."""
RETURN = "\n"


class TrustPinIosApp(SampleApp):
    """Works the TestApp's screen. Implements ``lab.apps.page.AppPage``.

    iOS has no way to let an app forget what it stored, short of another installation: whoever
    starts it ``fresh`` has seen to that. Methods raise DeviceLost where WebDriverAgent is dead.
    """

    package = BUNDLE_ID
    read_setup = staticmethod(messages_ios.read_setup)
    read_test = staticmethod(messages_ios.read_test)

    def start(self, *, fresh: bool) -> None:
        with attended(self._driver):
            super().start(fresh=fresh)

    def come_back(self) -> None:
        with attended(self._driver):
            super().come_back()

    def _end(self, *, fresh: bool) -> None:
        self._driver.terminate_app(BUNDLE_ID)

    def _begun(self, url: str) -> frozenset[str]:
        # Version 6 names the host alone.
        return super()._begun(url) | {f"{TEST_BEGINS} {urlsplit(url).hostname}"}

    def _fill_in(self, values: Sequence[str], mode: Mode) -> None:
        *fields, url = self._fields()
        if values[FEWEST_FIELDS - 1] and len(fields) < FEWEST_FIELDS:
            raise LabBuildNeeded("the configuration's URL")
        if mode is Mode.PERMISSIVE:
            self._be_permissive()
        # Reports are not the app's own affair: without an input for them none are sent.
        for field, value in zip(fields, values, strict=False):
            if value:
                enter(self._driver, field, value)
        self._found["url"] = url
        self._button(SETUP_BUTTON).click()

    def _be_permissive(self) -> None:
        with attended(self._driver):
            toggles = self._driver.find_elements("class name", SWITCH)
            if not toggles or not toggles[0].is_enabled():
                raise LabBuildNeeded("the permissive mode")
            toggles[0].click()

    def _test(self, url: str) -> None:
        if self._lines > LONG_LOG:
            self._button(CLEAR_BUTTON).click()
            self._seen = self._lines = 0
        if self._url != url:
            # Return puts the keyboard away, which may be over the button.
            enter(self._driver, self._url_field(), url + RETURN)
            self._url = url
        with attended(self._driver):
            self._button(TEST_BUTTON).click()

    def _look(self) -> Look:
        page = read(self._driver)
        rows = [messages_ios.entry(e.label) for e in page.elements(STATIC_TEXT)]
        entries = tuple(row for row in rows if row is not None)
        return Look(page.trouble(BUNDLE_ID), entries, len(entries), _is_busy(page))

    def _reason(self, otherwise: str) -> str:
        try:
            return read(self._driver).trouble(BUNDLE_ID) or otherwise
        except ScreenUnreadable:
            return otherwise

    def _button(self, label: str) -> WebElement:
        if label not in self._found:
            wanted = f"type == {quoted(BUTTON)} AND label == {quoted(label)}"
            with attended(self._driver):
                self._found[label] = self._driver.find_element("-ios predicate string", wanted)
        return self._found[label]

    def _url_field(self) -> WebElement:
        if "url" not in self._found:
            self._found["url"] = self._fields()[-1]
        return self._found["url"]

    def _fields(self) -> list[WebElement]:
        """Return the app's text fields, from top to bottom. Raises NotOnScreen, DeviceLost."""
        kinds = ", ".join(map(quoted, TEXT_FIELDS))
        with attended(self._driver):
            fields = self._driver.find_elements("-ios predicate string", f"type IN {{{kinds}}}")
        if len(fields) < FEWEST_FIELDS:
            # Appium's driver finds nothing, either, where WebDriverAgent is dead.
            read(self._driver)
            raise NotOnScreen(f"the app shows {len(fields)} text fields, too few")
        return fields


def _is_busy(page: Page) -> bool:
    return any(text in e.label for e in page.elements(STATIC_TEXT) for text in BUSY)
