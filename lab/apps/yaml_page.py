"""Works the screen of an app that somebody described in YAML (docs/app-page.schema.json).

Here are the values and what is done with them; ``lab.devices.app_pages`` reads the file.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

from selenium.common.exceptions import (
    NoSuchElementException,
    StaleElementReferenceException,
    WebDriverException,
)

from lab.apps import messages
from lab.apps.android import NotOnScreen, Page, ScreenUnreadable, read, replace_text, said
from lab.apps.finding import How, Named, on_device, on_page, seek, tap, text_of
from lab.model.device import AppSetup
from lab.model.outcome import DOCUMENTED_ERRORS, Answer, AppOutcome, ErrorKind

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver

MAX_RESULT = 20_000
"""Characters of a result that are looked at: the last ones."""
MAX_QUOTED = 200
POLL = 0.2
"""Seconds between two looks at a result that has not changed yet."""

SETUP_BLANKS = frozenset(
    {"configuration_url", "organization_id", "project_id", "public_key", "report_url", "mode"}
)
REQUEST_BLANKS = frozenset({"url", "host"})


class Text(Protocol):
    """A text with blanks."""

    def fill(self, values: Mapping[str, str], environ: Mapping[str, str], /) -> str:
        """Return the text with every blank filled in."""


class Action(StrEnum):
    """What a step does."""

    TAP = "tap"
    FILL = "fill"
    WAIT = "wait"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do on the screen."""

    action: Action
    element: Named | None = None
    """None for ``BACK`` alone."""
    text: Text | None = None
    """What is entered."""
    optional: bool = False
    """Whether it is left out where the element is not there."""
    seconds: int = 10
    """How long the element may take to appear."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Words by which an app says that something failed."""

    match: re.Pattern[str]
    """May have groups called ``kind``, ``code`` and ``message``."""
    kinds: frozenset[ErrorKind] = frozenset()
    """What they mean; empty where the groups, or else the words, tell."""

    def meaning(self, found: re.Match[str]) -> tuple[frozenset[ErrorKind], str | None]:
        """Return the kinds of error and the error's name that an app's words tell."""
        groups: dict[str, str] = {name: text for name, text in found.groupdict().items() if text}
        code: str | None = groups.get("code")
        if self.kinds:
            return self.kinds, code
        if groups.get("kind") in set(ErrorKind):
            return frozenset({ErrorKind(groups["kind"])}), code
        if code is not None and code in DOCUMENTED_ERRORS:
            return frozenset({DOCUMENTED_ERRORS[code]}), code
        told = messages.read_error(groups.get("message", found.string), code or "")
        return frozenset({told.kind}), code or told.code


@dataclass(frozen=True, slots=True)
class Reading:
    """How a result is read."""

    result: Named
    accepted: tuple[re.Pattern[str], ...]
    refused: tuple[Refusal, ...]
    busy: tuple[re.Pattern[str], ...] = ()
    """What is to be read while the app is still at it."""
    seconds: int = 25

    def outcome(self, text: str) -> AppOutcome | None:
        """Return what a result means; None for what is none yet. Pure."""
        text = text[-MAX_RESULT:]
        if not text.strip() or any(busy.search(text) for busy in self.busy):
            return None
        accepted = any(pattern.search(text) for pattern in self.accepted)
        refusal, found = next(
            ((r, found) for r in self.refused if (found := r.match.search(text))), (None, None)
        )
        log = tuple(text.splitlines()[-messages.MAX_LOG :])
        if accepted and found is not None:
            both = "the result fits both 'accepted' and 'refused'; make the patterns narrower"
            return AppOutcome(Answer.SILENT, message=f"{both}: {_short(text)}", log=log)
        if accepted:
            return AppOutcome(Answer.ACCEPTED, message=_short(text), log=log)
        if refusal is None or found is None:
            return None
        kinds, code = refusal.meaning(found)
        return AppOutcome(Answer.REFUSED, kinds, code=code, message=_short(text), log=log)


@dataclass(frozen=True, slots=True)
class Asking:
    """How the app is made to request a URL."""

    reading: Reading
    before: tuple[Step, ...] = ()
    fill: Named | None = None
    """The field that takes the URL."""
    deep_link: Text | None = None
    """An address that makes the app request the URL by itself."""
    trigger: Named | None = None


@dataclass(frozen=True, slots=True)
class PageScript:
    """An app's screen, as a file describes it."""

    package: str
    asking: Asking
    activity: str = ""
    start: tuple[Step, ...] = ()
    setup: tuple[Step, ...] = ()
    setup_reading: Reading | None = None


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
                wanted = {"url": link, "package": self.package}
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
            f"the result stayed as it was: {_short(text)}. Where the app says the same twice, "
            "clear it first ('before'), or say what it shows meanwhile ('busy')"
        )
    return f"the result fits neither 'accepted' nor 'refused': {_short(text)}"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= MAX_QUOTED else f"…{flat[-MAX_QUOTED:]}"
