"""Real adb and real Appium in front of a virtual phone that runs in this process."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

import pytest
from selenium.common.exceptions import WebDriverException

from lab.devices.adb_server import AdbServer, AdbUnavailable
from lab.devices.appium import Begun, Capability, android_options, begin
from lab.devices.appium_server import AppiumServer, AppiumUnavailable, find_installation
from lab.devices.kept import free_port
from lab.model.device import DeviceLost
from lab.phone.android.adbd import Adbd
from tests.phone.android.webdriver.rigs import Rig
from tests.phone.scripted import ScriptedSdk

PROJECT = Path(__file__).parents[2]


def start_adb(folder: Path) -> AdbServer:
    """Start an adb server. Skips the test where there is no adb."""
    try:
        return AdbServer(folder)
    except AdbUnavailable as error:
        pytest.skip(str(error))


def start_appium(folder: Path, adb: AdbServer) -> AppiumServer:
    """Start an Appium server. Skips the test where there is none."""
    try:
        return AppiumServer(find_installation(PROJECT), folder, adb)
    except AppiumUnavailable as error:
        pytest.skip(str(error))


class Farm:
    """An adb server and an Appium server."""

    def __init__(self, folder: Path) -> None:
        with ExitStack() as stack:
            self.adb = start_adb(folder / "adb")
            stack.callback(self.adb.close)
            (folder / "appium").mkdir()
            self.appium = start_appium(folder / "appium", self.adb)
            stack.callback(self.appium.close)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class Phone:
    """A phone on the farm."""

    def __init__(
        self,
        farm: Farm,
        folder: Path,
        sdk: ScriptedSdk | None = None,
        *,
        automation_installed: bool = True,
    ) -> None:
        self.farm = farm
        with ExitStack() as stack:
            self.rig = stack.enter_context(
                Rig(folder, sdk, automation_installed=automation_installed)
            )
            self.adbd = Adbd(self.rig.system)
            stack.callback(self.adbd.close)
            self.serial = f"127.0.0.1:{self.adbd.port}"
            farm.adb.connect(self.serial)
            stack.callback(farm.adb.run, "disconnect", self.serial)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def begin(self, *, installed: bool = True, **capabilities: Capability) -> Begun:
        """Begin a session, which ends with the phone."""
        begun = begin(
            self.farm.appium.address,
            android_options(
                self.serial,
                adb_port=self.farm.adb.port,
                system_port=free_port(),
                installed=installed,
                capabilities={f"appium:{name}": value for name, value in capabilities.items()},
            ),
            obituary=self.farm.appium.obituary,
        )
        self._stack.callback(_end, begun)
        return begun


def _end(begun: Begun) -> None:
    with suppress(WebDriverException, DeviceLost):
        begun.driver.quit()
    begun.connection.close()  # type: ignore[no-untyped-call]
