"""A phone whose screen is driven over Appium: what the devices of all platforms have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from selenium.common.exceptions import WebDriverException

from lab.apps.android import said
from lab.apps.page import AppPage, BrowserPage
from lab.devices.android.driving import Driving
from lab.devices.android.link import CommandRefused
from lab.devices.journal import JournalError
from lab.model.attack import Control, Need
from lab.model.device import AppSetup, DeviceLost, LoggedLine, NotReady
from lab.model.failure_report import ReportWay
from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.profile import Profile

MAX_LOG = 200
"""Lines of the phone's log that an outcome holds."""

Pages = Callable[[Driving], tuple[AppPage, BrowserPage]]
"""Makes the page objects of app and control client for a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhonePlan:
    """What is known of a phone before it is asked."""

    id: str
    platform: str
    profile: Profile
    sdk: str
    """What is said of the pinning client in reports."""
    app: str
    """Package or bundle id of the app under test."""
    browser: str
    """The same of the control client."""
    report_url: str
    """Where an app reports to that has not been told otherwise."""
    anchors: tuple[bytes, ...] = ()
    """DER certificates that the phone does not have from the factory, but should: the lab's
    public roots."""
    reports_as: str = ""
    """What the app's failure reports call the phone; empty where that is its id, serial number
    or model."""
    report_way: ReportWay = ReportWay.HTTP
    """Where the app reports to."""
    lacking: Mapping[Need, str] = field(default_factory=dict)
    """What phone or app cannot do, with the reason."""
    boots: bool = True
    """A phone that is gone may come back; else it is gone for good."""


class DrivenPhone:
    """The part of ``lab.model.device.Device`` that is the same on all phones. ``driving`` has
    begun.

    ``obituary`` says how the phone ended, None where nobody knows better than its link;
    ``let_go`` ends whatever was begun for it, and is told whether it is lost.
    """

    def __init__(
        self,
        plan: PhonePlan,
        driving: Driving,
        pages: Pages,
        *,
        source: str | None,
        obituary: Callable[[], str | None],
        let_go: Callable[[bool], None],
    ) -> None:
        self._planned = plan
        self._driving = driving
        self._pages = pages
        self._source = source
        self._obituary = obituary
        self._let_go = let_go
        self._app, self._browser = pages(driving)
        self._app_started = False
        self._lost = ""

    @property
    def id(self) -> str:
        return self._planned.id

    @property
    def source(self) -> str | None:
        return self._source

    @property
    def profile(self) -> Profile:
        return self._planned.profile

    @property
    def reports(self) -> frozenset[ErrorKind]:
        return self._planned.profile.announces

    @property
    def report_way(self) -> ReportWay:
        return self._planned.report_way

    def set_up(self, setup: AppSetup, *, fresh: bool = True) -> AppOutcome:
        told = replace(setup, report_url=setup.report_url or self._planned.report_url)
        if self._planned.report_way is not ReportWay.HTTP:
            told = replace(told, report_url="")

        def act() -> AppOutcome:
            if fresh:
                self.forget_app()
            self._app.start(fresh=fresh)
            self._app_started = True
            return self._app.set_up(told)

        return self._measured(act)

    def forget_app(self) -> None:
        """Make the app forget what it stored, where its page object cannot do that."""

    def request(self, url: str) -> AppOutcome:
        if self._planned.report_way is not ReportWay.LOG:
            return self._measured(lambda: self._app.request(url))
        since = self.log_moment()
        outcome = self._measured(lambda: self._app.request(url))
        lines = tuple(f"{line.tag}: {line.message}" for line in self.log_lines(since))
        return replace(outcome, system_log=lines[-MAX_LOG:])

    def control(self, url: str, kind: Control) -> AppOutcome:
        """Let the browser request ``url``. Raises ValueError for a kind that is no client."""
        if kind in (Control.NONE, Control.ANOMALY):
            raise ValueError("no control client is wanted")

        def act() -> AppOutcome:
            outcome = self._browser.open(url, careless=kind is Control.CARELESS)
            if self._app_started:
                self._app.come_back()
            return outcome

        return self._measured(act, self._planned.browser)

    def log_moment(self) -> str:
        """Return the device's now."""
        raise NotImplementedError

    def log_lines(self, since: str) -> tuple[LoggedLine, ...]:
        """Return what the device's log says since a ``log_moment``."""
        raise NotImplementedError

    def screenshot(self) -> bytes | None:
        with self._working():
            picture: bytes = self._driving.driver.get_screenshot_as_png()
            return picture

    def close(self) -> None:
        was_there = self._driving.end(lost=bool(self._lost))
        # One that has hung would take its time for each thing that is to be put back.
        lost = bool(self._lost) or not (was_there or self._planned.boots)
        self._lost = self._lost or "it was closed"
        self._let_go(lost)

    def came_back(self) -> None:
        """Go on with a phone that was lost; its session has begun anew."""
        self._app, self._browser = self._pages(self._driving)
        self._app_started, self._lost = False, ""

    def explained(self, outcome: AppOutcome, package: str) -> AppOutcome:
        """Add what the phone itself says of an app that gave no answer."""
        return outcome

    def _measured(self, act: Callable[[], AppOutcome], package: str = "") -> AppOutcome:
        commands, started = self._driving.commands, time.monotonic()
        with self._working():
            outcome = act()
            if outcome.answer is Answer.SILENT:
                outcome = self.explained(outcome, package or self._planned.app)
        return replace(
            outcome,
            seconds=time.monotonic() - started,
            commands=self._driving.commands - commands,
        )

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Do something to the phone. Raises DeviceLost where it is gone, NotReady where it says
        no."""
        if self._lost:
            raise DeviceLost(f"{self.id} is gone: {self._lost}")
        try:
            yield
        except DeviceLost as error:
            self._lost = self._obituary() or str(error)
            raise DeviceLost(f"{self.id}: {self._lost}") from None
        except WebDriverException as error:
            # Nobody knows what became of the command, or of the session.
            self._lost = self._obituary() or said(error)
            raise DeviceLost(f"{self.id} refused a command: {self._lost}") from None
        except (CommandRefused, JournalError) as error:
            raise NotReady(f"{self.id}: {error}") from None
