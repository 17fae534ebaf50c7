"""iPhones that run already: from their entry in devices.yaml to a device."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.apps.page import AppPage, BrowserPage
from lab.apps.safari import Safari
from lab.apps.settings_ios import IosSettingsApp
from lab.devices.android.driving import Driving
from lab.devices.app_pages import find_page
from lab.devices.appium import COMMAND_CAP
from lab.devices.ios.address import address_of, reach_of
from lab.devices.ios.changes import IosWifi
from lab.devices.ios.device import IosDevice, Plan
from lab.devices.ios.items import ItemMaker
from lab.devices.ios.network_monitor import Source
from lab.devices.ios.opening import Opening, open_iphone
from lab.devices.ios.reach import Reach
from lab.devices.ios.sessions import (
    Target,
    by_driver,
    by_tunnel,
    direct,
    on_hub,
    on_own_server,
    on_server,
)
from lab.devices.ios.settings_page import Hand, SettingsPage
from lab.devices.ios.supervision import Supervisor, read_supervisor
from lab.devices.ios.usbmux import Usbmux
from lab.devices.iphone_models import IosSettings
from lab.devices.item import Value
from lab.devices.journal import MakeItem
from lab.devices.owner import Owner
from lab.devices.phone_models import WifiSection
from lab.devices.problems import SettingsError
from lab.devices.state_folder import StateError, journals_folder
from lab.devices.template import Template, Unset
from lab.devices.virtual import put_on_air
from lab.model.attack import Need
from lab.model.device import DeviceLost, Surroundings
from lab.model.profile import Profile

PLATFORM: Mapping[Need, str] = {
    Need.ED25519: "iOS's TLS does not offer Ed25519 signatures",
}
"""What no real iPhone can do beyond what none can, and why."""


def open_ios(
    settings: IosSettings,
    surroundings: Surroundings,
    home: Path,
    *,
    factory_anchors: tuple[bytes, ...],
    report_url: str,
    owner: Owner,
) -> IosDevice:
    """Take the iPhone that ``settings`` describe and return it ready. ``home`` is a folder of its
    own. Raises DeviceLost."""
    stack = ExitStack()
    try:
        if (air := settings.routes.air) is not None:
            access_point = put_on_air(air, surroundings.rogue)
            stack.callback(access_point.unlink, missing_ok=True)
        opening = Opening(
            plan=_plan(settings, surroundings, factory_anchors, report_url),
            reach=Reach(Usbmux(settings.usbmuxd), settings.udid),
            driving=driving_of(settings, home, stack),
            monitor=_monitor(settings),
            pages=_pages(settings),
            settings_page=_settings_page(settings),
            journals=journals_folder(),
            leases=None,
            address=address_of(settings),
            supervisor=_supervisor(settings),
            build=settings.app.build,
        )
        return open_iphone(opening, surroundings, owner, stack)
    except (DeviceLost, StateError, SettingsError, OSError) as error:
        stack.close()
        raise DeviceLost(f"{settings.id}: {error}") from None
    except BaseException:
        stack.close()
        raise


@contextmanager
def open_for_restore(
    address: Mapping[str, Value], settings: IosSettings | None = None
) -> Iterator[tuple[str, MakeItem]]:
    """Reach an iPhone again by the address in its undo journal (``restore.OpenDevice``).

    ``settings`` are what devices.yaml says of it today: without them nobody drives its screen,
    and what Settings changed stays.
    """
    with ExitStack() as stack:
        reach = reach_of(address)
        stack.callback(reach.close)
        # It must be there, not only be named.
        reach.values()
        yield reach.udid, ItemMaker(reach, _hand_for_restore(settings, stack))


def _hand_for_restore(settings: IosSettings | None, stack: ExitStack) -> Hand:
    if settings is None:
        return Hand(None, lambda driving: IosSettingsApp(driving.driver))

    def driving() -> Driving:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="trustpin-lab-")))
        return driving_of(settings, home, stack)

    return Hand(driving, _settings_page(settings))


def driving_of(settings: IosSettings, home: Path, stack: ExitStack) -> Driving:
    """Return who drives the phone's screen; ``stack`` ends what is started for that. Raises
    DeviceLost."""
    section = settings.appium
    agent = "" if section.agent is None else _filled(section.agent)
    target = _target(settings, agent)
    if section.direct is not None:
        return direct(target, lambda: None, COMMAND_CAP)
    if section.server is not None:
        return on_server(target, _filled(section.server), section.wait)
    if section.hub is not None:
        return on_hub(target, _filled(section.hub), section.wait)
    return on_own_server(target, settings.usbmuxd, home / "appium", stack, wait=section.wait)


def _target(settings: IosSettings, agent: str) -> Target:
    section = settings.appium
    by_server = section.network_monitor and (section.lab or section.server) is not None
    return Target(
        settings.udid, settings.version, agent, section.capabilities, by_server, section.registry
    )


def _monitor(settings: IosSettings) -> Callable[[Driving], Source] | None:
    """Return what listens to the phone's own network monitor; None where nobody is to, or can."""
    section, target = settings.appium, _target(settings, "")
    if section.direct is not None and section.network_monitor:
        return lambda _: by_tunnel(target)
    return by_driver if target.events else None


def _plan(
    settings: IosSettings, around: Surroundings, anchors: tuple[bytes, ...], report_url: str
) -> Plan:
    routes = settings.routes
    rogue = _network(routes.wifi) if routes.air is None else IosWifi(around.rogue.ssid)
    return Plan(
        id=settings.id,
        platform="ios",
        profile=Profile.named(settings.profile),
        sdk=settings.app.sdk,
        app=settings.app.bundle_id,
        browser=settings.browser,
        report_url=report_url,
        proxy_way=routes.proxy,
        rogue=rogue,
        home=_network(routes.home),
        anchors=anchors,
        reports_as=settings.app.reports_as or "",
        report_way=settings.app.report,
        lacking={**PLATFORM, **settings.capabilities},
    )


def _network(section: WifiSection | None) -> IosWifi | None:
    if section is None:
        return None
    secret = None if section.passphrase is None else _filled(section.passphrase)
    return IosWifi(section.ssid, section.security, secret)


def _supervisor(settings: IosSettings) -> Supervisor | None:
    section = settings.supervision
    if section is None:
        return None
    password = "" if section.password is None else _filled(section.password)
    return read_supervisor(Path(_filled(section.p12)).expanduser(), password)


def _pages(settings: IosSettings) -> Callable[[Driving], tuple[AppPage, BrowserPage]]:
    """Return what makes the page objects. Raises SettingsError for a page that is none."""
    make_app = find_page(settings.app.page.name, settings.app.page.folder)
    return lambda driving: (make_app(driving.driver), Safari(driving.driver))


def _settings_page(settings: IosSettings) -> Callable[[Driving], SettingsPage]:
    passcode = "" if settings.passcode is None else _filled(settings.passcode)
    return lambda driving: IosSettingsApp(driving.driver, passcode=passcode)


def _filled(text: Template) -> str:
    """Return a text with its environment variables. Raises DeviceLost."""
    try:
        return text.fill({}, os.environ)
    except Unset as error:
        raise DeviceLost(f"the environment variable {error} is not set any more") from None
