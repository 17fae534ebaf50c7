"""What the page objects of TrustPin's sample apps have in common (contract section 6).

A sample has a log, which tells what became of whatever it was asked. Its lab build has more inputs
than the published one; a setup that needs one which is missing is refused, and says so.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

from lab.apps.android import NotOnScreen, ScreenUnreadable, said
from lab.apps.messages import TEST_BEGINS
from lab.model.device import AppSetup
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.pins import Mode

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver
    from appium.webdriver.webelement import WebElement

ANSWER_CAP = 25.0
"""Seconds to wait until the app has come to an end with what it was asked."""
REACTION_CAP = 6.0
"""Seconds until it must have said anything at all. After five Android says that it hangs."""
POLL = 0.2
"""Seconds between two looks at an app that has not reacted yet."""

Reading = Callable[[Sequence[str]], AppOutcome]


class LabBuildNeeded(Exception):
    """The app has no input for what is to be entered; the message says for what."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the app's screen shows."""

    trouble: str | None
    """Why the app cannot be worked; None where it can."""
    entries: tuple[str, ...]
    """Of its log, oldest first."""
    lines: int
    """Lines of its log."""
    busy: bool
    """Whether it says that something is under way."""


class SampleApp(ABC):
    """Works a sample app's screen. Implements ``lab.apps.page.AppPage``."""

    package: str
    read_setup: Reading
    read_test: Reading

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
        self._end(fresh=fresh)
        self._driver.activate_app(self.package)
        self._forget()

    def come_back(self) -> None:
        self._driver.activate_app(self.package)

    def set_up(self, setup: AppSetup) -> AppOutcome:
        values = (
            setup.organization_id,
            setup.project_id,
            setup.public_key,
            setup.configuration_url,
            setup.report_url,
        )
        try:
            return self._attempt(lambda: self._fill_in(values, setup.mode), type(self).read_setup)
        except LabBuildNeeded as error:
            return AppOutcome(
                Answer.REFUSED,
                frozenset({ErrorKind.CONFIGURATION}),
                message=f"a lab build of the app is needed: this one has no input for {error}",
            )

    def request(self, url: str) -> AppOutcome:
        outcome = self._attempt(lambda: self._test(url), type(self).read_test)
        if outcome.answer is not Answer.SILENT and outcome.log[0] not in self._begun(url):
            # Whatever came of that, it says nothing about the request that was wanted.
            return AppOutcome(
                Answer.SILENT,
                message=f"the app made another request: {outcome.log[0]}",
                log=outcome.log,
            )
        return outcome

    def _begun(self, url: str) -> frozenset[str]:
        """Return how the log may say that a request of ``url`` begins."""
        return frozenset({f"{TEST_BEGINS} {url}"})

    @abstractmethod
    def _end(self, *, fresh: bool) -> None:
        """End the app; ``fresh`` lets it forget everything that it stored."""

    @abstractmethod
    def _fill_in(self, values: Sequence[str], mode: Mode) -> None:
        """Fill in organization, project, public key, configuration and report URL, and tap
        ``Setup``. Raises LabBuildNeeded, NotOnScreen."""

    @abstractmethod
    def _test(self, url: str) -> None:
        """Enter the URL and tap ``Test Connection``. Raises NotOnScreen."""

    @abstractmethod
    def _look(self) -> Look:
        """Look at the screen, once the device finds it idle. Raises ScreenUnreadable."""

    @abstractmethod
    def _reason(self, otherwise: str) -> str:
        """Say why the app could not be worked: what the screen tells, else ``otherwise``."""

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
            look = self._look()
            waited = time.monotonic() - started
            if look.trouble is not None:
                self._forget_elements()
                return AppOutcome(Answer.SILENT, message=f"the app did not answer: {look.trouble}")
            log = look.entries
            # A log that is shorter than before is another one: nothing of it has been seen.
            new = log[self._seen :] if len(log) >= self._seen else log
            outcome = reading(new)
            reacted = bool(new) or waited >= self._reaction_cap
            over = outcome.answer is not Answer.SILENT or (reacted and not look.busy)
            if over or waited >= self._answer_cap:
                self._seen, self._lines = len(log), look.lines
                return outcome
            if not new:
                time.sleep(POLL)

    def _not_asked(self, why: str) -> AppOutcome:
        seen = self._reason(why)
        return AppOutcome(Answer.SILENT, message=f"the app could not be asked: {seen}")

    def _forget(self) -> None:
        """Assume nothing about the app any more."""
        self._seen = self._lines = 0
        self._forget_elements()

    def _forget_elements(self) -> None:
        self._found.clear()
        self._url = None
