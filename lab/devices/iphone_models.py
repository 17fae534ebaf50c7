"""What devices.yaml may say of iPhones: virtual ones, and those on a desk or in a farm."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from lab.devices.fields import ClassName, DeviceId, Lacking, wrong
from lab.devices.phone_fields import (
    NUMBER_AS_TEXT,
    FilePath,
    IosPageName,
    IpAddress,
    PageSpec,
    SecretText,
    UrlText,
)
from lab.devices.phone_models import AppiumMode, SdkProfile, Section, WifiSection
from lab.devices.template import Template
from lab.model.attack import Need
from lab.model.failure_report import ReportWay

IOS_CLIENT = "lab.phone.ios.client:IosReferenceClient"
IOS_CLIENTS = {
    SdkProfile.V4_0: f"{IOS_CLIENT}40",
    SdkProfile.V4_1: f"{IOS_CLIENT}41",
    SdkProfile.V6: IOS_CLIENT,
}
TEST_APP = "cloud.trustpin.TestApp"
TEST_APP_PAGE = "trustpin-ios"
SAFARI = "com.apple.mobilesafari"
USBMUXD = "/var/run/usbmuxd"
"""Where usbmuxd listens on Linux and macOS."""
LEAST_IOS = 18
"""The driver opens a port on all interfaces for phones that are older."""

BundleId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", max_length=255)]
Udid = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{8,64}$")]


class IosVersion(StrEnum):
    """The iOS versions that a virtual iPhone can be."""

    V18_5 = "18.5"
    V26_1 = "26.1"


class AgentState(StrEnum):
    """What a virtual iPhone's WebDriverAgent does before anybody asks for it."""

    RUNNING = "running"
    """It runs for as long as the phone does."""
    PREINSTALLED = "preinstalled"
    """It is an app on the phone, which Appium's driver launches over RemoteXPC."""


class IosProxyWay(StrEnum):
    """Ways to send an iPhone's traffic to the adversary's proxy."""

    PROFILE = "profile"
    """A profile with the global HTTP proxy; supervised iPhones alone take it."""
    WIFI_PROFILE = "wifi_profile"
    """A profile with a Wi-Fi network (``home``) and the HTTP proxy that is used in it."""
    BY_HAND = "by_hand"
    """The HTTP proxy of the Wi-Fi network, set in Settings by the lab's hand."""


class VirtualIosSettings(Section):
    """A virtual iPhone, which the lab starts itself."""

    id: DeviceId
    """The device's name in every report."""
    platform: Literal["virtual-ios"]
    """An iPhone that the lab starts itself."""
    sdk: ClassName | None = None
    """The pinning client inside the phone's app, as ``package.module:Class``; without it the
    lab's reference client of the profile."""
    profile: Annotated[SdkProfile, NUMBER_AS_TEXT] = SdkProfile.V6
    """The SDK version whose documented behaviour is expected."""
    ios: Annotated[IosVersion, NUMBER_AS_TEXT] = IosVersion.V18_5
    """The iOS version that the phone is."""
    supervised: bool = True
    """Whether the lab supervises the phone; ``false`` is an iPhone as it is sold, on which a hand
    in Settings installs profiles and switches their roots on."""
    appium: AppiumMode = AppiumMode.DIRECT
    """``lab`` puts a real Appium server, which the lab starts, in between; needs Node."""
    wda: AgentState = AgentState.RUNNING
    """``preinstalled`` is a WebDriverAgent that Appium's driver launches itself, as on a real
    iPhone; needs ``appium: lab``."""
    proxy: IosProxyWay | None = None
    """How the proxy route is taken: ``profile`` where it is supervised, else ``by_hand``."""
    report: ReportWay = ReportWay.HTTP
    """Where the app tells of refusals: ``http`` to the collector, ``ui`` on its screen."""
    optional: bool = False
    """Left out, and said so, where what it needs is not on this machine."""

    @model_validator(mode="after")
    def _can_be_led(self) -> VirtualIosSettings:
        if self.proxy is IosProxyWay.PROFILE and not self.supervised:
            raise wrong("'proxy: profile' needs a supervised iPhone; say 'by_hand'")
        if self.wda is AgentState.PREINSTALLED and self.appium is AppiumMode.DIRECT:
            raise wrong("'wda: preinstalled' needs Appium to launch it; add 'appium: lab'")
        return self

    @property
    def client(self) -> str:
        """The pinning client, whether it is named or not."""
        return self.sdk or IOS_CLIENTS[self.profile]

    @property
    def proxy_way(self) -> IosProxyWay:
        """How the proxy route is taken, whether that is said or not."""
        return self.proxy or (IosProxyWay.PROFILE if self.supervised else IosProxyWay.BY_HAND)


