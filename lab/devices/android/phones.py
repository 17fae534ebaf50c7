"""Android phones that run already: from their entry in devices.yaml to a device."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.apps.browser_android import AndroidBrowser
from lab.apps.page import AppPage, BrowserPage
from lab.apps.settings_android import AndroidSettingsApp
from lab.devices.adb_host import AdbHost, UsersAdb
from lab.devices.adb_server import AdbUnavailable, find_adb
from lab.devices.android.appium_sessions import direct, on_hub, on_own_server, on_server, own_adb
from lab.devices.android.device import AndroidDevice, Plan, WifiPlan
from lab.devices.android.driving import Driving
from lab.devices.android.facts import identify
from lab.devices.android.items import ItemMaker
from lab.devices.android.keys import find_keys
from lab.devices.android.lazy_settings import LazySettings
from lab.devices.android.link import AdbLink
from lab.devices.android.opening import Opening, open_phone
from lab.devices.android.program_link import AdbProgramLink
from lab.devices.android.settings_store import SettingsPage
from lab.devices.android.shell_link import tcp_link, usb_link
from lab.devices.app_pages import find_page
from lab.devices.appium import COMMAND_CAP
from lab.devices.item import Value
from lab.devices.journal import MakeItem
from lab.devices.owner import Owner
from lab.devices.phone_models import SAMPLE_PACKAGE, TUNNEL, AdbSection, AndroidSettings
from lab.devices.problems import SettingsError
from lab.devices.state_folder import StateError, journals_folder
from lab.devices.template import Template, Unset
from lab.devices.virtual import put_on_air
from lab.model.attack import Need
from lab.model.device import DeviceLost, Endpoint, Surroundings
from lab.model.profile import Profile

LOOPBACK = "127.0.0.1"

PLATFORM: Mapping[Need, str] = {
    Need.ED25519: "Android's TLS knows Ed25519 signatures, but does not offer them (BoringSSL)",
}
"""What no Android phone can do, and why."""


def open_android(
    settings: AndroidSettings,
    surroundings: Surroundings,
    home: Path,
    *,
    factory_anchors: tuple[bytes, ...],
    report_url: str,
    owner: Owner,
) -> AndroidDevice:
    """Take the phone that ``settings`` describe and return it ready. ``home`` is a folder of its
    own. Raises DeviceLost."""
    stack = ExitStack()
    try:
        air = settings.routes.air
        if air is not None:
            access_point = put_on_air(air, surroundings.rogue)
            stack.callback(access_point.unlink, missing_ok=True)
        opening = Opening(
            plan=_plan(settings, surroundings, factory_anchors, report_url),
            link=link_of(address_of(settings.adb)),
            driving=driving_of(settings, home, stack),
            pages=_pages(settings),
            settings_page=_settings_page(settings),
            journals=journals_folder(),
            leases=None,
            address=address_of(settings.adb),
            build=settings.app.build,
            appium=settings.appium.direct is None,
        )
        return open_phone(opening, surroundings, owner, stack)
    except (DeviceLost, StateError, SettingsError, OSError) as error:
        stack.close()
        raise DeviceLost(f"{settings.id}: {error}") from None
    except BaseException:
        stack.close()
        raise


def address_of(adb: AdbSection) -> Mapping[str, Value]:
    """Return how a phone is reached, as its undo journal keeps it."""
    if adb.server is not None:
        return {"server": adb.server, "port": adb.port}
    key = {} if adb.key is None else {"key": str(adb.key)}
    return {"usb": adb.usb, **key} if adb.tcp is None else {"tcp": str(adb.tcp), **key}


def link_of(address: Mapping[str, Value]) -> AdbLink:
    """Return the link to the phone at an address of ``address_of``. Raises ValueError for what is
    none, DeviceLost where USB support is missing."""
    said = {name: value for name, value in address.items() if isinstance(value, str | int)}
    key = Path(str(said["key"])) if "key" in said else None
    match said:
        case {"server": str(serial), "port": int(port)}:
            return AdbProgramLink(serial, server=Endpoint(LOOPBACK, port))
        case {"tcp": str(place)}:
            host, _, number = place.rpartition(":")
            return tcp_link(Endpoint(host, int(number)), lambda: find_keys(key))
        case {"usb": str(serial)}:
            return usb_link(serial, lambda: find_keys(key))
    raise ValueError(f"{sorted(address)} is no address that this version of the lab knows")


@contextmanager
def open_for_restore(
    address: Mapping[str, Value], settings: AndroidSettings | None = None
) -> Iterator[tuple[str, MakeItem]]:
    """Reach a phone again by the address in its undo journal (``restore.OpenDevice``).

    ``settings`` are what devices.yaml says of it today: without them nobody drives its screen,
    and what Settings changed stays.
    """
    with ExitStack() as stack:
        link = link_of(address)
        stack.callback(link.close)
        facts = identify(link, SAMPLE_PACKAGE)
        page = None if settings is None else _settings_for_restore(settings, stack)
        yield facts.serial, ItemMaker(link, facts.root, page)


def _settings_for_restore(settings: AndroidSettings, stack: ExitStack) -> SettingsPage:
    def driving() -> Driving:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="trustpin-lab-")))
        return driving_of(settings, home, stack)

    return LazySettings(driving, _settings_page(settings))


def driving_of(settings: AndroidSettings, home: Path, stack: ExitStack) -> Driving:
    """Return who drives the phone's screen; ``stack`` ends what is started for that. Raises
    DeviceLost."""
    section = settings.appium
    udid = section.udid or _serial(settings.adb)
    capabilities = section.capabilities
    if section.direct is not None:
        return direct(section.udid, _filled(section.direct), lambda: None, COMMAND_CAP)
    if section.server is not None:
        return on_server(udid, _filled(section.server), capabilities, section.wait)
    if section.hub is not None:
        return on_hub(udid, _filled(section.hub), capabilities, section.wait)
    adb, reach = _adb_for_appium(settings.adb, udid, home, stack)
    return on_own_server(
        udid,
        adb,
        home / "appium",
        stack,
        installed=False,
        reach=reach,
        capabilities=capabilities,
        wait=section.wait,
    )


def _adb_for_appium(
    adb: AdbSection, udid: str, home: Path, stack: ExitStack
) -> tuple[AdbHost, Callable[[], None]]:
    if adb.server is not None:
        try:
            return UsersAdb(find_adb(), adb.port), lambda: None
        except AdbUnavailable as error:
            raise DeviceLost(str(error)) from None
    return own_adb(home / "adb", udid, stack)


def _plan(
    settings: AndroidSettings, around: Surroundings, anchors: tuple[bytes, ...], report_url: str
) -> Plan:
    wifi = settings.routes.wifi
    rogue = None
    if settings.routes.air is not None:
        rogue = WifiPlan(around.rogue.ssid)
    elif wifi is not None:
        secret = None if wifi.passphrase is None else _filled(wifi.passphrase)
        rogue = WifiPlan(wifi.ssid, wifi.security, secret)
    return Plan(
        id=settings.id,
        platform="android",
        profile=Profile.named(settings.profile),
        sdk=settings.app.sdk,
        app=settings.app.package,
        browser=settings.browser,
        report_url=report_url,
        proxy_way=settings.routes.proxy,
        rogue=rogue,
        anchors=anchors,
        reports_as=settings.app.reports_as or "",
        report_way=settings.app.report,
        trusts_user_store=settings.app.trusts_user_store,
        lacking={**PLATFORM, **settings.capabilities},
        tunnel=TUNNEL if settings.routes.wireguard is None else settings.routes.wireguard.tunnel,
    )


def _pages(settings: AndroidSettings) -> Callable[[Driving], tuple[AppPage, BrowserPage]]:
    """Return what makes the page objects. Raises SettingsError for a page that is none."""
    make_app = find_page(settings.app.page.name, settings.app.page.folder)

    def pages(driving: Driving) -> tuple[AppPage, BrowserPage]:
        driver = driving.driver
        return make_app(driver), AndroidBrowser(driver, settings.browser)

    return pages


def _settings_page(settings: AndroidSettings) -> Callable[[Driving], SettingsPage]:
    pin = "" if settings.unlock_pin is None else _filled(settings.unlock_pin)
    return lambda driving: AndroidSettingsApp(driving.driver, pin=pin)


def _serial(adb: AdbSection) -> str:
    """Return what adb calls the phone."""
    return adb.server or adb.usb or str(adb.tcp)


def _filled(text: Template) -> str:
    """Return a text with its environment variables. Raises DeviceLost."""
    try:
        return text.fill({}, os.environ)
    except Unset as error:
        raise DeviceLost(f"the environment variable {error} is not set any more") from None
