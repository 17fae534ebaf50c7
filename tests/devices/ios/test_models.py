"""What devices.yaml says of iPhones: read, filled in, and told of in the reader's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.devices.ios.tunnel_registry import USUAL_PORT
from lab.devices.iphone_models import (
    IOS_CLIENT,
    USBMUXD,
    AgentState,
    IosProxyWay,
    IosSettings,
    VirtualIosSettings,
)
from lab.devices.registry import (
    listen_address,
    lives_in_namespace,
    source_for,
    tunnel_for,
)
from lab.devices.settings import SettingsError, load
from lab.model.attack import Need

HEAD = "devices:\n  - id: mine\n    "
REAL = """platform: ios
    udid: 00008120-001A2B3C4D5E6F70
    version: "18.5"
"""
DIRECT = "    appium: {direct: true, agent: 'http://127.0.0.1:8100'}\n"


def real(folder: Path, *lines: str, appium: str = DIRECT) -> IosSettings:
    file = folder / "devices.yaml"
    file.write_text(HEAD + REAL + appium + "".join(f"    {line}\n" for line in lines))
    device = load(file).device("mine")
    assert isinstance(device, IosSettings)
    return device


def virtual(folder: Path, *lines: str) -> VirtualIosSettings:
    file = folder / "devices.yaml"
    more = "".join(f"    {line}\n" for line in lines)
    file.write_text(f"{HEAD}platform: virtual-ios\n{more}")
    device = load(file).device("mine")
    assert isinstance(device, VirtualIosSettings)
    return device


def test_a_virtual_iphone_needs_nothing_said(tmp_path: Path) -> None:
    device = virtual(tmp_path)
    assert (device.client, device.ios, device.supervised) == (IOS_CLIENT, "18.5", True)
    assert device.proxy_way is IosProxyWay.PROFILE
    assert lives_in_namespace(device)
    assert tunnel_for(device) is None
    assert source_for(device, 0) == source_for(device, 0)


def test_it_can_be_as_it_is_sold_and_older(tmp_path: Path) -> None:
    device = virtual(tmp_path, "supervised: false", "profile: 4.1", "ios: 26.1")
    assert (device.client, device.ios) == (f"{IOS_CLIENT}41", "26.1")
    assert device.proxy_way is IosProxyWay.BY_HAND


def test_a_real_iphone(tmp_path: Path) -> None:
    device = real(
        tmp_path,
        "supervision: {p12: '${P12}', password: '${PASSWORD}'}",
        "app: {bundle_id: com.acme.App, build: app.ipa}",
        "routes: {proxy: profile, lan: 192.0.2.1, wifi: {ssid: Rogue}}",
        "capabilities: {wifi: it is in a cage}",
    )
    assert (device.usbmuxd, device.browser) == (USBMUXD, "com.apple.mobilesafari")
    assert device.app.build == tmp_path / "app.ipa"
    assert device.capabilities == {Need.WIFI: "it is in a cage"}
    assert set(device.secrets) == {
        ("appium", "agent"),
        ("supervision", "p12"),
        ("supervision", "password"),
    }
    assert listen_address(device) == "192.0.2.1"
    assert source_for(device, 0) is None
    assert not lives_in_namespace(device)
    assert tunnel_for(device) is None


ROUTES = "routes: {proxy: by_hand}"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "routes: is missing"),
        (["routes: {}"], "at least one of 'proxy', 'wifi' and 'air'"),
        (["routes: {proxy: reverse}"], "must be 'profile', 'wifi_profile' or 'by_hand'"),
        (["routes: {proxy: profile}"], "add 'supervision'"),
        (["routes: {proxy: wifi_profile}"], "needs the network: 'home'"),
        (["routes: {wifi: {ssid: a}, air: b}"], "'air' stands in"),
        ([ROUTES, "supervision: {p12: desk.p12}"], "environment variable"),
        ([ROUTES, "passcode: '1234'"], "environment variable"),
        ([ROUTES, "app: {bundle_id: nothing}"], "a bundle id such as"),
        ([ROUTES, "app: {page: page.yaml}"], "'trustpin-ios' or package.module:Class"),
        ([ROUTES, "adb: {server: x}"], "unknown key 'adb'"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, lines: list[str], words: str) -> None:
    with pytest.raises(SettingsError) as found:
        real(tmp_path, *lines)
    assert words in str(found.value)


@pytest.mark.parametrize(
    ("appium", "words"),
    [
        ("    appium: {}\n", "give one of 'lab: true'"),
        ("    appium: {lab: true, server: 'http://a'}\n", "give one of"),
        ("    appium: {direct: true}\n", "add 'agent'"),
    ],
)
def test_an_appium_that_is_none(tmp_path: Path, appium: str, words: str) -> None:
    with pytest.raises(SettingsError) as found:
        real(tmp_path, ROUTES, appium=appium)
    assert words in str(found.value)


@pytest.mark.parametrize("version", ["17.5", "'9'"])
def test_an_ios_that_is_too_old(tmp_path: Path, version: str) -> None:
    file = tmp_path / "devices.yaml"
    file.write_text(HEAD + REAL.replace('"18.5"', version) + DIRECT + f"    {ROUTES}\n")
    with pytest.raises(SettingsError, match="18 or newer"):
        load(file)


def test_a_virtual_one_as_it_is_sold_takes_no_global_proxy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="supervised"):
        virtual(tmp_path, "supervised: false", "proxy: profile")


def test_what_is_missing_is_told_before_a_run(tmp_path: Path) -> None:
    real(tmp_path, ROUTES, "app: {build: no.ipa}", "passcode: '${PASSCODE_X}'")
    settings = load(tmp_path / "devices.yaml")
    with pytest.raises(SettingsError) as found:
        settings.check_programs(["mine"], {"PATH": ""})
    assert "PASSCODE_X is not set" in str(found.value)
    assert "there is no file" in str(found.value)
    virtual(tmp_path, "appium: lab")
    with pytest.raises(SettingsError, match="node"):
        load(tmp_path / "devices.yaml").check_programs(["mine"], {"PATH": ""})


def test_a_preinstalled_agent_needs_somebody_who_launches_it(tmp_path: Path) -> None:
    assert virtual(tmp_path).wda is AgentState.RUNNING
    made = virtual(tmp_path, "appium: lab", "wda: preinstalled")
    assert made.wda is AgentState.PREINSTALLED
    with pytest.raises(SettingsError, match="add 'appium: lab'"):
        virtual(tmp_path, "wda: preinstalled")


def test_the_registry_of_tunnels_and_the_monitor(tmp_path: Path) -> None:
    routes = "routes: {proxy: by_hand}"
    usual = real(tmp_path, routes).appium
    assert (usual.registry, usual.network_monitor) == (USUAL_PORT, True)
    told = "    appium: {lab: true, registry: 4000, network_monitor: false}\n"
    other = real(tmp_path, routes, appium=told).appium
    assert (other.registry, other.network_monitor) == (4000, False)
    with pytest.raises(SettingsError, match="registry"):
        real(tmp_path, routes, appium="    appium: {lab: true, registry: 0}\n")
