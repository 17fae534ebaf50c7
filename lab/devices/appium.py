"""Appium's Python client the way that the lab drives a device: counted, and never for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlparse, urlsplit, urlunsplit

from appium.options.android import UiAutomator2Options
from appium.options.common import AppiumOptions
from appium.webdriver.appium_connection import AppiumConnection
from appium.webdriver.client_config import AppiumClientConfig
from appium.webdriver.errorhandler import MobileErrorHandler
from appium.webdriver.webdriver import WebDriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.proxy import Proxy, ProxyType
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError, TimeoutError

from lab.apps.android import said
from lab.devices.appium_answers import (
    MAX_ANSWER,
    Answer,
    Unreadable,
    check_answer,
    is_error,
    read_answer,
)
from lab.model.device import DeviceLost

Obituary = Callable[[], str | None]
"""Says how the device ended, None where it has not."""
Capability = bool | int | str | float | None

COMMAND_CAP = 15.0
"""Seconds that a command may take; the longest waits ten for the screen to be idle."""
BEGIN_CAP = 60.0
"""Seconds that a session may take to begin."""

_PART = 64 * 1024

SKIPPED = (
    "skipDeviceInitialization",
    "ignoreHiddenApiPolicyError",
    "suppressKillServer",
    "disableSuppressAccessibilityService",
    "skipLogcatCapture",
    "skipUnlock",
)
"""What the UiAutomator2 driver is not to do to a phone, or need not."""


class Credentials(NamedTuple):
    """Who a server is told that the lab is."""

    name: str
    password: str


def split_credentials(address: str) -> tuple[str, Credentials | None]:
    """Return an address without the user name and password that it holds, and those."""
    parts = urlsplit(address.rstrip("/"))
    if parts.username is None:
        return address.rstrip("/"), None
    plain = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return plain, Credentials(unquote(parts.username), unquote(parts.password or ""))


class DeviceConnection(AppiumConnection):
    """One connection that is kept open. ``commands`` counts what was sent over it.

    No proxy of the user's, no second try: whether a command that went wrong has been carried out
    is not known. Raises DeviceLost where the device does not answer.
    """

    def __init__(self, address: str, *, cap: float, obituary: Obituary) -> None:
        """``cap`` is how many seconds a command may take. ``address`` may hold a user name and a
        password."""
        plain, credentials = split_credentials(address)
        super().__init__(
            client_config=AppiumClientConfig(
                plain,
                keep_alive=True,
                proxy=Proxy(raw={"proxyType": ProxyType.DIRECT}),
                timeout=cap,
                username=None if credentials is None else credentials.name,
                password=None if credentials is None else credentials.password,
                init_args_for_pool_manager={"init_args_for_pool_manager": {"retries": False}},
            )
        )
        self.commands = 0
        self._obituary = obituary

    def limit(self, cap: float) -> None:
        """Give commands ``cap`` seconds from now on."""
        self.client_config.timeout = cap

    def execute(self, command: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a command and return the answer. Raises DeviceLost."""
        self.commands += 1
        try:
            answer: Answer = super().execute(command, params)  # type: ignore[no-untyped-call]
            check_answer(command, answer)
        except TimeoutError:
            ended = self._obituary()
            waited = f"it did not answer {command} within {self.client_config.timeout:g} seconds"
            raise DeviceLost(ended or waited) from None
        except (HTTPError, OSError) as error:
            ended = self._obituary()
            raise DeviceLost(ended or f"its connection broke at {command}: {error}") from None
        except Unreadable as error:
            raise DeviceLost(f"its answer to {command} cannot be read: {error}") from None
        return answer

    def _request(self, method: str, url: str, body: str | None = None) -> Answer:
        """Send a request. In place of Selenium's, which follows redirects, waits for as long as
        something comes, and takes any answer for one."""
        config = self.client_config
        headers = self.get_remote_connection_headers(urlparse(url), config.keep_alive)
        deadline = time.monotonic() + config.timeout
        response = self._conn.request(
            method,
            url,
            body=body if method == "POST" else None,
            headers={**headers, **(config.get_auth_header() or {})},
            timeout=config.timeout,
            preload_content=False,
            redirect=False,
        )
        try:
            content = _content(response, deadline)
        except BaseException:
            response.close()
            raise
        # Read to its end, it leaves the connection to the next command.
        response.release_conn()
        return read_answer(response.status, content)


def _content(response: BaseHTTPResponse, deadline: float) -> bytes:
    """Read what is answered. Raises Unreadable, urllib3's errors."""
    content = bytearray()
    while part := response.read1(_PART):
        content += part
        if len(content) > MAX_ANSWER:
            raise Unreadable(f"it is longer than {MAX_ANSWER} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(content)


class _Errors(MobileErrorHandler):
    """Takes for an error what the device says is one. The client's own also takes texts for
    errors that happen to read like one, and an app may show any text."""

    def check_response(self, response: dict[str, Any]) -> None:
        if is_error(response):
            super().check_response(response)


class Begun(NamedTuple):
    """A session, and the connection that it is held over."""

    driver: WebDriver
    connection: DeviceConnection


def begin(
    address: str,
    options: AppiumOptions | Sequence[AppiumOptions],
    *,
    cap: float = BEGIN_CAP,
    command_cap: float = COMMAND_CAP,
    obituary: Obituary = lambda: None,
) -> Begun:
    """Begin a session within ``cap`` seconds; several ``options`` are alternatives.

    Raises DeviceLost where nobody answers, or says no.
    """
    connection = DeviceConnection(address, cap=cap, obituary=obituary)
    wanted = options if isinstance(options, AppiumOptions) else list(options)
    try:
        driver = WebDriver(command_executor=connection, options=wanted)
    except WebDriverException as error:
        connection.close()  # type: ignore[no-untyped-call]
        raise DeviceLost(obituary() or f"no session: {said(error)}") from None
    except BaseException:
        connection.close()  # type: ignore[no-untyped-call]
        raise
    driver.error_handler = _Errors()
    connection.limit(command_cap)
    return Begun(driver, connection)


def android_options(
    udid: str,
    *,
    adb_port: int | None = None,
    system_port: int | None = None,
    installed: bool = False,
    capabilities: Mapping[str, Capability] | None = None,
) -> UiAutomator2Options:
    """Return what the lab wants of a session with an Android phone.

    ``adb_port`` is the adb server's, ``system_port`` a port of the Appium machine that nobody
    else has: two Appium servers on one machine choose the same else. ``installed`` says that the
    phone has the automation server already; Appium installs it else. ``capabilities`` come last.
    """
    ports = {"adbPort": adb_port, "systemPort": system_port}
    wanted: dict[str, Capability] = {
        "udid": udid,
        # Apps are started by page objects, and their state is the scenarios' affair.
        "noReset": True,
        "autoLaunch": False,
        # The lab may think for longer than Appium's default of a minute.
        "newCommandTimeout": 0,
        **dict.fromkeys(SKIPPED, True),
        "skipServerInstallation": installed,
        **{name: port for name, port in ports.items() if port is not None},
    }
    options = UiAutomator2Options()
    for name, value in {f"appium:{name}": value for name, value in wanted.items()}.items():
        options.set_capability(name, value)
    for name, value in (capabilities or {}).items():
        options.set_capability(name, value)
    return options
