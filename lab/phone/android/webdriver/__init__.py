"""The automation endpoint: W3C WebDriver as Appium's UiAutomator2 driver speaks it.

Appium's Python client drives it directly; nothing needs an Appium server in between.
"""

from __future__ import annotations

from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver.commands import Commands
from lab.phone.android.webdriver.listener import REQUEST_CAP, Listener
from lab.phone.android.webdriver.protocol import refusal


class WebDriver:
    """The endpoint on a free port of 127.0.0.1, from construction until ``close``."""

    def __init__(self, system: AndroidSystem, *, request_cap: float = REQUEST_CAP) -> None:
        self._listener = Listener(Commands(system).respond, refusal, request_cap=request_cap)

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._listener.port

    def close(self) -> None:
        """End every connection and stop listening. May be repeated."""
        self._listener.close()
