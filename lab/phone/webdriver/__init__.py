"""The automation endpoint: W3C WebDriver as Appium's UiAutomator2 driver speaks it.

Appium's Python client drives it directly; nothing needs an Appium server in between.
"""

from __future__ import annotations

from lab.phone.state import PhoneState
from lab.phone.ui import Screen
from lab.phone.webdriver.commands import Commands
from lab.phone.webdriver.listener import REQUEST_CAP, Listener
from lab.phone.webdriver.protocol import refusal


class WebDriver:
    """The endpoint on a free port of 127.0.0.1, from construction until ``close``."""

    def __init__(
        self, phone: PhoneState, screen: Screen, *, request_cap: float = REQUEST_CAP
    ) -> None:
        self._listener = Listener(Commands(phone, screen).respond, refusal, request_cap=request_cap)

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._listener.port

    def close(self) -> None:
        """End every connection and stop listening. May be repeated."""
        self._listener.close()
