"""A virtual iPhone's screen with its WebDriverAgent, in this process, and real clients for it."""

from __future__ import annotations

import json
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

from appium.options.ios import XCUITestOptions
from appium.webdriver.client_config import AppiumClientConfig
from appium.webdriver.webdriver import WebDriver as AppiumDriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.proxy import Proxy, ProxyType
from urllib3.exceptions import HTTPError

from lab.phone.ios.installed import make_screen
from lab.phone.ios.state import IPhoneState
from lab.phone.ios.wda import WebDriverAgent
from tests.patience import CAP
from tests.phone.scripted import NOON, ScriptedSdk

TEST_APP = "cloud.trustpin.TestApp"
SAFARI = "com.apple.mobilesafari"
SETTINGS = "com.apple.Preferences"


class IosRig:
    """A phone whose TestApp runs on a scripted SDK."""

    def __init__(
        self, folder: Path, sdk: ScriptedSdk | None = None, request_cap: float = CAP
    ) -> None:
        self.sdk = sdk or ScriptedSdk()
        self.air = folder / "air"
        self.air.mkdir(exist_ok=True)
        self.phone = IPhoneState(folder / "home", self.air, name="phone-1")
        self.phone.set_clock(NOON)
        self.screen = make_screen(self.phone, self.sdk)
        self.endpoint = WebDriverAgent(self.phone, self.screen, request_cap=request_cap)
        self._stack = ExitStack()
        self._stack.callback(self.screen.close)
        self._stack.callback(self.endpoint.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def driver(self, **capabilities: object) -> AppiumDriver:
        """Return a new session of the real client, which ends with the rig."""
        options = XCUITestOptions()
        for name, value in capabilities.items():
            options.set_capability(f"appium:{name}", value)
        config = AppiumClientConfig(
            f"http://127.0.0.1:{self.endpoint.port}",
            proxy=Proxy(raw={"proxyType": ProxyType.DIRECT}),
            timeout=CAP,
            init_args_for_pool_manager={"init_args_for_pool_manager": {"retries": False}},
        )
        driver = AppiumDriver(options=options, client_config=config)
        self._stack.callback(_quit, driver)
        return driver

    def app(self, bundle_id: str = TEST_APP) -> AppiumDriver:
        """Return a session in which an app is in front."""
        driver = self.driver()
        driver.activate_app(bundle_id)
        return driver

    def send(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Send a request of one's own making; return status and answer. ``body`` is JSON, or
        bytes as they are."""
        content = body if isinstance(body, bytes) else None
        if body is not None and content is None:
            content = json.dumps(body).encode()
        connection = HTTPConnection("127.0.0.1", self.endpoint.port, timeout=CAP)
        try:
            connection.request(method, path, content)
            response = connection.getresponse()
            return response.status, json.load(response)
        finally:
            connection.close()


def _quit(driver: AppiumDriver) -> None:
    with suppress(WebDriverException, HTTPError):
        driver.quit()
