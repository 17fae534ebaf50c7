from __future__ import annotations

from pathlib import Path

import pytest

from lab.devices.phone_models import CHROME, AndroidVersion, ProxyWay, SdkProfile
from lab.devices.settings import AndroidSettings, Settings, SettingsError, VirtualSettings, load
from lab.model.attack import Need
from lab.model.device import Endpoint
from lab.phone.android.version import RELEASES

HEAD = "devices:\n  - id: a\n    platform: android\n"
ADB = "    adb: {tcp: '192.0.2.7:5555'}\n"
APPIUM = "    appium: {lab: true}\n"
ROUTES = "    routes: {proxy: reverse}\n"


def read(folder: Path, text: str) -> Settings:
    file = folder / "devices.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def phone(folder: Path, *lines: str) -> AndroidSettings:
    device = read(folder, HEAD + "".join(lines)).devices[0]
    assert isinstance(device, AndroidSettings)
    return device


def test_the_shortest_phone(tmp_path: Path) -> None:
    device = phone(tmp_path, ADB, APPIUM, ROUTES)
    assert device.adb.tcp == Endpoint("192.0.2.7", 5555)
    assert device.routes.proxy is ProxyWay.REVERSE
    assert (device.browser, device.profile) == (CHROME, SdkProfile.V6)
    assert device.app.package == "cloud.trustpin.android.sample"
    assert not device.optional


def test_a_phone_in_full(tmp_path: Path) -> None:
    device = phone(
        tmp_path,
        "    adb: {server: 1A2B, port: 5038}\n",
        "    appium: {hub: 'http://${USER_NAME}:${PASSWORD}@grid:4444', wait: 90, udid: X1,\n",
        "      capabilities: {'appium:systemPort': 8210}}\n",
        "    app: {package: com.acme.app, build: builds/a.apk, page: pages/acme.yaml}\n",
        "    browser: org.chromium.webview_shell\n",
        "    profile: 4.1\n",
        "    routes: {proxy: lan, lan: 192.0.2.1,\n",
        "      wifi: {ssid: Evil, security: wpa2, passphrase: '${WIFI}'}}\n",
        "    unlock_pin: ${PIN}\n    pool: office\n    optional: true\n",
        "    capabilities: {clock: the farm forbids it}\n",
    )
    assert (device.adb.server, device.adb.port) == ("1A2B", 5038)
    assert device.app.build == tmp_path / "builds/a.apk"
    assert device.profile is SdkProfile.V4_1
    assert device.capabilities == {Need.CLOCK: "the farm forbids it"}
    assert set(device.secrets) == {
        ("appium", "hub"),
        ("routes", "wifi", "passphrase"),
        ("unlock_pin",),
    }
    filled = device.secrets["appium", "hub"].fill({}, {"USER_NAME": "me", "PASSWORD": "hush"})
    assert filled == "http://me:hush@grid:4444"
    assert "hush" not in repr(device)


