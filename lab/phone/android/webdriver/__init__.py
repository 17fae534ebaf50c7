"""The automation endpoint: the phone's screen over HTTP, in the dialects of two clients.

Appium's Python client drives it directly (``direct``), or Appium's UiAutomator2 driver does
(``server``) through adb; nothing needs an Appium server in between.
"""

from __future__ import annotations

from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver.direct import direct_face
from lab.phone.webdriver.listener import REQUEST_CAP, Listener
from lab.phone.webdriver.protocol import W3C


class WebDriver:
    """The endpoint for clients without Appium, on a free port of 127.0.0.1, from construction
    until ``close``."""

    def __init__(self, system: AndroidSystem, *, request_cap: float = REQUEST_CAP) -> None:
        face = direct_face(system)
        self._listener = Listener(face.respond, W3C.refusal, request_cap=request_cap)

    @property
    def port(self) -> int:
        """The TCP port."""
        return self._listener.port

    def close(self) -> None:
        """End every connection and stop listening. May be repeated."""
        self._listener.close()
