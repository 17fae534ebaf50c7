"""Works the screen of an app that somebody described in YAML (docs/app-page.schema.json)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)

from lab.apps.android import (
    NotOnScreen,
    Page,
    ScreenUnreadable,
    read,
    replace_text,
    said,
    shell_safe,
)
from lab.apps.finding import How, Named, on_device, on_page, seek, tap, text_of
from lab.apps.page_script import SETUP_BLANKS, Action, PageScript, Reading, Step, short
from lab.model.device import AppSetup
from lab.model.outcome import Answer, AppOutcome

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver

POLL = 0.2
"""Seconds between two looks at a result that has not changed yet."""


class YamlApp:
    """Works the screen that ``script`` describes. Implements ``lab.apps.page.AppPage``."""

    def __init__(
        self, driver: WebDriver, script: PageScript, environ: Mapping[str, str] | None = None
    ) -> None:
        self._driver = driver
        self._script = script
        self._environ = os.environ if environ is None else environ
        self._unready = ""
        """Why the app is not where it has to be after its start; empty where it is."""

    @property
    def package(self) -> str:
        return self._script.package

    def start(self, *, fresh: bool) -> None:
        if fresh:
            self._driver.execute_script("mobile: clearApp", {"appId": self.package})
        else:
            self._driver.terminate_app(self.package)
        self.come_back()
        self._unready = ""
        try:
            self._take(self._script.start, {})
        except _PROBLEMS as error:
            self._unready = f"the app could not be started as described: {_told(error)}"

    def come_back(self) -> None:
        if self._script.activity:
            intent = f"{self.package}/{self._script.activity}"
            self._driver.execute_script("mobile: startActivity", {"intent": intent, "wait": True})
        else:
            self._driver.activate_app(self.package)

    def set_up(self, setup: AppSetup) -> AppOutcome:
        if self._unready:
            return AppOutcome(Answer.SILENT, message=self._unready)
        values = {name: str(getattr(setup, name)) for name in SETUP_BLANKS}
        reading = self._script.setup_reading
        try:
            before = "" if reading is None else self._result(read(self._driver), reading) or ""
            self._take(self._script.setup, values)
            if reading is not None:
                return self._await(reading, before)
        except _PROBLEMS as error:
            return self._not_asked(error)
        return AppOutcome(Answer.ACCEPTED, message="every step of 'setup' was taken")

    def request(self, url: str) -> AppOutcome:
        asking = self._script.asking
        values = {"url": url, "host": urlsplit(url).hostname or ""}
        try:
            self._take(asking.before, values, patient=False)
            page = read(self._driver)
            before = self._result(page, asking.reading) or ""
            if asking.fill is not None:
                self._enter(page, asking.fill, url)
            if asking.deep_link is not None:
                quoted = {name: quote(value, safe="") for name, value in values.items()}
                link = asking.deep_link.fill(quoted, self._environ)
                wanted = {"url": shell_safe(link), "package": self.package}
                self._driver.execute_script("mobile: deepLink", wanted)
            if asking.trigger is not None:
                page = page if asking.deep_link is None else read(self._driver)
                if not tap(self._driver, page, asking.trigger, self.package):
                    raise NotOnScreen(f"there is no {asking.trigger}: {page.summary()}")
            return self._await(asking.reading, before)
        except _PROBLEMS as error:
            return self._not_asked(error)

    def _take(
        self, steps: tuple[Step, ...], values: Mapping[str, str], *, patient: bool = True
    ) -> None:
        """Do some steps. ``patient`` lets something else be in front meanwhile, such as what an
        app shows while it starts."""
        for step in steps:
            if step.action is Action.BACK:
                self._driver.back()
                continue
            page = self._appears(step, patient=patient)
            assert step.element is not None, "every step but 'back' has an element"
            if page is None:
                if step.optional:
                    continue
                shown = read(self._driver)
                seen = shown.trouble(self.package) or f"the screen shows: {shown.summary()}"
                raise NotOnScreen(f"there is no {step.element}; {seen}")
            if step.action is Action.TAP:
                tap(self._driver, page, step.element, self.package)
            elif step.action is Action.FILL and step.text is not None:
                text = step.text.fill(values, self._environ)
                if text:
                    self._enter(page, step.element, text)

    def _appears(self, step: Step, *, patient: bool) -> Page | None:
        """Wait for the element of a step, or scroll to it; return the page that shows it. One
        that is optional is looked for once: it is there, or it is not."""
        deadline = time.monotonic() + (0 if step.optional else step.seconds)
        before: list[str] = []
        while True:
            page = read(self._driver)
            if not step.optional and page.labels == before:
                # It has come to rest without what is looked for: that may be further down.
                page = seek(self._driver, page, partial(self._with, step)) or page
            if self._with(step, page) is not None:
                return page
            gone = page.fault if patient else page.trouble(self.package)
            if time.monotonic() >= deadline or gone is not None:
                return None
            before = page.labels
            time.sleep(POLL)

    def _with(self, step: Step, page: Page) -> Page | None:
        """Return the page where it shows the element of a step."""
        assert step.element is not None, "every step but 'back' has an element"
        if step.element.how is How.UIAUTOMATOR:
            there = text_of(self._driver, page, step.element, self.package) is not None
        else:
            there = on_page(page, step.element, self.package) is not None
        return page if there else None

    def _enter(self, page: Page, field: Named, text: str) -> None:
        if field.how is not How.UIAUTOMATOR:
            shown = on_page(page, field, self.package)
            if shown is not None and shown.text == text:
                return
        replace_text(self._driver, on_device(self._driver, field), text)

    def _result(self, page: Page, reading: Reading) -> str | None:
        return text_of(self._driver, page, reading.result, self.package)

    def _await(self, reading: Reading, before: str) -> AppOutcome:
        """Read the result until it means something. What was there before does not count: where
        the app goes on writing below it, only that does."""
        started = time.monotonic()
        changed = False
        while True:
            page = read(self._driver)
            trouble = page.trouble(self.package)
            if trouble is not None:
                return AppOutcome(Answer.SILENT, message=f"the app did not answer: {trouble}")
            text = self._result(page, reading)
            changed = changed or text != before or any(b.search(text) for b in reading.busy)
            if text is not None and changed:
                goes_on = bool(before) and text != before and text.startswith(before)
                outcome = reading.outcome(text[len(before) :] if goes_on else text)
                if outcome is not None:
                    return outcome
            if time.monotonic() - started >= reading.seconds:
                return AppOutcome(Answer.SILENT, message=_unread(text, changed=changed))
            time.sleep(POLL)

    def _not_asked(self, error: Exception) -> AppOutcome:
        told = _told(error)
        try:
            told = read(self._driver).trouble(self.package) or told
        except ScreenUnreadable as unreadable:
            told = f"{told}; nor can the screen be read: {unreadable}"
        return AppOutcome(Answer.SILENT, message=f"the app could not be asked: {told}")


_PROBLEMS = (
    NoSuchElementException,
    StaleElementReferenceException,
    NotOnScreen,
    ScreenUnreadable,
)


def _told(error: Exception) -> str:
    return said(error) if isinstance(error, WebDriverException) else str(error)


def _unread(text: str | None, *, changed: bool) -> str:
    if text is None:
        return "the app shows no result"
    if not changed:
        return (
            f"the result stayed as it was: {short(text)}. Where the app says the same twice, "
            "clear it first ('before'), or say what it shows meanwhile ('busy')"
        )
    return f"the result fits neither 'accepted' nor 'refused': {short(text)}"
