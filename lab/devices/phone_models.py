"""What devices.yaml may say of phones: virtual ones, and Android ones on a desk or in a farm."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lab.devices.fields import ClassName, DeviceId, Lacking, wrong
from lab.devices.phone_fields import (
    NUMBER_AS_TEXT,
    FilePath,
    HostPort,
    IpAddress,
    PackageName,
    PageName,
    PageSpec,
    Port,
    SecretText,
    UrlText,
)
from lab.devices.template import Template
from lab.model.attack import Need
from lab.model.device import RootMode as RootMode
from lab.model.failure_report import ReportWay

REFERENCE_CLIENT = "lab.phone.sdk.client:ReferenceClient"
SAMPLE_PACKAGE = "cloud.trustpin.android.sample"
SAMPLE_PAGE = "trustpin-android"
VIRTUAL_BROWSER = "com.android.browser"
CHROME = "com.android.chrome"
TUNNEL = "trustpinlab"
TUNNEL_NAME = r"^[A-Za-z0-9_=+.-]{1,15}$"
"""As the WireGuard app allows: it becomes an interface's name."""
ADB_PORT = 5037
"""Where adb's server listens unless it is told otherwise."""


class Section(BaseModel):
    """A part of the file: what is not described here is a mistake."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        arbitrary_types_allowed=True,
        use_attribute_docstrings=True,
        # Built with the file that they are part of, once, or never where nobody reads one.
        defer_build=True,
    )


class SdkProfile(StrEnum):
    """The SDK versions whose documented behaviour the lab knows."""

    V4_0 = "4.0"
    V4_1 = "4.1"
    V6 = "6"


REFERENCE_CLIENTS = {
    SdkProfile.V4_0: f"{REFERENCE_CLIENT}40",
    SdkProfile.V4_1: f"{REFERENCE_CLIENT}41",
    SdkProfile.V6: REFERENCE_CLIENT,
}


class AndroidVersion(StrEnum):
    """The Android versions that a virtual phone can be."""

    V10 = "10"
    V12 = "12"
    V13 = "13"
    V14 = "14"
    V15 = "15"
    V16 = "16"


class AppiumMode(StrEnum):
    """What stands between the lab and a virtual phone's automation server."""

    DIRECT = "direct"
    """Nothing: Appium's Python client talks to the phone."""
    LAB = "lab"
    """A real Appium server over a real adb server, both started by the lab."""


class ProxyWay(StrEnum):
    """Ways to send a phone's traffic to the adversary's proxy."""

    REVERSE = "reverse"
    """The phone's global HTTP proxy, on its own loopback, which adb leads to the lab."""
    LAN = "lan"
    """The phone's global HTTP proxy, at the lab's address."""
    DNAT = "dnat"
    """Rules on a rooted phone that rewrite addresses: apps that ignore the proxy, too."""
    WIREGUARD = "wireguard"
    """A tunnel of the WireGuard app to the lab: apps that ignore the proxy, too."""


class VirtualSettings(Section):
    """A virtual phone, which the lab starts itself."""

    id: DeviceId
    """The device's name in every report."""
    platform: Literal["virtual"]
    """A phone that the lab starts itself."""
    sdk: ClassName | None = None
    """The pinning client inside the phone's app, as ``package.module:Class``; without it the
    lab's reference client of the profile."""
    profile: Annotated[SdkProfile, NUMBER_AS_TEXT] = SdkProfile.V6
    """The SDK version whose documented behaviour is expected."""
    android: Annotated[AndroidVersion, NUMBER_AS_TEXT] = AndroidVersion.V14
    """The Android version that the phone is."""
    root: RootMode = RootMode.ADBD
    """How the phone is rooted; ``none`` is a phone as it is sold."""
    appium: AppiumMode = AppiumMode.DIRECT
    """``lab`` puts Appium and adb, which the lab starts, in between; needs Node and adb."""
    proxy: ProxyWay = ProxyWay.LAN
    """How the proxy route is taken."""
    report: ReportWay = ReportWay.HTTP
    """Where the app tells of refusals: ``http`` to the collector, ``log`` in the phone's log,
    ``ui`` on its screen."""
    optional: bool = False
    """Left out, and said so, where what it needs is not on this machine."""

    @property
    def client(self) -> str:
        """The pinning client, whether it is named or not."""
        return self.sdk or REFERENCE_CLIENTS[self.profile]


class AdbSection(Section):
    """How the lab reaches the phone's adb daemon: one of server, tcp, usb."""

    server: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The serial number that ``adb devices`` shows; the adb program and its server are used."""
    tcp: HostPort | None = None
    """``host:port`` of the phone's adb daemon; no adb program is needed."""
    usb: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The serial number of a phone on USB; no adb program is needed, and none may run."""
    port: Port = ADB_PORT
    """The adb server's port, with ``server``."""
    key: FilePath | None = None
    """The private key that the phone knows the lab by, with ``tcp`` and ``usb``; the user's own
    in ~/.android where nothing is said, else one that the lab makes."""

    @model_validator(mode="after")
    def _one(self) -> AdbSection:
        ways = [name for name in ("server", "tcp", "usb") if getattr(self, name) is not None]
        if len(ways) != 1:
            raise wrong("give one of 'server', 'tcp' and 'usb'")
        if self.server is None and "port" in self.model_fields_set:
            raise wrong("'port' is the adb server's; it goes with 'server' alone")
        if self.server is not None and self.key is not None:
            raise wrong("'key' goes with 'tcp' and 'usb'; with 'server', adb has its own")
        return self


