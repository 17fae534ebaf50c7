"""Appium's Python client the way that the lab drives a device: counted, and never for long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from appium.webdriver.appium_connection import AppiumConnection
from appium.webdriver.client_config import AppiumClientConfig
from selenium.webdriver.common.proxy import Proxy, ProxyType
from urllib3.exceptions import HTTPError, TimeoutError

from lab.model.device import DeviceLost

Obituary = Callable[[], str | None]
"""Says how the device ended, None where it has not."""


class DeviceConnection(AppiumConnection):
    """One connection that is kept open. ``commands`` counts what was sent over it.

    No proxy of the user's, no second try: whether a command that went wrong has been carried out
    is not known. Raises DeviceLost where the device does not answer.
    """

    def __init__(self, address: str, *, cap: float, obituary: Obituary) -> None:
        """``cap`` is how many seconds a command may take."""
        super().__init__(
            client_config=AppiumClientConfig(
                address,
                keep_alive=True,
                proxy=Proxy(raw={"proxyType": ProxyType.DIRECT}),
                timeout=cap,
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
            answer: dict[str, Any] = super().execute(command, params)  # type: ignore[no-untyped-call]
        except TimeoutError:
            ended = self._obituary()
            waited = f"it did not answer {command} within {self.client_config.timeout:g} seconds"
            raise DeviceLost(ended or waited) from None
        except (HTTPError, OSError) as error:
            ended = self._obituary()
            raise DeviceLost(ended or f"its connection broke at {command}: {error}") from None
        return answer
