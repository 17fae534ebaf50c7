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
from lab.devices.ios.network_monitor import Source
from lab.devices.ios.tunnel_registry import USUAL_PORT, note_registry, without_tunnels
from lab.devices.kept import GONE_CAP, free_port
from lab.model.device import DeviceLost

RUNNER = "com.facebook.WebDriverAgentRunner.xctrunner"
"""WebDriverAgent where it is installed on the phone already."""

AGENT_PORT = 8100
"""The port of the phone on which it listens then."""


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
    events: bool = False
    """Whether an Appium server is to tell of events, over WebDriver BiDi."""
    registry: int = USUAL_PORT
    """Port of this machine where the registry of iPhones' tunnels listens: over a tunnel the
    driver launches the phone's own WebDriverAgent, and hears of its apps' connections."""

    def options(self, *, local_port: int | None = None) -> XCUITestOptions:
        """Return what the lab wants of a session. ``local_port`` is a port of the Appium machine
        that nobody else has: two sessions there choose the same else."""
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
        if local_port is not None:
            # Else the driver would choose the same one on the phone.
            wanted |= {"wdaLocalPort": local_port, "wdaRemotePort": AGENT_PORT}
        options = XCUITestOptions()
        if self.events:
            options.set_capability("webSocketUrl", True)
        for name, value in wanted.items():
            options.set_capability(f"appium:{name}", value)
        for name, value in self.capabilities.items():
            options.set_capability(name, value)
        return options


def by_driver(driving: Driving) -> Source:
    """Begin to listen to the phone's network monitor, through the Appium server of a session that
    has begun. Raises NoMonitor."""
    # It costs time to load, and is not needed to drive a phone.
    from lab.devices.ios.monitor_by_driver import DriverMonitor

    return DriverMonitor(driving.driver)


def by_tunnel(target: Target) -> Source:
    """Begin to listen to the phone's network monitor with no Appium server in between. Raises
    NoMonitor."""
    from lab.devices.ios.monitor_by_tunnel import TunnelMonitor

    return TunnelMonitor(target.registry, target.udid)


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
            environment |= without_tunnels(folder.absolute())
            note_registry(AppiumServer.data_folder(folder), target.registry)
            servers.append(AppiumServer(installation, folder, environment=environment))
        except (AppiumUnavailable, OSError) as error:
            raise DeviceLost(str(error)) from None
        return servers[0]

    def begun() -> Begun:
        server = started()
        return begin(
            server.address,
            target.options(local_port=free_port()),
            cap=wait,
            obituary=lambda: server.obituary(GONE_CAP),
        )

    stack.callback(end)
    return Driving(begun, installation.description)
