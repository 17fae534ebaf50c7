"""The virtual iPhone as a device: a process of its own, then an iPhone like any other."""

from __future__ import annotations

import shutil
import ssl
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from lab.apps.page import AppPage, BrowserPage
from lab.apps.safari import Safari
from lab.apps.settings_ios import IosSettingsApp
from lab.apps.trustpin_ios import TrustPinIosApp
from lab.devices.android.driving import Driving
from lab.devices.ios.changes import IosWifi
from lab.devices.ios.device import IosDevice, Plan
from lab.devices.ios.opening import Opening, open_iphone
from lab.devices.ios.reach import Reach
from lab.devices.ios.sample_build import sample_build
from lab.devices.ios.sessions import Target, by_driver, by_tunnel, direct, on_own_server
from lab.devices.ios.supervision import Supervisor
from lab.devices.ios.usbmux import Usbmux
from lab.devices.iphone_models import SAFARI, TEST_APP, AgentState, VirtualIosSettings
from lab.devices.owner import Owner
from lab.devices.phone_models import AppiumMode
from lab.devices.phone_process import END_CAP, IPHONE, PhoneProcess
from lab.devices.virtual import USUAL, Caps, line_to, put_on_air
from lab.model.device import DeviceLost, Endpoint, Surroundings
from lab.model.profile import Profile
from lab.network.kernel.wifi import Place

OWN = ("phone", "air", "journals", "leases", "appium", "factory.pem", "supervisor.pem", "app.ipa")
"""What an iPhone has in its folder."""


def start_virtual_ios(
    settings: VirtualIosSettings,
    surroundings: Surroundings,
    home: Path,
    *,
    factory_anchors: tuple[bytes, ...],
    report_url: str,
    source: str | None,
    owner: Owner,
    place: Place | None = None,
    caps: Caps = USUAL,
) -> IosDevice:
    """Start an iPhone in the folder ``home``, which is removed with it, and return it ready.

    ``place`` is where it lives, where its networks are the kernel's. ``factory_anchors`` are in
    its store from the factory. Raises DeviceLost.
    """
    stack = ExitStack()
    process: PhoneProcess | None = None
    try:
        stack.callback(_remove_files, home)
        supervisor = _new_supervisor() if settings.supervised else None
        _prepare(home, surroundings, factory_anchors, supervisor)
        with line_to(place) as network:
            process = PhoneProcess(
                _arguments(settings, home, source),
                start_cap=caps.start,
                network=network,
                program=IPHONE,
            )
        stack.callback(process.end, END_CAP)
        usbmuxd = str(Endpoint("127.0.0.1", process.link_port))
        (phone,) = Usbmux(usbmuxd).attached()
        target = _target(settings, process, phone.udid)
        opening = Opening(
            plan=_plan(settings, surroundings, report_url),
            reach=Reach(Usbmux(usbmuxd), phone.udid),
            driving=_driving(settings, home, process, target, usbmuxd, caps, stack),
            pages=_pages,
            settings_page=lambda driving: IosSettingsApp(driving.driver),
            journals=home / "journals",
            leases=home / "leases",
            address={},
            supervisor=supervisor,
            build=home / "app.ipa",
            monitor=by_driver if target.events else lambda _: by_tunnel(target),
            source=source,
            obituary=process.obituary,
            kill=partial(process.end, 0.0),
        )
        return open_iphone(opening, surroundings, owner, stack)
    except DeviceLost as error:
        ended = None if process is None else process.obituary(0.0)
        stack.close()
        raise DeviceLost(f"{settings.id}: {ended or error}") from None
    except BaseException:
        stack.close()
        raise


def _target(settings: VirtualIosSettings, process: PhoneProcess, udid: str) -> Target:
    # It has no port where it is not running yet.
    agent = f"http://127.0.0.1:{process.port}" if process.port else ""
    by_server = settings.appium is not AppiumMode.DIRECT
    registry = process.ports["registry"]
    return Target(udid, settings.ios, agent, events=by_server, registry=registry)


def _driving(
    settings: VirtualIosSettings,
    home: Path,
    process: PhoneProcess,
    target: Target,
    usbmuxd: str,
    caps: Caps,
    stack: ExitStack,
) -> Driving:
    """Return who drives the phone's screen. Raises DeviceLost."""
    if settings.appium is AppiumMode.DIRECT:
        return direct(target, process.obituary, caps.command)
    return on_own_server(target, usbmuxd, home / "appium", stack)


def _plan(settings: VirtualIosSettings, around: Surroundings, report_url: str) -> Plan:
    return Plan(
        id=settings.id,
        platform="virtual-ios",
        profile=Profile.named(settings.profile),
        sdk=settings.client,
        app=TEST_APP,
        browser=SAFARI,
        report_url=report_url,
        proxy_way=settings.proxy_way,
        rogue=IosWifi(around.rogue.ssid),
        home=IosWifi(around.home.ssid),
        reports_as=settings.id,
        report_way=settings.report,
        boots=False,
    )


def _pages(driving: Driving) -> tuple[AppPage, BrowserPage]:
    return TrustPinIosApp(driving.driver), Safari(driving.driver)


def _new_supervisor() -> Supervisor:
    """Return an identity that supervises this one phone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TrustPin MITM Lab")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1))
    return Supervisor(
        builder.not_valid_after(now + timedelta(days=7)).sign(key, hashes.SHA256()), key
    )


def _prepare(
    home: Path,
    around: Surroundings,
    factory_anchors: tuple[bytes, ...],
    supervisor: Supervisor | None,
) -> None:
    """Make what the phone needs. Whatever an earlier phone left behind is not its own."""
    _remove_own(home)
    for name in ("air", "journals", "leases"):
        (home / name).mkdir(mode=0o700, parents=True)
    for network in (around.home, around.rogue):
        put_on_air(home / "air", network)
    if factory_anchors:
        anchors = "".join(map(ssl.DER_cert_to_PEM_cert, factory_anchors))
        (home / "factory.pem").write_text(anchors, encoding="ascii")
    if supervisor is not None:
        pem = supervisor.certificate.public_bytes(Encoding.PEM)
        (home / "supervisor.pem").write_bytes(pem)
    (home / "app.ipa").write_bytes(sample_build())


def _arguments(settings: VirtualIosSettings, home: Path, source: str | None) -> list[str]:
    place = home.absolute()
    arguments = ["--name", settings.id, "--sdk", settings.client, "--ios", settings.ios]
    arguments += ["--home", str(place / "phone"), "--air", str(place / "air")]
    if settings.wda is AgentState.PREINSTALLED:
        arguments.append("--preinstalled")
    for option, file in (("--factory", "factory.pem"), ("--supervisor", "supervisor.pem")):
        if (place / file).exists():
            arguments += [option, str(place / file)]
    if source is not None:
        arguments += ["--source", source]
    return arguments


def _remove_files(home: Path) -> None:
    _remove_own(home)
    with suppress(OSError):
        home.rmdir()


def _remove_own(home: Path) -> None:
    for path in (home / name for name in OWN):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
