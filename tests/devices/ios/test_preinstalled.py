"""A WebDriverAgent that is installed and does not run, until real Appium and its XCUITest driver
launch it through the phone's tunnel; and the phone's network monitor through the same server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from lab.devices.android.driving import Driving
from lab.devices.appium_server import (
    AppiumServer,
    AppiumUnavailable,
    DriverName,
    find_installation,
)
from lab.devices.ios.network_monitor import NetworkMonitor
from lab.devices.ios.sessions import Target, by_driver, on_own_server
from lab.devices.ios.tunnel_registry import FILE
from lab.devices.iphone_models import TEST_APP
from lab.devices.phone_process import IPHONE, PhoneProcess
from tests.devices.appium_rig import PROJECT
from tests.patience import LONG, eventually
from tests.phone.ios.peer import Peer

pytestmark = pytest.mark.whole

AGENT, REFUSED = 8100, 3


@dataclass(frozen=True)
class Desk:
    """The phone, and who drives it."""

    process: PhoneProcess
    driving: Driving
    folder: Path

    def agent(self) -> int:
        """Connect to WebDriverAgent's port of the phone; return usbmuxd's word."""
        with Peer(self.process.link_port) as peer:
            return peer.connect(AGENT)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    try:
        find_installation(PROJECT, driver=DriverName.XCUITEST)
    except AppiumUnavailable as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("preinstalled")
    (folder / "air").mkdir()
    arguments = ["--name", "preinstalled", "--sdk", "tests.phone.stand_ins:Quiet"]
    arguments += ["--home", str(folder / "phone"), "--air", str(folder / "air"), "--preinstalled"]
    process = PhoneProcess(arguments, program=IPHONE)
    with ExitStack() as stack:
        stack.callback(process.end)
        usbmuxd = f"127.0.0.1:{process.link_port}"
        with Peer(process.link_port) as peer:
            (udid,) = peer.devices()
        target = Target(udid, "18.5", events=True, registry=process.ports["registry"])
        driving = on_own_server(target, usbmuxd, folder / "appium", stack, wait=LONG)
        stack.callback(driving.end, lost=True)
        yield Desk(process, driving, folder)


@pytest.fixture
def driving(desk: Desk) -> Iterator[Driving]:
    desk.driving.begin()
    yield desk.driving
    desk.driving.end(lost=False)


def test_it_runs_from_the_beginning_of_a_session_to_its_end(desk: Desk) -> None:
    assert desk.process.port == 0
    for _ in range(2):
        assert desk.agent() == REFUSED
        desk.driving.begin()
        assert desk.agent() == 0
        driver = desk.driving.driver
        driver.activate_app(TEST_APP)
        assert driver.find_element("accessibility id", "Setup TrustPin").is_displayed()
        desk.driving.end(lost=False)
        # The driver does not wait for what it has asked for.
        assert eventually(lambda: desk.agent() == REFUSED)


def test_apps_and_their_processes_are_the_drivers_too(driving: Driving) -> None:
    driver = driving.driver
    listed = driver.execute_script("mobile: listApps", {})
    assert {TEST_APP, "com.facebook.WebDriverAgentRunner.xctrunner"} <= set(listed)
    driver.execute_script("mobile: launchApp", {"bundleId": TEST_APP})
    first = driver.execute_script("mobile: activeAppInfo", {})
    driver.execute_script("mobile: terminateApp", {"bundleId": TEST_APP})
    driver.execute_script("mobile: launchApp", {"bundleId": TEST_APP})
    again = driver.execute_script("mobile: activeAppInfo", {})
    assert (first["bundleId"], again["bundleId"]) == (TEST_APP, TEST_APP)
    assert again["pid"] > first["pid"]


def test_what_the_monitor_tells_comes_through_the_server(driving: Driving) -> None:
    monitor = NetworkMonitor(lambda: by_driver(driving))
    since = monitor.moment()
    assert since is not None, monitor.trouble
    assert eventually(lambda: dict(getattr(monitor.moment(), "names", {})) == {3: "en0"})
    monitor.close()


def test_nothing_listens_beyond_the_loopback_interface(desk: Desk, driving: Driving) -> None:
    phone = psutil.Process(desk.process.pid)
    servers = [p for p in psutil.Process().children(recursive=True) if "node" in p.name()]
    assert servers
    for process in (phone, *servers):
        for each in process.net_connections("inet"):
            if each.status == psutil.CONN_LISTEN:
                assert each.laddr.ip.startswith("127.") or each.laddr.ip == "::1", each


def test_what_it_notes_is_in_a_folder_of_its_own(desk: Desk, driving: Driving) -> None:
    data = AppiumServer.data_folder(desk.folder / "appium")
    assert (data / FILE).read_text() == str(desk.process.ports["registry"])
    users = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
    noted = users / FILE
    assert not noted.exists() or noted.read_text() != str(desk.process.ports["registry"])
