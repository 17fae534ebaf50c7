"""A phone in memory on a cable: what the tests of usbmuxd, lockdownd and the services plug in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lab.phone.files import PhoneFiles
from lab.phone.ios.lockdown import Consent, Lockdownd
from lab.phone.ios.lockdown.cms import BadCms, content_of
from lab.phone.ios.lockdown.frames import FrameBuffer
from lab.phone.ios.lockdown.handset import (
    Frame,
    InstalledApp,
    InstalledProfile,
    InstallRefused,
    ProfileRefused,
    Prohibited,
)
from lab.phone.ios.lockdown.limits import Limits
from lab.phone.ios.lockdown.plist import BadPlist, Plist, decode
from lab.phone.ios.services import make_services
from lab.phone.ios.usbmux import Usbmuxd
from lab.phone.logcat import LogBuffer, LogLine

UDID = "00008120-00112233445566AA"
QUICK = Limits(greeting=1.0, message=1.0, idle=1.0)
"""So that silence is noticed soon, and who is only slow is not taken for silent."""

TEST_APP = InstalledApp("cloud.trustpin.TestApp", "TestApp", "1.4", "7", "TestApp")
SAFARI = InstalledApp("com.apple.mobilesafari", "Safari", "18.5", "1", "MobileSafari", system=True)


class MemoryApps:
    def __init__(self, *apps: InstalledApp) -> None:
        self.by_id = {app.bundle_id: app for app in apps}
        self.contents: dict[str, bytes] = {}

    def installed(self) -> tuple[InstalledApp, ...]:
        return tuple(self.by_id[name] for name in sorted(self.by_id))

    def install(self, app: InstalledApp, ipa: Path) -> None:
        if app.bundle_id == "not.allowed":
            raise InstallRefused("ApplicationVerificationFailed", "it must not be")
        self.by_id[app.bundle_id] = app
        self.contents[app.bundle_id] = ipa.read_bytes()

    def uninstall(self, bundle_id: str) -> None:
        if bundle_id == SAFARI.bundle_id:
            raise InstallRefused("APIInternalError", "it belongs to iOS")
        self.by_id.pop(bundle_id, None)


class MemoryProfiles:
    def __init__(self, supervisors: Sequence[bytes] = ()) -> None:
        self.supervisors = tuple(supervisors)
        self.waiting: bytes | None = None
        self.by_id: dict[str, InstalledProfile] = {}

    def offer(self, content: bytes) -> None:
        _profile(content)
        self.waiting = content

    def install(self, content: bytes) -> None:
        profile = _profile(content)
        self.by_id[profile.identifier] = profile

    def installed(self) -> tuple[InstalledProfile, ...]:
        return tuple(self.by_id.values())

    def remove(self, identifier: str) -> None:
        if self.by_id.pop(identifier, None) is None:
            raise ProfileRefused(f"{identifier} is not installed")


def _profile(content: bytes) -> InstalledProfile:
    try:
        read = decode(content if b"<plist" in content[:300] else content_of(content).content)
    except (BadPlist, BadCms) as error:
        raise ProfileRefused(str(error)) from None
    name, identifier = read.get("PayloadDisplayName", ""), read.get("PayloadIdentifier", "")
    return InstalledProfile(str(identifier), str(read.get("PayloadUUID")), name=str(name))


class WatchedLog(LogBuffer):
    def __init__(self) -> None:
        super().__init__()
        self.awaited = threading.Event()
        """Somebody has waited for what comes next."""

    def since(self, count: int, cap: float) -> tuple[int, tuple[LogLine, ...]]:
        self.awaited.set()
        return super().since(count, cap)


class WatchedFrames(FrameBuffer):
    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.awaited = threading.Event()

    def since(self, count: int, cap: float) -> tuple[int, tuple[Frame, ...]]:
        self.awaited.set()
        return super().since(count, cap)


class MemoryHandset:
    """A phone without a screen."""

    def __init__(self, home: Path, udid: str = UDID, supervisors: Sequence[bytes] = ()) -> None:
        self.udid = udid
        self.files = PhoneFiles(home)
        self.apps = MemoryApps(TEST_APP, SAFARI)
        self.management = MemoryProfiles(supervisors)
        self.logcat = WatchedLog()
        self.frames = WatchedFrames(self.now)
        self.name = "Desk"

    def now(self) -> float:
        return time.time()

    def log(self, tag: str, level: str, message: str) -> None:
        self.logcat.write(self.now(), tag, level, message)

    def values(self, domain: str) -> Mapping[str, Plist]:
        if domain == "com.apple.mobile.battery":
            return {"BatteryCurrentCapacity": 80, "BatteryIsCharging": True}
        if domain:
            return {}
        return {
            "ActivationState": "Activated",
            "BuildVersion": "22F76",
            "CPUArchitecture": "arm64e",
            "DeviceClass": "iPhone",
            "DeviceName": self.name,
            "HardwareModel": "D37AP",
            "PasswordProtected": False,
            "ProductName": "iPhone OS",
            "ProductType": "iPhone15,4",
            "ProductVersion": "18.5",
            "SerialNumber": "F2LVIRTUAL01",
            "TimeZone": "Europe/Vienna",
            "TimeZoneOffsetFromUTC": 3600.0,
            "WiFiAddress": "02:00:00:00:00:0a",
        }

    def set_value(self, domain: str, key: str, value: Plist | None) -> None:
        if domain or key != "DeviceName" or not isinstance(value, str):
            raise Prohibited
        self.name = value

    def said(self) -> str:
        """What the daemons wrote to the log."""
        return "\n".join(line.message for line in self.logcat.lines())


@dataclass
class Cable:
    """A computer's usbmuxd with one phone."""

    usbmuxd: Usbmuxd
    lockdownd: Lockdownd
    handset: MemoryHandset
    complaints: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a tool talk to it."""
        return {"USBMUXD_SOCKET_ADDRESS": f"127.0.0.1:{self.usbmuxd.port}"}


@contextmanager
def plugged_in(
    home: Path,
    *,
    paired: bool = True,
    consent: Consent = Consent.ACCEPT,
    limits: Limits | None = None,
    supervisors: Sequence[bytes] = (),
    udid: str = UDID,
) -> Iterator[Cable]:
    handset = MemoryHandset(home / "phone", udid, supervisors)
    complaints: list[str] = []
    usbmuxd = Usbmuxd(home / "computer", limits=limits, say=complaints.append)
    lockdownd = Lockdownd(handset, make_services(handset), consent=consent, limits=limits)
    try:
        usbmuxd.attach(lockdownd, paired=paired)
        yield Cable(usbmuxd, lockdownd, handset, complaints)
    finally:
        lockdownd.close()
        usbmuxd.close()
