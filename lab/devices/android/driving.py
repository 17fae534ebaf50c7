"""Who drives the phone's screen: one Appium session per device and run, begun anew where lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from selenium.common.exceptions import WebDriverException

from lab.devices.appium import Begun
from lab.model.device import DeviceLost

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver

FAREWELL_CAP = 2.0
"""Seconds to take leave of a phone."""


class Driving:
    """A session of Appium's client on one phone.

    ``begin`` begins one, and whatever is needed for it; it raises DeviceLost. ``description``
    says what drives the phone, for the evidence.
    """

    def __init__(self, begin: Callable[[], Begun], description: str) -> None:
        self.description = description
        self._begin = begin
        self._begun: Begun | None = None
        self._earlier = 0

    @property
    def driver(self) -> WebDriver:
        """The session; another object after ``begin``. Raises DeviceLost where there is none."""
        if self._begun is None:
            raise DeviceLost("there is no Appium session")
        return self._begun.driver

    @property
    def begun(self) -> bool:
        """Whether there is a session."""
        return self._begun is not None

    @property
    def commands(self) -> int:
        """How many commands were sent in all."""
        return self._earlier + (0 if self._begun is None else self._begun.connection.commands)

    def begin(self) -> None:
        """Begin a session, instead of one that may be lost. Raises DeviceLost."""
        self.end(lost=True)
        self._begun = self._begin()

    def end(self, *, lost: bool) -> bool:
        """Let go of the session, and tell whether it was there until then; nothing is sent any
        more to a phone that is ``lost``. May be repeated."""
        if self._begun is None:
            return not lost
        driver, connection = self._begun
        self._earlier += connection.commands
        self._begun = None
        if not lost:
            connection.limit(FAREWELL_CAP)
            try:
                driver.quit()
            except DeviceLost:
                lost = True
            except WebDriverException:
                # It has ended the session itself: what is left to do is the same.
                pass
        connection.close()  # type: ignore[no-untyped-call]
        return not lost