class AppiumSection(Section):
    """Which Appium drives the phone: one of lab, server, hub."""

    lab: Literal[True] | None = None
    """A server of the lab's own, from the project's npm packages."""
    server: UrlText | None = None
    """The address of an Appium server that runs already."""
    hub: UrlText | None = None
    """The address of a Selenium Grid hub; the phone is asked for by its udid."""
    direct: UrlText | None = None
    """The automation endpoint of a virtual phone that somebody else started."""
    udid: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """What Appium calls the phone; its adb serial number where nothing is said."""
    capabilities: Mapping[str, bool | int | str] = Field(default_factory=dict)
    """Further capabilities of the session, such as ``appium:systemPort``."""
    wait: Annotated[int, Field(ge=1, le=600)] = 60
    """Seconds that a session may take to begin, a hub's queue included."""

    @model_validator(mode="after")
    def _one(self) -> AppiumSection:
        ways = [n for n in ("lab", "server", "hub", "direct") if getattr(self, n) is not None]
        if len(ways) != 1:
            raise wrong("give one of 'lab: true', 'server', 'hub' and 'direct'")
        return self


class AppSection(Section):
    """The app under test."""

    package: PackageName = SAMPLE_PACKAGE
    """What Android calls the app."""
    build: FilePath | None = None
    """An APK that is installed first, and removed or replaced afterwards."""
    page: PageName = PageSpec(SAMPLE_PAGE, Path())
    """Its page object: ``trustpin-android``, ``package.module:Class``, or a YAML file."""
    sdk: Annotated[str, Field(min_length=1, max_length=100)] = "TrustPin SDK in the app"
    """What is said of the pinning client in reports."""
    reports_as: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """What the app's failure reports call the phone (their field ``device``); its id, serial
    number or model where nothing is said."""
    report: ReportWay = ReportWay.HTTP
    """Where the app tells of refusals: ``http`` to a collector, ``log`` in the phone's log, ``ui``
    on its screen."""
    trusts_user_store: bool = False
    """Whether the build trusts CAs that the user added (network security configuration)."""


class WifiSection(Section):
    """The adversary's access point, as the phone sees it."""

    ssid: Annotated[str, Field(min_length=1, max_length=32)]
    """The network's name."""
    security: Literal["open", "wpa2", "wpa3"] = "open"
    """How the network is secured."""
    passphrase: SecretText | None = None
    """The passphrase, as ``${NAME}`` of an environment variable."""

    @model_validator(mode="after")
    def _has_passphrase(self) -> WifiSection:
        if (self.security == "open") is not (self.passphrase is None):
            raise wrong("a passphrase goes with wpa2 and wpa3, and with them alone")
        return self


class WireGuardSection(Section):
    """The tunnel of the phone's WireGuard app to the lab."""

    listen: HostPort
    """``host:port`` at which the phone reaches the lab over UDP; the lab listens there."""
    tunnel: Annotated[str, Field(pattern=TUNNEL_NAME)] = TUNNEL
    """The tunnel's name in the app: that of the profile's file, without ``.conf``."""


class AndroidRoutes(Section):
    """How the phone's traffic reaches the adversary."""

    proxy: ProxyWay | None = None
    """How the proxy route is taken; without it, its cases are not applicable."""
    wifi: WifiSection | None = None
    """The rogue Wi-Fi; without it, its cases are not applicable."""
    air: FilePath | None = None
    """For a virtual phone that somebody else started: the folder in which it looks for access
    points. Stands in for ``wifi``."""
    lan: IpAddress | None = None
    """The lab's address as the phone sees it: the lab listens there. Loopback where nothing is
    said."""
    wireguard: WireGuardSection | None = None
    """The tunnel of ``proxy: wireguard``."""

    @model_validator(mode="after")
    def _makes_sense(self) -> AndroidRoutes:
        if self.proxy is None and self.wifi is None and self.air is None:
            raise wrong("give at least one of 'proxy', 'wifi' and 'air'")
        if self.wifi is not None and self.air is not None:
            raise wrong("'air' stands in for 'wifi'; give one of them")
        if (self.proxy is ProxyWay.WIREGUARD) is not (self.wireguard is not None):
            raise wrong("'proxy: wireguard' and the section 'wireguard' go together")
        return self


class AndroidSettings(Section):
    """An Android phone: on a desk, an emulator, or in a farm."""

    id: DeviceId
    """The device's name in every report."""
    platform: Literal["android"]
    """An Android phone that runs already."""
    adb: AdbSection
    """How the lab reaches the phone."""
    appium: AppiumSection
    """Which Appium drives it."""
    app: AppSection = AppSection()
    """The app under test."""
    browser: PackageName = CHROME
    """The unpinned control client."""
    routes: AndroidRoutes
    """How its traffic reaches the adversary."""
    profile: Annotated[SdkProfile, NUMBER_AS_TEXT] = SdkProfile.V6
    """The SDK version whose documented behaviour is expected."""
    unlock_pin: SecretText | None = None
    """The screen lock's PIN, as ``${NAME}``; asked for where a CA is installed by hand."""
    pool: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """The pool that the phone belongs to; ``--pool`` chooses all of one."""
    optional: bool = False
    """Left out, and said so, where the phone cannot be reached."""
    capabilities: Mapping[Need, Lacking] = Field(default_factory=dict)
    """What the phone or app cannot do, with the reason, though the lab would assume it can."""

    @property
    def secrets(self) -> Mapping[tuple[str, ...], Template]:
        """Every text that is filled in from the environment, by its place under the device."""
        wifi = self.routes.wifi
        found: dict[tuple[str, ...], Template | None] = {
            ("appium", "server"): self.appium.server,
            ("appium", "hub"): self.appium.hub,
            ("appium", "direct"): self.appium.direct,
            ("routes", "wifi", "passphrase"): None if wifi is None else wifi.passphrase,
            ("unlock_pin",): self.unlock_pin,
        }
        return {place: text for place, text in found.items() if text is not None}
