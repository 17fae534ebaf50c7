"""The undo journal's items on an iPhone: whatever a run that died left, it is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.devices.android.link import CommandRefused
from lab.devices.ios.apps import AppService, Build
from lab.devices.ios.changes import Changes, IosWifi
from lab.devices.ios.items import AppItem, ItemMaker, ProfilesItem, WifiItem, WifiProxyItem
from lab.devices.ios.sample_build import sample_build
from lab.devices.ios.settings_page import Hand, SettingsPage
from lab.devices.iphone_models import TEST_APP, IosProxyWay
from lab.devices.item import Value
from lab.devices.journal import Journal
from lab.devices.journal_entry import Header
from lab.model.device import Endpoint
from lab.network.mobileconfig import proxy_profile, root_profile
from lab.phone.ios.screen_seam import ProxyKind, WifiProxy
from lab.phone.ios.state import IPhoneState
from lab.pki.hierarchy import LabPki
from tests.devices.ios.rig import Rig, iphone
from tests.phone.ios.test_state import publish

PROXY = Endpoint("127.0.0.1", 8080)
HOME, CAFE = IosWifi("Home"), IosWifi("Café")


class StateSettings:
    """Settings without a screen: what its page object would do, on the state itself."""

    def __init__(self, phone: IPhoneState) -> None:
        self._phone = phone

    def install_profile(self) -> None:
        self._phone.profiles.install_waiting()

    def trust_root(self, name: str, *, on: bool) -> None:
        (root,) = (r for r in self._phone.trust_switches.roots() if r.name == name)
        self._phone.trust_switches.switch(root.sha256, trusted=on)

    def join(self, ssid: str) -> None:
        self._phone.wifi.join(ssid)

    def joined(self) -> str | None:
        joined = self._phone.joined
        return None if joined is None else joined.ssid

    def networks(self) -> Mapping[str, bool]:
        return {network.ssid: network.known for network in self._phone.wifi.networks()}

    def forget(self, ssid: str) -> None:
        self._phone.wifi.forget(ssid)

    def set_proxy(self, ssid: str, host: str | None, port: int = 0) -> None:
        kind = ProxyKind.OFF if host is None else ProxyKind.MANUAL
        self._phone.wifi.set_proxy(ssid, WifiProxy(kind, host or "", port))

    def proxy(self, ssid: str) -> str | None:
        proxy = self._phone.wifi.proxy(ssid)
        if proxy.kind is ProxyKind.OFF:
            return None
        manual = proxy.kind is ProxyKind.MANUAL
        return f"{proxy.server}:{proxy.port}" if manual else "Automatic"


class StateHand(Hand):
    def __init__(self, phone: IPhoneState) -> None:
        self._page = StateSettings(phone)

    @contextmanager
    def at(self, doing: str) -> Iterator[SettingsPage]:
        yield self._page


class Desk:
    """An iPhone, and a run on it that may be forgotten at any time."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig = rig
        self.hand = StateHand(rig.state)
        self.items = ItemMaker(rig.reach, self.hand)
        self.folder = folder
        (folder / "journals").mkdir()
        self.changes = self.run()

    def run(self) -> Changes:
        journal = Journal(self.folder / "journals", self.rig.state.udid)
        journal.begin(Header(self.rig.state.udid, "desk", {}, "iPhone", "run", "now"))
        return Changes(self.rig.reach, journal, self.hand, self.rig.supervisor)

    def seen(self) -> tuple[object, ...]:
        phone = self.rig.state
        return (
            tuple(p.identifier for p in phone.profile_shelf.installed),
            phone.trust_anchors(False),
            phone.network.settings.http_proxy,
            phone.joined,
            phone.wifi.networks(),
            tuple(phone.wifi.proxy(n.ssid) for n in phone.wifi.networks()),
            AppService(self.rig.reach).find(TEST_APP),
        )

    def restore(self) -> None:
        """Do what ``trustpin-lab restore`` does after the run was killed."""
        undo = Journal(self.folder / "journals", self.rig.state.udid).undo(self.items)
        assert undo.complete, undo

    def build(self, number: str = "1") -> Build:
        file = self.folder / f"{number}.ipa"
        file.write_bytes(sample_build(build=number))
        return Build.read(file)


