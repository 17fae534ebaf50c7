"""An iPhone that nobody's run has started, in its own process: what tools see of it while the lab
uses it, and what its own network monitor tells."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.devices.ios.device import IosDevice
from lab.devices.ios.phones import open_ios
from lab.devices.iphone_models import IosSettings
from lab.devices.owner import BY_HAND
from lab.loop import LabLoop
from lab.model.attack import RouteKind, Trust
from lab.model.outcome import Answer
from lab.pki.hierarchy import LabPki
from tests.boundary.standing_iphone import StandingIphone, standing_iphone
from tests.devices.ios.test_device import HOST, SETUP, URL
from tests.devices.peers import Surrounds
from tests.patience import eventually
from tests.phone.ios.services.test_tools import LIMIT, go_ios_or_skip, running

pytestmark = pytest.mark.whole

ROOT = Path(__file__).parents[3]

Tool = Callable[..., str]


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingIphone]:
    folder, sdk = tmp_path_factory.mktemp("standing"), "tests.phone.stand_ins:Unpinned"
    with standing_iphone(folder, supervised=False, sdk=sdk) as phone:
        yield phone


@pytest.fixture(scope="module")
def around(
    loop: LabLoop, tmp_path_factory: pytest.TempPathFactory, pki: LabPki
) -> Iterator[Surrounds]:
    surrounds = Surrounds(loop, tmp_path_factory.mktemp("served"))
    surrounds.serve(pki.genuine(HOST))
    yield surrounds
    surrounds.close()


@pytest.fixture(scope="module")
def device(
    standing: StandingIphone,
    around: Surrounds,
    pki: LabPki,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[IosDevice]:
    """The iPhone in the lab's hands, driven directly, its monitor over its tunnel."""
    appium = {
        "direct": True,
        "agent": f"http://127.0.0.1:{standing.process.port}",
        "registry": standing.process.ports["registry"],
    }
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRUSTPIN_LAB_STATE", str(home / "state"))
        opened = open_ios(
            IosSettings.model_validate(standing.entry(appium=appium)),
            around.surroundings,
            home,
            factory_anchors=(pki.public_root.der,),
            report_url="https://reports.acme.test/",
            owner=BY_HAND,
        )
        opened.take_route(RouteKind.PROXY)
        opened.trust(Trust.NONE, ())
        opened.set_up(SETUP)
        yield opened
        opened.close()


@pytest.fixture
def environment(standing: StandingIphone, tmp_path: Path) -> dict[str, str]:
    found = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    return {**found, "USBMUXD_SOCKET_ADDRESS": standing.usbmuxd}


@pytest.fixture
def idevice(environment: dict[str, str]) -> Tool:
    if shutil.which("ideviceinfo") is None:
        pytest.skip("needs libimobiledevice-utils")
    return lambda *command: ran(command, environment)


@pytest.fixture
def go_ios() -> Path:
    return go_ios_or_skip()


@pytest.fixture
def ios(go_ios: Path, environment: dict[str, str]) -> Tool:
    return lambda *words: ran((str(go_ios), *words), environment)


def ran(command: tuple[str, ...], environment: dict[str, str]) -> str:
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_libimobiledevice_knows_it(idevice: Tool, standing: StandingIphone) -> None:
    assert idevice("idevice_id", "-l") == standing.udid
    assert idevice("idevicepair", "validate").startswith("SUCCESS")
    told = dict(line.split(": ", 1) for line in idevice("ideviceinfo").splitlines())
    assert (told["UniqueDeviceID"], told["ProductVersion"]) == (standing.udid, "18.5")
    assert idevice("ideviceinfo", "-q", "com.apple.international", "-k", "Language") == "en-US"
    charge = ("-q", "com.apple.mobile.battery", "-k", "BatteryCurrentCapacity")
    assert idevice("ideviceinfo", *charge) == "100"


def test_go_ios_knows_it(ios: Tool) -> None:
    assert "com.facebook.WebDriverAgentRunner.xctrunner" in ios("apps", "--list")
    assert json.loads(ios("lang"))["Language"] == "en-US"
    battery = ios("batterycheck")
    assert "100" in battery
    assert "true" in battery.lower()


def test_both_routes_are_where_the_phone_itself_saw_its_app_go(
    device: IosDevice, around: Surrounds
) -> None:
    assert device.facts.details["network_monitor"] == "listened to"
    wanted = {
        RouteKind.PROXY: around.surroundings.proxy,
        RouteKind.WIFI: around.surroundings.rogue.gateway,
    }
    for kind, begins in wanted.items():
        device.take_route(kind)
        device.set_up(SETUP)
        for _ in range(2):
            outcome = device.request(URL)
            assert outcome.answer is Answer.ACCEPTED, outcome
            used = outcome.monitored or ()
            assert {(c.remote, c.on_route) for c in used} == {(str(begins), True)}
            assert all(c.interface == "en0" and c.protocol == "tcp" for c in used)
    # A new process is known by its new number.
    before = {c.pid for c in used}
    device.set_up(SETUP)
    after = device.request(URL).monitored
    assert after
    assert before.isdisjoint(c.pid for c in after)


def test_go_ios_captures_what_the_app_asks(
    go_ios: Path,
    environment: dict[str, str],
    device: IosDevice,
    tmp_path: Path,
) -> None:
    def captured() -> bytes:
        return b"".join(each.read_bytes() for each in tmp_path.glob("*.pcap"))

    with ExitStack() as stack:
        stack.enter_context(running(go_ios, "pcap", env=environment, cwd=tmp_path))
        # It says nothing when it has begun: the app asks until it is seen.
        assert eventually(
            lambda: device.request(URL).answer is Answer.ACCEPTED and HOST.encode() in captured()
        )
    assert captured()[:4] in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4")


def test_it_goes_on_without_a_monitor(device: IosDevice, standing: StandingIphone) -> None:
    """The tunnel's processes are the phone's own: nothing else ends with the connection."""
    monitor = device._monitor
    assert monitor is not None
    source = monitor._source
    assert source is not None
    source.close()
    assert eventually(lambda: monitor.trouble)
    outcome = device.request(URL)
    assert (outcome.answer, outcome.monitored) == (Answer.ACCEPTED, None)