class IosAppiumSection(Section):
    """Which Appium drives the iPhone: one of lab, server, hub, direct."""

    lab: Literal[True] | None = None
    """A server of the lab's own, from the project's npm packages."""
    server: UrlText | None = None
    """The address of an Appium server that runs already."""
    hub: UrlText | None = None
    """The address of a Selenium Grid hub; the phone is asked for by its udid."""
    direct: Literal[True] | None = None
    """Nothing: Appium's Python client talks to the WebDriverAgent at ``agent``."""
    agent: UrlText | None = None
    """The address of a WebDriverAgent that runs already (``webDriverAgentUrl``); without it,
    Appium starts the one that is installed on the phone."""
    capabilities: Mapping[str, bool | int | str] = Field(default_factory=dict)
    """Further capabilities of the session, such as ``appium:xcodeOrgId`` on a Mac."""
    registry: Annotated[int, Field(ge=1, le=65535)] = 42314
    """For ``lab`` and ``direct``: the port of this machine where the registry of iPhones' tunnels
    listens, which ``sudo appium driver run xcuitest tunnel-creation`` keeps."""
    network_monitor: bool = True
    """Whether the iPhone's own network monitor is listened to, where it has a tunnel. ``false`` for
    an app that also goes past the route by design."""
    wait: Annotated[int, Field(ge=1, le=600)] = 120
    """Seconds that a session may take to begin, a hub's queue included."""

    @model_validator(mode="after")
    def _one(self) -> IosAppiumSection:
        ways = [n for n in ("lab", "server", "hub", "direct") if getattr(self, n) is not None]
        if len(ways) != 1:
            raise wrong("give one of 'lab: true', 'server', 'hub' and 'direct: true'")
        if self.direct is not None and self.agent is None:
            raise wrong("'direct' needs the address of a WebDriverAgent; add 'agent'")
        return self


class SupervisionSection(Section):
    """The identity that supervises the iPhone."""

    p12: SecretText
    """The path of a PKCS #12 file, as ``${NAME}`` of an environment variable."""
    password: SecretText | None = None
    """Its password, as ``${NAME}``; none where nothing is said."""


class IosAppSection(Section):
    """The app under test."""

    bundle_id: BundleId = TEST_APP
    """What iOS calls the app."""
    build: FilePath | None = None
    """An .ipa that this iPhone may run. With it the app is installed anew, so that it forgets
    what it stored; no other way leads there on an iPhone."""
    page: IosPageName = PageSpec(TEST_APP_PAGE, Path())
    """Its page object: ``trustpin-ios``, or ``package.module:Class``."""
    sdk: Annotated[str, Field(min_length=1, max_length=100)] = "TrustPin SDK in the app"
    """What is said of the pinning client in reports."""
    reports_as: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """What the app's failure reports call the phone (their field ``device``); its id, udid, name
    or model where nothing is said."""
    report: ReportWay = ReportWay.HTTP
    """Where the app tells of refusals: ``http`` to a collector, ``ui`` on its screen."""


