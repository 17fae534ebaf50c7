"""Corners of Settings; the ways through it are tested with its page object."""

from __future__ import annotations

import plistlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.network.mobileconfig import root_profile
from lab.phone.ios.settings_app import SettingsActivity
from lab.pki.hierarchy import LabPki
from tests.phone.ios.rigs import SETTINGS, IosRig
from tests.phone.scripted import find, press


@pytest.fixture(scope="module")
def root() -> bytes:
    return LabPki().user_root.der


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[IosRig]:
    with IosRig(tmp_path) as made:
        yield made


@pytest.fixture
def settings(rig: IosRig) -> SettingsActivity:
    rig.screen.launch(SETTINGS)
    made = rig.screen.foreground
    assert isinstance(made, SettingsActivity)
    return made


def title(settings: SettingsActivity) -> str:
    return find(settings, "bar").resource_id


def rows(settings: SettingsActivity) -> list[str]:
    return [node.text for node in find(settings, "list").children]


def tap(settings: SettingsActivity, label: str) -> None:
    for node in settings.root().walk():
        if node.text == label and node.clickable:
            settings.tap(node)
            return
    raise LookupError(label)


def test_about_says_which_phone_it_is(settings: SettingsActivity, rig: IosRig) -> None:
    tap(settings, "General")
    tap(settings, "About")
    said = [node.text for node in settings.root().walk()]
    identity = rig.phone.identity
    for words in (identity.name, identity.model_name, identity.serial):
        assert words in said
    assert f"{identity.version} ({identity.build})" in said


def test_goes_back(settings: SettingsActivity, rig: IosRig) -> None:
    tap(settings, "General")
    tap(settings, "About")
    press(settings, "back")
    assert title(settings) == "General"
    rig.screen.back()
    assert title(settings) == "Settings"
    rig.screen.back()
    assert rig.screen.foreground is None


def test_a_profile_that_waits_is_on_the_first_page(rig: IosRig, root: bytes) -> None:
    rig.phone.profiles.download(root_profile(root).content)
    rig.screen.launch(SETTINGS)
    made = rig.screen.foreground
    assert isinstance(made, SettingsActivity)
    assert rows(made)[0] == "Profile Downloaded"
    tap(made, "Profile Downloaded")
    tap(made, "Remove Downloaded Profile")
    assert rig.phone.profiles.waiting() is None
    assert rows(made)[0] == "Airplane Mode"


def test_an_installation_can_be_left(settings: SettingsActivity, rig: IosRig, root: bytes) -> None:
    rig.phone.profiles.download(root_profile(root).content)
    tap(settings, "General")
    tap(settings, "VPN & Device Management")
    tap(settings, root_profile(root).name)
    tap(settings, "Install")
    assert title(settings) == "Warning"
    tap(settings, "Install")
    press(settings, "alert/Cancel")
    assert title(settings) == "Warning"
    tap(settings, "Cancel")
    assert title(settings) == "VPN & Device Management"
    assert rig.phone.profiles.installed() == ()


def test_a_profile_that_went_away_meanwhile_is_no_matter(
    settings: SettingsActivity, rig: IosRig, root: bytes
) -> None:
    profile = root_profile(root)
    rig.phone.profiles.download(profile.content)
    tap(settings, "General")
    tap(settings, "VPN & Device Management")
    tap(settings, profile.name)
    rig.phone.profiles.drop_waiting()
    tap(settings, "Install")
    tap(settings, "Install")
    press(settings, "alert/Install")
    assert title(settings) == "Warning"
    assert "Cannot Do This" in [node.text for node in settings.root().walk()]
    press(settings, "alert/OK")
    tap(settings, "Cancel")
    rig.phone.profiles.download(profile.content)
    rig.phone.profiles.install_waiting()
    press(settings, "back")
    tap(settings, "VPN & Device Management")
    tap(settings, profile.name)
    rig.phone.profiles.remove(profile.identifier)
    tap(settings, "Remove Profile")
    press(settings, "alert/Remove")
    assert rows(settings) == ["No profiles are installed."]


def test_a_profile_that_may_not_be_removed_has_no_button_for_it(
    settings: SettingsActivity, rig: IosRig, root: bytes
) -> None:
    content = plistlib.loads(root_profile(root).content) | {"PayloadRemovalDisallowed": True}
    rig.phone.profiles.download(plistlib.dumps(content))
    name = rig.phone.profiles.install_waiting().name
    tap(settings, "General")
    tap(settings, "VPN & Device Management")
    tap(settings, name)
    assert title(settings) == "Profile"
    with pytest.raises(LookupError):
        tap(settings, "Remove Profile")


def test_full_trust_can_be_thought_better_of(
    settings: SettingsActivity, rig: IosRig, root: bytes
) -> None:
    rig.phone.profiles.download(root_profile(root).content)
    rig.phone.profiles.install_waiting()
    tap(settings, "General")
    tap(settings, "About")
    tap(settings, "Certificate Trust Settings")
    (switch,) = (node for node in settings.root().walk() if node.checkable)
    settings.tap(switch)
    press(settings, "alert/Cancel")
    (switch,) = (node for node in settings.root().walk() if node.checkable)
    assert not switch.checked
    assert not any(each.trusted for each in rig.phone.trust_switches.roots())


def test_what_is_wrong_with_a_proxy_is_said(settings: SettingsActivity, rig: IosRig) -> None:
    (rig.air / "a.json").write_text(
        '{"ssid": "Home", "resolver": "127.0.0.1:1", "gateway": "127.0.0.1:2"}'
    )
    tap(settings, "Wi-Fi")
    tap(settings, "Home")
    tap(settings, "More Info")
    tap(settings, "Configure Proxy")
    tap(settings, "Manual")
    fields = [node for node in settings.root().walk() if node.takes_text]
    settings.set_text(fields[0], "127.0.0.1")
    settings.set_text(fields[1], "http")
    tap(settings, "Save")
    assert "The port is not a number." in [node.text for node in settings.root().walk()]
    press(settings, "alert/OK")
    assert title(settings) == "Configure Proxy"
    press(settings, "back")
    tap(settings, "Forget This Network")
    press(settings, "alert/Forget")
    assert rig.phone.joined is None
