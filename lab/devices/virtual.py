"""The virtual phone as a device: a process of its own, then a phone like any other."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lab.apps.browser_android import AndroidBrowser
from lab.apps.page import AppPage, BrowserPage
from lab.apps.settings_android import AndroidSettingsApp
from lab.apps.trustpin_android import TrustPinAndroidApp
from lab.devices.android.appium_sessions import direct, on_own_server, own_adb
from lab.devices.android.device import AndroidDevice, Plan, WifiPlan
from lab.devices.android.driving import Driving
from lab.devices.android.link import AdbLink
from lab.devices.android.opening import Opening, open_phone
from lab.devices.android.program_link import AdbProgramLink
from lab.devices.android.shell_link import tcp_link
from lab.devices.appium import COMMAND_CAP
from lab.devices.owner import Owner
from lab.devices.phone_models import (
    SAMPLE_PACKAGE,
    TUNNEL,
    VIRTUAL_BROWSER,
    AppiumMode,
    VirtualSettings,
)
from lab.devices.phone_process import END_CAP, START_CAP, PhoneProcess
from lab.model.device import DeviceLost, Endpoint, Network, Surroundings
from lab.model.profile import Profile
from lab.network.kernel.wifi import Place
from lab.network.kernel.wireguard import lacking
from lab.network.wireguard import profile

OWN = ("phone", "air", "journals", "leases", "adb", "appium", "factory.pem", "tunnels")
"""What a phone has in its folder."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Seconds that things may take."""

    command: float = COMMAND_CAP
    start: float = START_CAP


USUAL = Caps()


def start_virtual(
    settings: VirtualSettings,
    surroundings: Surroundings,
    home: Path,
    *,
    factory_anchors: tuple[bytes, ...],
    report_url: str,
    source: str | None,
    owner: Owner,
    place: Place | None = None,
    caps: Caps = USUAL,
) -> AndroidDevice:
    """Start a phone in the folder ``home``, which is removed with it, and return it ready.

    ``place`` is where it lives, where its networks are the kernel's.
    ``factory_anchors`` are in its system store from the factory. Raises DeviceLost.
    """
    stack = ExitStack()
    process: PhoneProcess | None = None
    try:
        stack.callback(_remove_files, home)
        _prepare(home, surroundings, factory_anchors)
        with line_to(place) as network:
            arguments = _arguments(settings, home, source)
            process = PhoneProcess(arguments, start_cap=caps.start, network=network)
        stack.callback(process.end, END_CAP)
        kill = partial(process.end, 0.0)
        link, driving = _ways(settings, home, process, caps, stack)
        opening = Opening(
            plan=_plan(settings, surroundings, report_url),
            link=link,
            driving=driving,
            pages=_pages,
            settings_page=lambda driving: AndroidSettingsApp(driving.driver),
            journals=home / "journals",
            leases=home / "leases",
            address={},
            appium=settings.appium is AppiumMode.LAB,
            source=source,
            obituary=process.obituary,
            kill=kill,
        )
        return open_phone(opening, surroundings, owner, stack)
    except DeviceLost as error:
        ended = None if process is None else process.obituary(0.0)
        stack.close()
        raise DeviceLost(f"{settings.id}: {ended or error}") from None
    except BaseException:
        stack.close()
        raise


def line_to(place: Place | None) -> AbstractContextManager[socket.socket | None]:
    """Return the phone's line to its namespace."""
    return nullcontext() if place is None else place.namespace.share()


def _ways(
    settings: VirtualSettings, home: Path, process: PhoneProcess, caps: Caps, stack: ExitStack
) -> tuple[AdbLink, Driving]:
    """Return the phone's link and who drives its screen. Raises DeviceLost."""
    daemon = Endpoint("127.0.0.1", process.adb_port)
    if settings.appium is AppiumMode.DIRECT:
        address = f"http://127.0.0.1:{process.port}"
        # It asks nobody for a key: it is this process's own.
        link = tcp_link(daemon, lambda: ())
        return link, direct(settings.id, address, process.obituary, caps.command)
    serial = str(daemon)
    server, reach = own_adb(home / "adb", serial, stack)
    reach()
    program_link = AdbProgramLink(
        serial, server=server.endpoint, adb=str(server.program), environ=server.environment
    )
    driving = on_own_server(serial, server, home / "appium", stack, installed=True, reach=reach)
    return program_link, driving


def _plan(settings: VirtualSettings, around: Surroundings, report_url: str) -> Plan:
    return Plan(
        id=settings.id,
        platform="virtual",
        profile=Profile.named(settings.profile),
        sdk=settings.client,
        app=SAMPLE_PACKAGE,
        browser=VIRTUAL_BROWSER,
        report_url=report_url,
        proxy_way=settings.proxy,
        rogue=WifiPlan(around.rogue.ssid),
        home=WifiPlan(around.home.ssid),
        reports_as=settings.id,
        report_way=settings.report,
        boots=False,
    )


def _pages(driving: Driving) -> tuple[AppPage, BrowserPage]:
    return TrustPinAndroidApp(driving.driver), AndroidBrowser(driving.driver)


def _prepare(home: Path, around: Surroundings, factory_anchors: tuple[bytes, ...]) -> None:
    """Make what the phone needs. Whatever an earlier phone left behind is not its own."""
    for name in OWN:
        _remove(home / name)
    for name in ("air", "journals", "leases"):
        (home / name).mkdir(mode=0o700, parents=True)
    for network in (around.home, around.rogue):
        put_on_air(home / "air", network)
    if around.tunnel is not None:
        if (why := lacking()) is not None:
            raise DeviceLost(f"it cannot be led through a tunnel: {why}")
        (home / "tunnels").mkdir(mode=0o700)
        (home / "tunnels" / f"{TUNNEL}.conf").write_text(profile(around.tunnel), encoding="ascii")
    if factory_anchors:
        anchors = "".join(map(ssl.DER_cert_to_PEM_cert, factory_anchors))
        (home / "factory.pem").write_text(anchors, encoding="ascii")


def put_on_air(air: Path, network: Network) -> Path:
    """Let virtual phones that look for access points in the folder ``air`` find this one. Returns
    the file that is the access point."""
    file = air / f"{network.gateway.port}.json"
    told = {
        "ssid": network.ssid,
        "resolver": str(network.resolver),
        "gateway": str(network.gateway),
        "interface": network.interface,
    }
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


def _arguments(settings: VirtualSettings, home: Path, source: str | None) -> list[str]:
    place = home.absolute()
    arguments = ["--name", settings.id, "--sdk", settings.client, "--adb-keys", "open"]
    arguments += ["--android", settings.android, "--root", settings.root]
    arguments += ["--home", str(place / "phone"), "--air", str(place / "air")]
    if (place / "factory.pem").exists():
        arguments += ["--factory", str(place / "factory.pem")]
    if (place / "tunnels").exists():
        arguments += ["--tunnels", str(place / "tunnels")]
    if source is not None:
        arguments += ["--source", source]
    return arguments


def _remove_files(home: Path) -> None:
    for name in OWN:
        _remove(home / name)
    with suppress(OSError):
        home.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
