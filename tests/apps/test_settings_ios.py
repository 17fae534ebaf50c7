from __future__ import annotations

import json
import plistlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.apps.android import NotOnScreen
from lab.apps.settings_ios import IosSettingsApp
from lab.model.device import Endpoint
from lab.network.mobileconfig import root_profile, wifi_profile
from lab.phone.ios.screen_seam import Refused
from lab.pki.hierarchy import LabPki
from tests.phone.ios.rigs import IosRig
from tests.phone.scripted import raising

PROXY = Endpoint("127.0.0.1", 8080)


@pytest.fixture(scope="module")
def root() -> bytes:
    return LabPki().user_root.der


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[IosRig]:
    with IosRig(tmp_path) as made:
        yield made


@pytest.fixture
def settings(rig: IosRig) -> IosSettingsApp:
    return IosSettingsApp(rig.driver())


def publish(rig: IosRig, *names: str) -> None:
    for name in names:
        point = {"ssid": name, "resolver": "127.0.0.1:5353", "gateway": "127.0.0.1:1080"}
        (rig.air / f"{name}.json").write_text(json.dumps(point))


def trusts(rig: IosRig, root: bytes) -> bool:
    return root in rig.phone.trust_anchors(True)


def test_a_root_is_installed_trusted_and_removed(
    settings: IosSettingsApp, rig: IosRig, root: bytes
) -> None:
    profile = root_profile(root)
    rig.phone.profiles.download(profile.content)
    settings.install_profile()
    assert settings.profiles() == [profile.name]
    assert not trusts(rig, root)
    ((name, on),) = settings.roots().items()
    assert not on
    for wanted in (True, True, False, True):
        settings.trust_root(name, on=wanted)
        assert settings.roots() == {name: wanted}
        assert trusts(rig, root) is wanted
    settings.remove_profile(profile.name)
    assert settings.profiles() == []
    assert settings.roots() == {}
    assert not trusts(rig, root)
    settings.remove_profile(profile.name)


def test_says_that_no_profile_waits(settings: IosSettingsApp) -> None:
    with pytest.raises(NotOnScreen, match="no profile waits"):
        settings.install_profile()


def test_says_that_a_profile_is_refused(
    settings: IosSettingsApp, rig: IosRig, root: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.phone.profiles.download(root_profile(root).content)
    monkeypatch.setattr(
        type(rig.phone.profiles), "install_waiting", raising(Refused("There is no room."))
    )
    with pytest.raises(NotOnScreen, match=r"the phone refuses: .*There is no room"):
        settings.install_profile()
    assert settings.profiles() == []


def test_a_profile_that_may_not_be_removed_stays(
    settings: IosSettingsApp, rig: IosRig, root: bytes
) -> None:
    content = plistlib.loads(root_profile(root).content) | {"PayloadRemovalDisallowed": True}
    rig.phone.profiles.download(plistlib.dumps(content))
    settings.install_profile()
    with pytest.raises(NotOnScreen, match="cannot be removed"):
        settings.remove_profile(settings.profiles()[0])


def test_of_several_profiles_the_named_one_is_removed(
    settings: IosSettingsApp, rig: IosRig, root: bytes
) -> None:
    for content in (root_profile(root), wifi_profile("Lab"), wifi_profile("Home")):
        rig.phone.profiles.download(content.content)
        settings.install_profile()
    assert len(settings.profiles()) == 3
    settings.remove_profile("Lab Wi-Fi Lab")
    assert settings.profiles() == [root_profile(root).name, "Lab Wi-Fi Home"]


def test_a_root_that_is_not_there_cannot_be_trusted(settings: IosSettingsApp) -> None:
    with pytest.raises(NotOnScreen, match="no root called 'Acme'"):
        settings.trust_root("Acme", on=True)


def test_networks_are_joined_and_forgotten(settings: IosSettingsApp, rig: IosRig) -> None:
    publish(rig, "Cafe", "Home")
    assert settings.joined() is None
    assert settings.networks() == {"Cafe": False, "Home": False}
    settings.join("Home")
    assert settings.joined() == "Home"
    assert rig.phone.joined is not None
    assert rig.phone.joined.ssid == "Home"
    settings.join("Home")
    settings.join("Cafe")
    assert settings.joined() == "Cafe"
    assert settings.networks() == {"Cafe": True, "Home": True}
    settings.forget("Cafe")
    assert settings.networks() == {"Cafe": False, "Home": True}
    settings.forget("Cafe")
    with pytest.raises(NotOnScreen, match="'Elsewhere' is not listed"):
        settings.join("Elsewhere")


def test_a_network_that_went_out_of_reach_is_not_joined(
    settings: IosSettingsApp, rig: IosRig
) -> None:
    publish(rig, "Home")
    settings.join("Home")
    publish(rig, "Cafe")
    settings.join("Cafe")
    (rig.air / "Home.json").unlink()
    with pytest.raises(NotOnScreen, match=r"refuses: .*Unable to join"):
        settings.join("Home")


def test_a_network_has_a_proxy(settings: IosSettingsApp, rig: IosRig) -> None:
    publish(rig, "Home")
    settings.join("Home")
    assert settings.proxy("Home") is None
    settings.set_proxy("Home", "127.0.0.1", 8080)
    assert settings.proxy("Home") == "127.0.0.1:8080"
    assert rig.phone.wifi.proxy("Home").port == 8080
    settings.set_proxy("Home", "127.0.0.2", 81)
    assert settings.proxy("Home") == "127.0.0.2:81"
    settings.set_proxy("Home", None)
    assert settings.proxy("Home") is None
    with pytest.raises(NotOnScreen, match="refuses"):
        settings.set_proxy("Home", "127.0.0.1", 999999)


def test_a_managed_network_is_left_alone(settings: IosSettingsApp, rig: IosRig) -> None:
    publish(rig, "Home")
    rig.phone.profiles.download(wifi_profile("Home", proxy=PROXY).content)
    settings.install_profile()
    assert settings.networks() == {"Home": True}
    with pytest.raises(NotOnScreen, match="cannot be changed"):
        settings.set_proxy("Home", None)
    with pytest.raises(NotOnScreen, match="no 'Forget This Network'"):
        settings.forget("Home")


def test_an_automatic_proxy_is_told(settings: IosSettingsApp, rig: IosRig) -> None:
    publish(rig, "Home")
    settings.join("Home")
    driver = settings._driver
    settings.proxy("Home")
    driver.find_element("accessibility id", "Automatic").click()
    driver.find_element("class name", "XCUIElementTypeTextField").send_keys(
        "http://127.0.0.1/p.pac"
    )
    driver.find_element("accessibility id", "Save").click()
    assert settings.proxy("Home") == "automatic http://127.0.0.1/p.pac"
