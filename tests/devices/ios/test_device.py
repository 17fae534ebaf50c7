"""The virtual iPhone as a device: what scenarios ask of it, in its own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.devices.driven_phone import DrivenPhone
from lab.devices.ios.device import NEVER, IosDevice
from lab.devices.iphone_models import VirtualIosSettings
from lab.devices.owner import BY_HAND
from lab.devices.registry import source_address
from lab.devices.virtual_ios import OWN, start_virtual_ios
from lab.loop import LabLoop
from lab.model.attack import Control, Need, RouteKind, Trust
from lab.model.device import AppSetup, Device, DeviceLost
from lab.model.outcome import PIN_KINDS, Answer, ErrorKind
from lab.model.pins import PinConfiguration
from lab.pki.hierarchy import LabPki
from tests.devices.peers import Surrounds

pytestmark = pytest.mark.whole

HOST = "api.acme.test"
URL = f"https://{HOST}/"
SETUP = AppSetup(
    PinConfiguration(()), organization_id="acme-org", project_id="acme-shop", public_key="MFkw"
)
SOURCE = source_address(9)
VIA = {RouteKind.PROXY: "proxy", RouteKind.WIFI: "wifi"}


def make(
    around: Surrounds, home: Path, pki: LabPki, sdk: str = "Unpinned", *, supervised: bool = True
) -> IosDevice:
    return start_virtual_ios(
        VirtualIosSettings(
            id="iphone",
            platform="virtual-ios",
            sdk=f"tests.phone.stand_ins:{sdk}",
            supervised=supervised,
        ),
        around.surroundings,
        home,
        factory_anchors=(pki.public_root.der,),
        report_url="https://reports.acme.test/",
        source=SOURCE,
        owner=BY_HAND,
    )


@pytest.fixture(scope="module")
def around(
    loop: LabLoop, tmp_path_factory: pytest.TempPathFactory, pki: LabPki
) -> Iterator[Surrounds]:
    surrounds = Surrounds(loop, tmp_path_factory.mktemp("served"))
    surrounds.serve(pki.genuine(HOST))
    yield surrounds
    surrounds.close()


@pytest.fixture(scope="module", params=[True, False], ids=["supervised", "as sold"])
def phone(
    request: pytest.FixtureRequest,
    around: Surrounds,
    tmp_path_factory: pytest.TempPathFactory,
    pki: LabPki,
) -> Iterator[IosDevice]:
    device = make(around, tmp_path_factory.mktemp("home"), pki, supervised=request.param)
    yield device
    device.close()


@pytest.fixture(autouse=True)
def fresh(around: Surrounds, pki: LabPki) -> None:
    around.serve(pki.genuine(HOST))
    around.arrivals.clear()


def process_of(device: DrivenPhone) -> psutil.Process:
    """Return the process of the iPhone that was started last."""
    phones = [p for p in psutil.Process().children() if "lab.phone.ios" in p.cmdline()]
    return max(phones, key=lambda process: process.create_time())


def test_what_it_is_and_what_it_cannot_do(phone: IosDevice) -> None:
    device: Device = phone
    assert (device.id, device.source, device.reports) == ("iphone", SOURCE, PIN_KINDS)
    lacking = {need for need in Need if device.lacks(need) is not None}
    assert lacking == {*NEVER, Need.SEGMENT}
    facts = device.facts
    assert (facts.os, facts.app, facts.app_version) == (
        "iOS 18.5 (22F76)",
        "cloud.trustpin.TestApp",
        "4.1.0",
    )
    assert len(facts.details["app_sha256"]) == 64
    assert device.names == {"iphone"}
    assert device.clock_error == 0.0
    with pytest.raises(ValueError, match="clock"):
        device.set_clock_offset(60.0)
    device.set_clock_offset(0.0)


def test_both_routes_lead_there_and_each_client_goes_them(
    phone: IosDevice, around: Surrounds
) -> None:
    for kind in (RouteKind.PROXY, RouteKind.WIFI, RouteKind.PROXY):
        phone.take_route(kind)
        assert phone.set_up(SETUP).answer is Answer.ACCEPTED
        assert phone.request(URL).answer is Answer.ACCEPTED
        assert phone.control(URL, Control.UNPINNED).answer is Answer.ACCEPTED
        assert {arrival.via for arrival in around.arrivals} == {VIA[kind]}
        around.arrivals.clear()


def test_an_app_that_is_set_up_can_be_asked_on_another_route(
    phone: IosDevice, around: Surrounds
) -> None:
    """The network is changed in Settings, which is in front then."""
    phone.take_route(RouteKind.PROXY)
    phone.set_up(SETUP)
    for kind in (RouteKind.WIFI, RouteKind.PROXY):
        phone.take_route(kind)
        assert phone.request(URL).answer is Answer.ACCEPTED
        assert {arrival.via for arrival in around.arrivals} == {VIA[kind]}
        around.arrivals.clear()


def test_a_root_counts_for_the_app_and_for_safari_or_for_neither(
    phone: IosDevice, around: Surrounds, pki: LabPki
) -> None:
    phone.take_route(RouteKind.PROXY)
    around.serve(pki.user.issue(HOST))
    for store, accepted in ((Trust.NONE, False), (Trust.USER, True), (Trust.NONE, False)):
        phone.trust(store, () if store is Trust.NONE else (pki.user_root.der,))
        phone.set_up(SETUP)
        app, safari = phone.request(URL), phone.control(URL, Control.UNPINNED)
        wanted = Answer.ACCEPTED if accepted else Answer.REFUSED
        assert (app.answer, safari.answer) == (wanted, wanted)
        if not accepted:
            assert ErrorKind.CHAIN in app.kinds
    assert phone.control(URL, Control.CARELESS).answer is Answer.ACCEPTED


def test_a_fresh_start_forgets_what_the_app_stored(
    phone: IosDevice, tmp_path_factory: pytest.TempPathFactory
) -> None:
    phone.set_up(SETUP)
    homes = tmp_path_factory.getbasetemp().glob("home[0-9]*/phone")
    (stored,) = (s for home in homes for s in home.rglob("Data/Application/*/settings"))
    mark = stored.with_name("mark")
    mark.write_text("mine")
    phone.set_up(SETUP, fresh=False)
    assert mark.exists()
    phone.set_up(SETUP)
    assert not mark.exists()


def test_a_picture_of_the_screen(phone: IosDevice) -> None:
    picture = phone.screenshot()
    assert picture is not None
    assert picture.startswith(b"\x89PNG")


def test_its_log_tells_what_the_app_said(phone: IosDevice) -> None:
    since = phone.log_moment()
    phone.request(URL)
    lines = phone.log_lines(since)
    assert any(URL in line.message and "TestApp" in line.tag for line in lines)
    assert phone.log_lines(phone.log_moment()) == ()


def test_no_control_is_none(phone: IosDevice) -> None:
    with pytest.raises(ValueError, match="no control client"):
        phone.control(URL, Control.NONE)


def test_a_phone_that_is_gone_is_lost_and_leaves_nothing(
    around: Surrounds, tmp_path: Path, pki: LabPki
) -> None:
    home = tmp_path / "home"
    device = make(around, home, pki, "Quiet")
    process = process_of(device)
    try:
        process.kill()
        with pytest.raises(DeviceLost, match=r"iphone.*ended"):
            device.request(URL)
        with pytest.raises(DeviceLost, match="is gone"):
            device.take_route(RouteKind.PROXY)
        with pytest.raises(DeviceLost, match="ended"):
            device.recover()
    finally:
        device.close()
    assert not process.is_running()
    assert not any((home / name).exists() for name in OWN)


def test_a_phone_that_cannot_be_started(around: Surrounds, tmp_path: Path, pki: LabPki) -> None:
    with pytest.raises(DeviceLost, match="has no class Nothing"):
        make(around, tmp_path / "home", pki, "Nothing")
    assert not (tmp_path / "home").exists()