@pytest.fixture(params=[True, False], ids=["supervised", "as sold"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with a_desk(tmp_path, supervised=request.param) as desk:
        yield desk


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One that no test changes for good."""
    with a_desk(tmp_path_factory.mktemp("quiet"), supervised=True) as desk:
        yield desk


@contextmanager
def a_desk(folder: Path, *, supervised: bool) -> Iterator[Desk]:
    with iphone(folder, supervised=supervised) as rig:
        publish(folder / "air")
        rig.state.wifi.join("Home")
        yield Desk(rig, folder)


def proxy(phone: IPhoneState) -> Endpoint | None:
    return phone.network.settings.http_proxy


def proxy_way(desk: Desk) -> IosProxyWay:
    supervised = desk.rig.supervisor is not None
    return IosProxyWay.PROFILE if supervised else IosProxyWay.BY_HAND


def test_a_run_and_what_is_left_of_it(desk: Desk, pki: LabPki) -> None:
    before, phone = desk.seen(), desk.rig.state
    desk.changes.install(TEST_APP, desk.build())
    desk.changes.join(HOME)
    desk.changes.lead(proxy_way(desk), PROXY, HOME)
    assert desk.changes.trust((pki.public_root.der, pki.user_root.der))
    assert proxy(phone) == PROXY
    assert phone.trust_anchors(False) == (pki.public_root.der, pki.user_root.der)
    assert not desk.changes.trust((pki.public_root.der, pki.user_root.der))
    assert desk.changes.trust((pki.public_root.der,))
    assert phone.trust_anchors(False) == (pki.public_root.der,)
    desk.changes.join(CAFE)
    desk.changes.lead_no_more(proxy_way(desk), HOME)
    assert desk.hand._page.joined() == "Café"
    assert proxy(phone) is None
    desk.restore()
    assert desk.seen() == before


@pytest.mark.parametrize("steps", range(1, 6))
def test_wherever_it_died_it_is_put_back(desk: Desk, pki: LabPki, steps: int) -> None:
    before, way = desk.seen(), proxy_way(desk)
    changes = desk.changes
    apps = AppService(desk.rig.reach)
    done: list[Callable[[], object]] = [
        lambda: changes.install(TEST_APP, desk.build()),
        lambda: changes.lead(way, PROXY, HOME),
        lambda: changes.trust((pki.public_root.der,)),
        lambda: changes.join(CAFE),
        # Between the two halves of an installation.
        lambda: apps.uninstall(TEST_APP),
    ]
    for step in done[:steps]:
        step()
    desk.restore()
    assert desk.seen() == before


def test_what_its_owner_had_is_left_alone(desk: Desk, pki: LabPki) -> None:
    phone = desk.rig.state
    own = root_profile(pki.rogue_root.der).content.replace(b"test.trustpin-lab", b"com.owner")
    phone.profiles.download(own)
    phone.profiles.install_waiting()
    phone.trust_switches.switch(phone.trust_switches.roots()[0].sha256, trusted=True)
    phone.wifi.set_proxy("Home", WifiProxy(ProxyKind.MANUAL, "10.0.0.9", 3128))
    before = desk.seen()
    desk.changes.lead(proxy_way(desk), PROXY, HOME)
    desk.changes.trust((pki.public_root.der,))
    desk.restore()
    assert desk.seen() == before


@pytest.mark.parametrize("desk", [True], indirect=True)
def test_what_is_not_known_any_more_is_cleared_first(desk: Desk, pki: LabPki) -> None:
    desk.changes.trust((pki.user_root.der,))
    desk.changes.forget()
    desk.changes.trust((pki.public_root.der,))
    assert desk.rig.state.trust_anchors(False) == (pki.public_root.der,)


@pytest.mark.parametrize("desk", [True], indirect=True)
def test_a_proxy_for_one_network_by_profile(desk: Desk) -> None:
    with pytest.raises(CommandRefused, match="home"):
        desk.changes.lead(IosProxyWay.WIFI_PROFILE, PROXY, None)
    desk.changes.lead(IosProxyWay.WIFI_PROFILE, PROXY, HOME)
    assert desk.rig.state.network.settings.http_proxy == PROXY
    desk.changes.lead_no_more(IosProxyWay.WIFI_PROFILE, HOME)
    assert desk.rig.state.network.settings.http_proxy is None


@pytest.mark.parametrize("desk", [True], indirect=True)
def test_a_network_with_a_passphrase_is_made_known_first(desk: Desk) -> None:
    desk.changes.join(IosWifi("Café", "wpa2", "correct horse"))
    assert desk.hand._page.joined() == "Café"
    (cafe, _) = desk.rig.state.wifi.networks()
    assert cafe.managed
    desk.changes.go_home()
    assert desk.hand._page.joined() == "Home"


def test_the_owners_own_global_proxy_is_in_the_way(tmp_path: Path) -> None:
    with iphone(tmp_path) as rig:
        own = proxy_profile(PROXY).content.replace(b"test.trustpin-lab", b"com.owner")
        rig.state.management.install(own)
        with pytest.raises(CommandRefused, match="Only one global"):
            Desk(rig, tmp_path).changes.lead(IosProxyWay.PROFILE, PROXY, None)


@pytest.mark.parametrize("desk", [True], indirect=True)
def test_an_app_whose_build_was_not_kept(desk: Desk) -> None:
    item = AppItem(desk.rig.reach, TEST_APP, "0" * 64, desk.folder)
    before = item.read()
    AppService(desk.rig.reach).uninstall(TEST_APP)
    with pytest.raises(CommandRefused, match="install it by hand"):
        item.put_back(before)
    item.put_back(None)
    assert item.read() is None


def test_an_automatic_proxy_cannot_be_put_back(quiet: Desk) -> None:
    item = WifiProxyItem(quiet.hand, "Home")
    with pytest.raises(CommandRefused, match="by hand"):
        item.put_back("Automatic")
    assert item.read() is None
    assert WifiProxyItem(quiet.hand, "Nowhere").read() is None


def test_without_anybody_at_the_screen_what_settings_changed_stays(quiet: Desk) -> None:
    nobody = ItemMaker(quiet.rig.reach, Hand(None, lambda driving: quiet.hand._page))
    with pytest.raises(CommandRefused, match="--devices-file"):
        nobody("wifi", {}, quiet.folder).read()
    assert nobody("profiles", {}, quiet.folder).read() == []


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("nothing", {}),
        ("wifi", {"ssid": "Home"}),
        ("wifi_proxy", {}),
        ("profiles", {"a": "b"}),
        ("app", {"bundle_id": TEST_APP}),
        ("app", {"bundle_id": TEST_APP, "build": "../../etc/passwd"}),
    ],
)
def test_what_is_no_item(quiet: Desk, kind: str, arguments: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        quiet.items(kind, arguments, quiet.folder)


@pytest.mark.parametrize("value", [None, 5, "text", [1], {"joined": 5, "known": "x"}, {}])
def test_a_value_that_somebody_edited(quiet: Desk, value: Value) -> None:
    for item in (ProfilesItem(quiet.rig.reach), WifiItem(quiet.hand)):
        with pytest.raises(ValueError, match="value"):
            item.put_back(value)
