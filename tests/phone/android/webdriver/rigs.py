"""A phone with its endpoint, all in this process, and real clients for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

from appium.options.android import UiAutomator2Options
from appium.webdriver.client_config import AppiumClientConfig
from appium.webdriver.webdriver import WebDriver as AppiumDriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.proxy import Proxy, ProxyType

from lab.phone.android.automation import PORT
from lab.phone.android.system import AndroidSystem
from lab.phone.android.webdriver import WebDriver
from lab.phone.installed import make_screen
from lab.phone.webdriver.protocol import Code, Failed
from tests.patience import CAP
from tests.phone.scripted import ScriptedSdk, make_phone

SAMPLE = "cloud.trustpin.android.sample"
BROWSER = "com.android.browser"


class Rig:
    """A phone whose app runs on a scripted SDK."""

    def __init__(
        self, folder: Path, sdk: ScriptedSdk | None = None, *, automation_installed: bool = True
    ) -> None:
        self.sdk = sdk or ScriptedSdk()
        self.phone = make_phone(folder)
        self.screen = make_screen(self.phone, self.sdk)
        self.system = AndroidSystem(
            self.phone, self.screen, automation_installed=automation_installed
        )
        self.endpoint = WebDriver(self.system, request_cap=CAP)
        self._stack = ExitStack()
        self._stack.callback(self.screen.close)
        self._stack.callback(self.system.automation.kill)
        self._stack.callback(self.endpoint.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def driver(self, **capabilities: object) -> AppiumDriver:
        """Return a new session of the real client, which ends with the rig."""
        options = UiAutomator2Options()
        for name, value in capabilities.items():
            options.set_capability(name, value)
        config = AppiumClientConfig(
            f"http://127.0.0.1:{self.endpoint.port}",
            proxy=Proxy(raw={"proxyType": ProxyType.DIRECT}),
            timeout=CAP,
            init_args_for_pool_manager={"init_args_for_pool_manager": {"retries": False}},
        )
        driver = AppiumDriver(options=options, client_config=config)
        self._stack.callback(_quit, driver)
        return driver

    def app(self, **capabilities: object) -> AppiumDriver:
        """Return a session in which the sample app is in front."""
        driver = self.driver(**capabilities)
        driver.activate_app(SAMPLE)
        return driver

    def send(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Send a request of one's own making; return status and value. ``body`` is JSON, or
        bytes as they are."""
        connection = HTTPConnection("127.0.0.1", self.endpoint.port, timeout=CAP)
        status, told = ask(connection, method, path, body)
        return status, told["value"]

    def server(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Send a request to the automation server behind the phone's port; return status and
        value. Raises ConnectionRefusedError where nobody listens there."""
        status, told = ask(self.reach(), method, path, body)
        return status, told["value"]

    def reach(self) -> HTTPConnection:
        """Return a connection to the phone's port. Raises ConnectionRefusedError."""
        sock = self.system.ports.connect(PORT)
        if sock is None:
            raise ConnectionRefusedError
        sock.settimeout(CAP)
        connection = HTTPConnection("phone", PORT)
        connection.sock = sock
        return connection


def ask(connection: HTTPConnection, method: str, path: str, body: object) -> tuple[int, Any]:
    """Send one request over a connection, and close that."""
    content = body if isinstance(body, bytes) else None
    if body is not None and content is None:
        content = json.dumps(body).encode()
    try:
        connection.request(method, path, content)
        response = connection.getresponse()
        return response.status, json.load(response)
    finally:
        connection.close()


def refused(ask: Callable[[], object]) -> Code | None:
    """Return the error that ``ask`` is refused with, None where it is not."""
    try:
        ask()
    except Failed as error:
        return error.code
    return None


def _quit(driver: AppiumDriver) -> None:
    with suppress(WebDriverException):
        driver.quit()


def button(text: str) -> tuple[str, str]:
    return "xpath", f'//android.widget.Button[@text="{text}"]'


def field(hint: str) -> tuple[str, str]:
    return "xpath", f'//android.widget.EditText[@hint="{hint}"]'


def log_of(driver: AppiumDriver) -> list[str]:
    """Return the sample app's log, without times."""
    text = driver.find_element("xpath", '//*[starts-with(@text, "[")]').text
    return [line.partition("] ")[2] for line in text.split("\n")]


def set_up(driver: AppiumDriver) -> None:
    for hint in ("Organization ID", "Project ID", "Public Key"):
        driver.find_element(*field(hint)).send_keys("acme")
    driver.find_element(*button("Setup TrustPin")).click()
    assert "TrustPin configured" in driver.page_source
