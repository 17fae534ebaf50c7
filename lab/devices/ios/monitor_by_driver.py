"""The network monitor through Appium's XCUITest driver: ``mobile: startNetworkMonitor``.

Its events come over WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/ section 6.2) as
``appium:xcuitest.networkMonitor``, on a WebSocket beside the session.
"""

from __future__ import annotations

import json
from contextlib import suppress
from socket import SHUT_RDWR
from typing import TYPE_CHECKING

import websocket
from selenium.common.exceptions import WebDriverException

from lab.apps.android import said
from lab.devices.ios.network_monitor import NoMonitor
from lab.devices.ios.network_news import News, read_event
from lab.model.device import DeviceLost

if TYPE_CHECKING:
    from appium.webdriver.webdriver import WebDriver

EVENT = "appium:xcuitest.networkMonitor"
CONTEXT = "NATIVE_APP"
BEGIN_CAP = 10.0
"""Seconds in which the server must have taken the subscription."""
MAX_MESSAGE = 1024 * 1024
_SUBSCRIPTION = 1


class DriverMonitor:
    """Implements ``network_monitor.Source``, from construction on. Raises NoMonitor."""

    def __init__(self, driver: WebDriver) -> None:
        address = driver.capabilities.get("webSocketUrl")
        if not isinstance(address, str):
            raise NoMonitor("the Appium server offers no WebDriver BiDi")
        try:
            # No proxy of the user's in between.
            self._socket = websocket.create_connection(
                address, timeout=BEGIN_CAP, http_no_proxy=["*"], enable_multithread=True
            )
        except (OSError, ValueError, websocket.WebSocketException) as error:
            raise NoMonitor(f"{address}: {error}") from None
        try:
            self._subscribe()
            driver.execute_script("mobile: startNetworkMonitor", {})
            self._socket.settimeout(None)
        except (WebDriverException, DeviceLost) as error:
            self.close()
            why = said(error) if isinstance(error, WebDriverException) else str(error)
            raise NoMonitor(why) from None
        except BaseException:
            self.close()
            raise

    def next(self) -> News | None:
        message = self._message()
        if message.get("method") != EVENT:
            return None
        params = message.get("params")
        return read_event(params.get("event")) if isinstance(params, dict) else None

    def close(self) -> None:
        # It wakes whoever waits, which letting go of the socket would not.
        if (sock := self._socket.sock) is not None:
            with suppress(OSError):
                sock.shutdown(SHUT_RDWR)
        self._socket.shutdown()  # type: ignore[no-untyped-call]

    def _subscribe(self) -> None:
        params = {"events": [EVENT], "contexts": [CONTEXT]}
        asked = {"id": _SUBSCRIPTION, "method": "session.subscribe", "params": params}
        try:
            self._socket.send(json.dumps(asked))
        except (OSError, websocket.WebSocketException) as error:
            raise NoMonitor(f"WebDriver BiDi: {error}") from None
        while (answer := self._message()).get("id") != _SUBSCRIPTION:
            pass
        if answer.get("type") == "error" or "error" in answer:
            raise NoMonitor(f"WebDriver BiDi: {str(answer.get('message', ''))[:200]}")

    def _message(self) -> dict[str, object]:
        """Return the next message. Raises NoMonitor."""
        try:
            content = self._socket.recv()
        except (OSError, websocket.WebSocketException) as error:
            raise NoMonitor(f"WebDriver BiDi: {error}") from None
        if not content:
            raise NoMonitor("WebDriver BiDi: the server has ended it")
        try:
            message = json.loads(content) if len(content) <= MAX_MESSAGE else None
        except (ValueError, RecursionError):
            message = None
        return message if isinstance(message, dict) else {}