class IosRoutes(Section):
    """How the iPhone's traffic reaches the adversary."""

    proxy: IosProxyWay | None = None
    """How the proxy route is taken; without it, its cases are not applicable."""
    home: WifiSection | None = None
    """The Wi-Fi network in which the proxy is used, for ``wifi_profile`` and ``by_hand``; that
    which the phone has joined where nothing is said (``by_hand``)."""
    wifi: WifiSection | None = None
    """The rogue Wi-Fi; without it, its cases are not applicable."""
    air: FilePath | None = None
    """For a virtual iPhone that somebody else started: the folder in which it looks for access
    points. Stands in for ``wifi``."""
    lan: IpAddress | None = None
    """The lab's address as the phone sees it: the lab listens there. Loopback where nothing is
    said."""

    @model_validator(mode="after")
    def _makes_sense(self) -> IosRoutes:
        if self.proxy is None and self.wifi is None and self.air is None:
            raise wrong("give at least one of 'proxy', 'wifi' and 'air'")
        if self.wifi is not None and self.air is not None:
            raise wrong("'air' stands in for 'wifi'; give one of them")
        if self.proxy is IosProxyWay.WIFI_PROFILE and self.home is None:
            raise wrong("'proxy: wifi_profile' needs the network: 'home'")
        return self


class IosSettings(Section):
    """An iPhone: on a desk, or in a farm."""

    id: DeviceId
    """The device's name in every report."""
    platform: Literal["ios"]
    """An iPhone that runs already."""
    udid: Udid
    """As Xcode, ``idevice_id -l`` or the farm calls it."""
    version: Annotated[str, NUMBER_AS_TEXT, Field(pattern=r"^\d{1,2}(\.\d{1,2}){0,2}$")]
    """Of iOS, such as ``18.5``; 18 or newer."""
    usbmuxd: Annotated[str, Field(min_length=1, max_length=200)] = USBMUXD
    """Where usbmuxd listens: ``host:port`` or the path of its socket."""
    appium: IosAppiumSection
    """Which Appium drives it."""
    supervision: SupervisionSection | None = None
    """Who supervises it, where it is supervised; without it a hand in Settings does what is to be
    done."""
    app: IosAppSection = IosAppSection()
    """The app under test."""
    browser: BundleId = SAFARI
    """The unpinned control client."""
    routes: IosRoutes
    """How its traffic reaches the adversary."""
    profile: Annotated[SdkProfile, NUMBER_AS_TEXT] = SdkProfile.V6
    """The SDK version whose documented behaviour is expected."""
    passcode: SecretText | None = None
    """The iPhone's passcode, as ``${NAME}``; asked for where a profile is installed by hand."""
    pool: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """The pool that the phone belongs to; ``--pool`` chooses all of one."""
    optional: bool = False
    """Left out, and said so, where the phone cannot be reached."""
    capabilities: Mapping[Need, Lacking] = Field(default_factory=dict)
    """What the phone or app cannot do, with the reason, though the lab would assume it can."""

    @model_validator(mode="after")
    def _fits(self) -> IosSettings:
        if int(self.version.partition(".")[0]) < LEAST_IOS:
            raise wrong(
                f"'version' must be {LEAST_IOS} or newer: for an older one Appium's driver listens "
                "on all interfaces"
            )
        if self.routes.proxy is IosProxyWay.PROFILE and self.supervision is None:
            raise wrong("'proxy: profile' needs a supervised iPhone: add 'supervision'")
        return self

    @property
    def secrets(self) -> Mapping[tuple[str, ...], Template]:
        """Every text that is filled in from the environment, by its place under the device."""
        supervision, routes = self.supervision, self.routes
        found: dict[tuple[str, ...], Template | None] = {
            ("appium", "server"): self.appium.server,
            ("appium", "hub"): self.appium.hub,
            ("appium", "agent"): self.appium.agent,
            ("supervision", "p12"): None if supervision is None else supervision.p12,
            ("supervision", "password"): None if supervision is None else supervision.password,
            ("routes", "wifi", "passphrase"): _passphrase(routes.wifi),
            ("routes", "home", "passphrase"): _passphrase(routes.home),
            ("passcode",): self.passcode,
        }
        return {place: text for place, text in found.items() if text is not None}


def _passphrase(network: WifiSection | None) -> Template | None:
    return None if network is None else network.passphrase
