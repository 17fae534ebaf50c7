"""The ways to a session with an iPhone: WebDriverAgent itself, a server of the lab's, somebody's,
a hub."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from appium.common.helper import library_version as client_version
from appium.options.ios import XCUITestOptions

from lab.devices import grid
from lab.devices.android.appium_sessions import PROJECT
from lab.devices.android.driving import Driving
from lab.devices.appium import (
    BEGIN_CAP,
    Begun,
    Capability,
    Obituary,
    begin,
    split_credentials,
)
from lab.devices.appium_server import (
    AppiumServer,
    AppiumUnavailable,
    DriverName,
    find_installation,
)
from lab.devices.kept import GONE_CAP
from lab.model.device import DeviceLost

RUNNER = "com.facebook.WebDriverAgentRunner.xctrunner"
"""WebDriverAgent where it is installed on the phone already."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a session is to drive."""

    udid: str
    version: str
    """Of iOS. From 18 on the driver listens on loopback alone; for an older one it opens a port
    on all interfaces."""
    agent: str = ""
    """Address of a WebDriverAgent that runs already; the driver starts the phone's own else."""
    capabilities: Mapping[str, Capability] = field(default_factory=dict)

    def options(self) -> XCUITestOptions:
        """Return what the lab wants of a session."""
        wanted: dict[str, Capability] = {
            "udid": self.udid,
            "platformVersion": self.version,
            # Apps are started by page objects, and their state is the scenarios' affair.
            "noReset": True,
            "autoLaunch": False,
            # The lab may think for longer than Appium's default of a minute.
            "newCommandTimeout": 0,
            "skipLogCapture": True,
        }
        if self.agent:
            wanted["webDriverAgentUrl"] = self.agent
        elif not {"appium:usePreinstalledWDA", "appium:xcodeOrgId"} & set(self.capabilities):
            wanted["usePreinstalledWDA"] = True
        options = XCUITestOptions()
        for name, value in wanted.items():
            options.set_capability(f"appium:{name}", value)
        for name, value in self.capabilities.items():
            options.set_capability(name, value)
        return options


def direct(target: Target, obituary: Obituary, cap: float) -> Driving:
    """Return sessions with the phone's WebDriverAgent, nothing in between."""
    return Driving(
        lambda: begin(target.agent, target.options(), command_cap=cap, obituary=obituary),
        f"WebDriverAgent, Appium Python client {client_version()}",
    )


def on_server(target: Target, address: str, wait: float) -> Driving:
    """Return sessions on an Appium server that somebody else runs."""
    return Driving(
        lambda: begin(address, target.options(), cap=wait),
        f"Appium at {split_credentials(address)[0]}",
    )


def on_hub(target: Target, address: str, wait: float) -> Driving:
    """Return sessions on a Selenium Grid hub, which is asked for this very phone."""

    def granted() -> Begun:
        begun = begin(address, [target.options()], cap=wait)
        try:
            grid.granted(begun.driver.capabilities, {target.udid})
        except DeviceLost:
            begun.driver.quit()
            raise
        return begun

    return Driving(granted, f"Selenium Grid at {split_credentials(address)[0]}")


def on_own_server(
    target: Target,
    usbmuxd: str,
    folder: Path,
    stack: ExitStack,
    *,
    wait: float = BEGIN_CAP,
) -> Driving:
    """Start an Appium server on the phones of the usbmuxd at an address, which ``stack`` ends, and
    return sessions on it. A server that has ended is started again for the next session. Raises
    DeviceLost where there is no Appium."""
    try:
        installation = find_installation(PROJECT, driver=DriverName.XCUITEST)
    except AppiumUnavailable as error:
        raise DeviceLost(str(error)) from None
    servers: list[AppiumServer] = []

    def end() -> None:
        while servers:
            servers.pop().close()

    def started() -> AppiumServer:
        if servers and servers[0].obituary() is None:
            return servers[0]
        end()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = {"USBMUXD_SOCKET_ADDRESS": usbmuxd}
        try:
            servers.append(AppiumServer(installation, folder, environment=environment))
        except AppiumUnavailable as error:
            raise DeviceLost(str(error)) from None
        return servers[0]

    def begun() -> Begun:
        server = started()
        return begin(
            server.address,
            target.options(),
            cap=wait,
            obituary=lambda: server.obituary(GONE_CAP),
        )

    stack.callback(end)
    return Driving(begun, installation.description)