def test_a_virtual_phone_can_be_another_android(tmp_path: Path) -> None:
    text = "devices:\n  - {id: v, platform: virtual, android: 13, root: none, profile: 6}"
    device = read(tmp_path, text).devices[0]
    assert isinstance(device, VirtualSettings)
    assert (device.android, device.root) == (AndroidVersion.V13, "none")
    assert device.proxy is ProxyWay.LAN


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([APPIUM, ROUTES], "devices[0].adb: is missing; add it. How the lab reaches the phone."),
        ([ADB, APPIUM], "routes: is missing; add it. How its traffic reaches the adversary."),
        (["    adb: {}\n", APPIUM, ROUTES], "adb: give one of 'server', 'tcp' and 'usb'"),
        (["    adb: {server: X, usb: Y}\n", APPIUM, ROUTES], "adb: give one of"),
        (["    adb: {tcp: 'h:1', port: 5}\n", APPIUM, ROUTES], "'port' is the adb server's"),
        (["    adb: {server: X, key: k}\n", APPIUM, ROUTES], "'key' goes with 'tcp' and 'usb'"),
        (["    adb: {tcp: 'h:0'}\n", APPIUM, ROUTES], "adb.tcp: must be host:port, not 'h:0'"),
        (["    adb: {tcp: 5555}\n", APPIUM, ROUTES], "adb.tcp: must be host:port, not 5555"),
        ([ADB, "    appium: {}\n", ROUTES], "appium: give one of 'lab: true', 'server', 'hub'"),
        ([ADB, "    appium: {lab: false}\n", ROUTES], "appium.lab: must be true, not false"),
        ([ADB, "    appium: {server: 'ftp://x'}\n", ROUTES], "must be an http:// or https://"),
        ([ADB, "    appium: {hub: 'http://u:p@x'}\n", ROUTES], "appium.hub: holds credentials"),
        ([ADB, "    appium: {hub: 'http://${}x'}\n", ROUTES], "names no environment variable"),
        ([ADB, APPIUM, "    routes: {}\n"], "routes: give at least one of 'proxy', 'wifi'"),
        (
            [ADB, APPIUM, "    routes: {proxy: p}\n"],
            "must be 'reverse', 'lan', 'dnat' or 'wireguard', not 'p'",
        ),
        ([ADB, APPIUM, "    routes: {proxy: wireguard}\n"], "'wireguard' go together"),
        (
            [ADB, APPIUM, "    routes: {proxy: lan, wireguard: {listen: '192.0.2.1:51820'}}\n"],
            "'wireguard' go together",
        ),
        ([ADB, APPIUM, "    routes: {wifi: {ssid: A}, air: x}\n"], "'air' stands in for 'wifi'"),
        (
            [ADB, APPIUM, "    routes: {wifi: {ssid: A, security: wpa2}}\n"],
            "routes.wifi: a passphrase goes with wpa2 and wpa3",
        ),
        (
            [ADB, APPIUM, "    routes: {wifi: {ssid: A, passphrase: '${P}'}}\n"],
            "routes.wifi: a passphrase goes with wpa2 and wpa3",
        ),
        (
            [ADB, APPIUM, "    routes: {wifi: {ssid: ''}}\n"],
            "routes.wifi.ssid: is empty; give a text",
        ),
        ([ADB, APPIUM, "    routes: {proxy: lan, lan: 0.0.0.0}\n"], "must be one address of this"),
        ([ADB, APPIUM, "    routes: {proxy: lan, lan: here}\n"], "must be an IP address of this"),
        ([ADB, APPIUM, ROUTES, "    app: {package: acme}\n"], "must be an Android package such"),
        ([ADB, APPIUM, ROUTES, "    app: {page: acme.py}\n"], "app.page: must be 'trustpin-andr"),
        ([ADB, APPIUM, ROUTES, "    profile: 5\n"], "profile: must be '4.0', '4.1' or '6', not 5"),
        ([ADB, APPIUM, ROUTES, "    optional: maybe\n"], "optional: must be true or false, not"),
    ],
)
def test_each_mistake_is_one_line(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        phone(tmp_path, *lines)
    (line,) = str(caught.value).splitlines()
    assert message in line


@pytest.mark.parametrize("place", ["unlock_pin: '1234'", "unlock_pin: 1234"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, place: str) -> None:
    with pytest.raises(SettingsError, match=r"must be \$\{NAME\}") as caught:
        phone(tmp_path, ADB, APPIUM, ROUTES, f"    {place}\n")
    assert "1234" not in str(caught.value)


def test_what_a_phone_needs_is_looked_for_when_it_is_used(tmp_path: Path) -> None:
    loaded = read(
        tmp_path,
        HEAD
        + "    adb: {server: X}\n    unlock_pin: ${PIN}\n    app: {build: a.apk}\n"
        + APPIUM
        + ROUTES,
    )
    with pytest.raises(SettingsError) as caught:
        loaded.check_programs(["a"], {"PATH": str(tmp_path)})
    said = str(caught.value)
    assert "devices[0].unlock_pin: the environment variable PIN is not set" in said
    assert "devices[0].app.build: there is no file '" in said
    assert "devices[0].adb.server: the program adb is not found" in said


def test_an_optional_device_may_lack_what_it_needs(tmp_path: Path) -> None:
    loaded = read(
        tmp_path,
        "devices:\n  - {id: v, platform: virtual, appium: lab, optional: true}\n"
        "  - {id: w, platform: virtual}\n",
    )
    absent = loaded.check_programs(["v", "w"], {"PATH": str(tmp_path)})
    assert list(absent) == ["v"]
    assert "needs the program adb" in absent["v"]
    with pytest.raises(SettingsError, match="needs the program node"):
        loaded.check_programs(["v"], {"PATH": str(tmp_path)}, required=True)


def test_a_virtual_phone_can_be_every_android_that_there_is() -> None:
    assert tuple(AndroidVersion) == RELEASES
