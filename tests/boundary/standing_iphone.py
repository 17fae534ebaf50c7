"""A virtual iPhone that nobody's run has started, and what there is to see on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from appium.options.ios import XCUITestOptions
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, pkcs12

from lab.apps.settings_ios import IosSettingsApp
from lab.devices.appium import begin
from lab.devices.ios.apps import AppService
from lab.devices.ios.profiles import ProfileService
from lab.devices.ios.reach import Reach
from lab.devices.ios.sample_build import sample_build
from lab.devices.ios.supervision import Supervisor
from lab.devices.ios.usbmux import Usbmux
from lab.devices.iphone_models import IOS_CLIENT, TEST_APP
from lab.devices.phone_process import IPHONE, PhoneProcess
from lab.devices.virtual import put_on_air
from lab.model.device import Endpoint, Network
from lab.network.mobileconfig import root_profile
from lab.phone.kept import Kept
from lab.pki.authority import Authority
from tests.devices.ios.rig import make_supervisor

OWNERS = "Owner's own"
P12 = "TRUSTPIN_LAB_TEST_P12"
_VARYING = frozenset(
    {"apps installed", "apps removed", "clock offset", "wifi next id", "wifi saved"}
)
"""What the phone keeps that may differ though it is as it was."""


@dataclass(frozen=True)
class StandingIphone:
    """The iPhone, and where a run finds it."""

    process: PhoneProcess
    folder: Path
    udid: str
    supervised: bool

    @property
    def usbmuxd(self) -> str:
        return f"127.0.0.1:{self.process.link_port}"

    def entry(self, device_id: str = "standing", **more: object) -> dict[str, object]:
        """Return its entry in devices.yaml."""
        proxy = "profile" if self.supervised else "by_hand"
        supervision = {"supervision": {"p12": f"${{{P12}}}"}} if self.supervised else {}
        return {
            "id": device_id,
            "platform": "ios",
            "udid": self.udid,
            "version": "18.5",
            "usbmuxd": self.usbmuxd,
            "appium": {"direct": True, "agent": f"http://127.0.0.1:{self.process.port}"},
            "app": {"build": str(self.folder / "app.ipa")},
            "routes": {"proxy": proxy, "air": str(self.folder / "air")},
            **supervision,
            **more,
        }

    def seen(self) -> dict[str, object]:
        """Return all that a run could have changed: what the phone keeps, and what it shows."""
        kept = {
            name: value
            for name, value in Kept(self.folder / "phone" / "state.db").load().items()
            if name not in _VARYING
        }
        reach = Reach(Usbmux(self.usbmuxd), self.udid)
        begun = begin(f"http://127.0.0.1:{self.process.port}", XCUITestOptions())
        try:
            page = IosSettingsApp(begun.driver)
            known = sorted(ssid for ssid, is_known in page.networks().items() if is_known)
            return {
                **kept,
                "app": AppService(reach).find(TEST_APP),
                "roots": page.roots(),
                "joined": page.joined(),
                "networks": known,
                "proxies": {ssid: page.proxy(ssid) for ssid in known},
            }
        finally:
            begun.driver.quit()
            begun.connection.close()  # type: ignore[no-untyped-call]
            reach.close()


def differences(
    before: Mapping[str, object], now: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    """Return what is not as it was, by its name."""
    names = before.keys() | now.keys()
    return {n: (before.get(n), now.get(n)) for n in sorted(names) if before.get(n) != now.get(n)}


@contextmanager
def standing_iphone(
    folder: Path, *, supervised: bool = True, name: str = "standing", sdk: str = IOS_CLIENT
) -> Iterator[StandingIphone]:
    """Start an iPhone in a folder of its own, with a network that it has joined, an HTTP proxy of
    its owner's there, and a root of its owner's that is switched on.

    Where it is supervised, ``identity.p12`` in the folder is who does that: ``P12`` has to name it.
    """
    air = folder / "air"
    air.mkdir(parents=True)
    nowhere = Endpoint("127.0.0.1", 9)
    put_on_air(air, Network(OWNERS, nowhere, nowhere))
    (folder / "app.ipa").write_bytes(sample_build())
    arguments = ["--name", name, "--sdk", sdk]
    arguments += ["--home", str(folder / "phone"), "--air", str(air)]
    if supervised:
        arguments += ["--supervisor", str(_identity(folder, make_supervisor()))]
    process = PhoneProcess(arguments, program=IPHONE)
    try:
        (attached,) = Usbmux(f"127.0.0.1:{process.link_port}").attached()
        phone = StandingIphone(process, folder, attached.udid, supervised)
        _move_in(phone)
        yield phone
    finally:
        process.end()


def _identity(folder: Path, supervisor: Supervisor) -> Path:
    """Write who supervises the phone, and return the certificate's file."""
    content = pkcs12.serialize_key_and_certificates(
        b"desk", supervisor.key, supervisor.certificate, None, NoEncryption()
    )
    (folder / "identity.p12").write_bytes(content)
    file = folder / "supervisor.pem"
    file.write_bytes(supervisor.certificate.public_bytes(Encoding.PEM))
    return file


def _move_in(phone: StandingIphone) -> None:
    """Do what its owner has done with it."""
    own = root_profile(Authority.root("Owner's CA").der).content
    own = own.replace(b"test.trustpin-lab.", b"com.owner.").replace(b"Lab CA ", b"")
    reach = Reach(Usbmux(phone.usbmuxd), phone.udid)
    begun = begin(f"http://127.0.0.1:{phone.process.port}", XCUITestOptions())
    try:
        page = IosSettingsApp(begun.driver)
        page.join(OWNERS)
        page.set_proxy(OWNERS, "192.0.2.1", 3128)
        ProfileService(reach).offer(own)
        page.install_profile()
        page.trust_root("Owner's CA", on=True)
    finally:
        begun.driver.quit()
        begun.connection.close()  # type: ignore[no-untyped-call]
        reach.close()
