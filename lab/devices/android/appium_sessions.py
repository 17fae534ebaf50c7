"""The ways to an Appium session: none in between, a server of the lab's, somebody's, a hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from appium.common.helper import library_version as client_version

from lab.devices import grid
from lab.devices.adb_host import AdbHost
from lab.devices.adb_server import MAX_OUTPUT, AdbServer, AdbUnavailable
from lab.devices.android import program
from lab.devices.android.driving import Driving
from lab.devices.appium import (
    BEGIN_CAP,
    Begun,
    Capability,
    Obituary,
    android_options,
    begin,
    split_credentials,
)
from lab.devices.appium_server import AppiumServer, AppiumUnavailable, find_installation
from lab.devices.kept import GONE_CAP, free_port
from lab.model.device import DeviceLost

FORWARD_CAP = 5.0
"""Seconds to take a forwarded port back."""
PROJECT = Path(__file__).parents[3]
"""The folder of package.json and node_modules."""


def direct(udid: str | None, address: str, obituary: Obituary, cap: float) -> Driving:
    """Return sessions with a virtual phone's own endpoint, nothing in between. ``udid`` is the
    phone's name, None for whichever is there."""
    options = android_options(udid or "", installed=True)
    if udid is None:
        options.set_capability("appium:udid", None)
    return Driving(
        lambda: begin(address, options, command_cap=cap, obituary=obituary),
        f"Appium Python client {client_version()}",
    )


def on_server(
    udid: str, address: str, capabilities: Mapping[str, Capability], wait: float
) -> Driving:
    """Return sessions on an Appium server that somebody else runs."""
    options = android_options(udid, capabilities=capabilities)
    return Driving(
        lambda: begin(address, options, cap=wait), f"Appium at {split_credentials(address)[0]}"
    )


def on_hub(udid: str, address: str, capabilities: Mapping[str, Capability], wait: float) -> Driving:
    """Return sessions on a Selenium Grid hub, which is asked for this very phone."""
    options = [android_options(udid, capabilities=capabilities)]

    def granted() -> Begun:
        begun = begin(address, options, cap=wait)
        try:
            grid.granted(begun.driver.capabilities, {udid})
        except DeviceLost:
            begun.driver.quit()
            raise
        return begun

    shown, _ = split_credentials(address)
    return Driving(granted, f"Selenium Grid at {shown}")


def on_own_server(
    udid: str,
    adb: AdbHost,
    folder: Path,
    stack: ExitStack,
    *,
    installed: bool,
    reach: Callable[[], None],
    capabilities: Mapping[str, Capability] | None = None,
    wait: float = BEGIN_CAP,
) -> Driving:
    """Start an Appium server on ``adb``, which ``stack`` ends, and return sessions on it.

    ``reach`` sees to it that adb has the phone; it is called before each session. A server that
    has ended is started again for the next session. ``installed`` says that the phone has the
    automation server already. Raises DeviceLost where there is no Appium.
    """
    try:
        installation = find_installation(PROJECT)
    except AppiumUnavailable as error:
        raise DeviceLost(str(error)) from None
    servers: list[tuple[AppiumServer, int]] = []

    def end() -> None:
        while servers:
            server, port = servers.pop()
            killed = server.obituary() is not None
            server.close()
            if killed:
                # It had no time to; and the adb server may be the user's.
                _remove_forward(adb, udid, port)

    def started() -> tuple[AppiumServer, int]:
        if servers and servers[0][0].obituary() is None:
            return servers[0]
        end()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            servers.append((AppiumServer(installation, folder, adb), free_port()))
        except AppiumUnavailable as error:
            raise DeviceLost(str(error)) from None
        return servers[0]

    def begun() -> Begun:
        reach()
        server, system_port = started()
        options = android_options(
            udid,
            adb_port=adb.port,
            system_port=system_port,
            installed=installed,
            capabilities=capabilities,
        )
        return begin(server.address, options, cap=wait, obituary=lambda: server.obituary(GONE_CAP))

    stack.callback(end)
    return Driving(begun, installation.description)


def _remove_forward(adb: AdbHost, udid: str, port: int) -> None:
    """Take back the port that an Appium server had adb lead to the phone; where that cannot be
    done, the next one takes another port all the same."""
    command = [str(adb.program), "-P", str(adb.port), "-s", udid]
    command += ["forward", "--remove", f"tcp:{port}"]
    with suppress(DeviceLost):
        program.run(command, adb.environment, cap=FORWARD_CAP, most=MAX_OUTPUT)


def own_adb(folder: Path, serial: str, stack: ExitStack) -> tuple[AdbServer, Callable[[], None]]:
    """Start an adb server of the lab's, which ``stack`` ends, and return it with what sees to it
    that it runs and has the phone ``host:port``. Raises DeviceLost; so does what is returned."""
    try:
        server = AdbServer(folder)
    except AdbUnavailable as error:
        raise DeviceLost(str(error)) from None
    stack.callback(server.close)

    def reach() -> None:
        server.revive()
        server.connect(serial)

    return server, reach
