"""The state of one iPhone: profiles, trust, Wi-Fi and its proxies, clock, log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from lab.model.device import Network
from lab.phone.base_state import EARLIEST, LATEST, BaseState
from lab.phone.ios.app_process import AppProcess, Opened, Pids
from lab.phone.ios.by_user import UserProfiles, UserTrust, UserWifi
from lab.phone.ios.identity import NEWEST, IPhoneIdentity, identity_of
from lab.phone.ios.lockdown.handset import Prohibited
from lab.phone.ios.lockdown.plist import Plist
from lab.phone.ios.management import ProfileManagement
from lab.phone.ios.profile_shelf import ProfileShelf
from lab.phone.ios.wifi_proxies import ProxyChoice, WifiProxies
from lab.phone.kept import Kept
from lab.phone.means import Wire
from lab.phone.radio import Radio
from lab.phone.services import PhoneServices

MAX_NAME = 200
"""Characters of the phone's name."""
AUTOMATIC_CLOCK = "clock automatic"
_NAME, _ZONE = "device name", "time zone"
_DOMAINS: Mapping[str, Mapping[str, Plist]] = {
    "com.apple.mobile.battery": {
        "BatteryCurrentCapacity": 100,
        "BatteryIsCharging": True,
        "ExternalChargeCapable": True,
        "ExternalConnected": True,
        "FullyCharged": True,
        "GasGaugeCapability": True,
        "HasBattery": True,
    },
    "com.apple.international": {
        "Keyboard": "en_US",
        "Language": "en-US",
        "Locale": "en_US",
        "SupportedLanguages": ["en-US"],
        "SupportedLocales": ["en_US"],
    },
}
"""Lockdown's values beside the global ones: a phone on its cable, as it comes out of the box."""
_PROCESSES = {"wifi": "wifid", "trust": "trustd", "profile": "profiled", "settings": "configd"}


class IPhoneState(BaseState):
    """Everything about an iPhone that is not on its screen. Implements ``PhoneServices``.

    There is one trust store: what the phone ships with, and the roots from profiles that count.
    ``supervisors`` are the certificates (DER) of who supervises it; none for a phone as it is
    sold. May be used from any thread.
    """

    def __init__(
        self,
        home: Path,
        air: Path,
        *,
        name: str = "virtual",
        version: str = NEWEST,
        supervisors: Sequence[bytes] = (),
        source: str | None = None,
        factory_anchors: Sequence[x509.Certificate] = (),
        radio: Radio | None = None,
    ) -> None:
        """Raises ValueError for a version that it cannot be."""
        self._identity = identity_of(name, version)
        super().__init__(home, air, name=name, source=source, radio=radio)
        self.supervisors = tuple(supervisors)
        self._factory = tuple(each.public_bytes(Encoding.DER) for each in factory_anchors)
        self.pids = Pids()
        self.opened: Opened | None = None
        """Told of each connection of an app."""
        self.process_names: Mapping[str, str] = {}
        """What the process of each app is called, by bundle id."""
        self.open_process = self._open_process
        self._managed: frozenset[str] = frozenset()
        self.profile_shelf = ProfileShelf(
            self._kept, self._profiles_changed, supervised=bool(supervisors)
        )
        self.wifi_proxies = WifiProxies(self._kept, self.apply_settings)
        self._managed = self._managed_networks()
        self.management = ProfileManagement(self.profile_shelf, self.supervisors, self.log)
        self.profiles = UserProfiles(self.profile_shelf)
        self.trust_switches = UserTrust(self.profile_shelf)
        self.wifi = UserWifi(self)
        self.begin()

    @property
    def kept(self) -> Kept:
        """What outlives the process."""
        return self._kept

    @property
    def identity(self) -> IPhoneIdentity:
        """Who it is."""
        told = self._kept.load().get(_NAME)
        return replace(self._identity, name=told) if isinstance(told, str) else self._identity

    @property
    def udid(self) -> str:
        return self._identity.udid

    def pid_of(self, bundle_id: str) -> int:
        """Return the number of an app's latest process, 0 where there was none."""
        return self.pids.last(bundle_id)

    def trust_anchors(self, user_store: bool) -> tuple[bytes, ...]:
        return self._factory + tuple(r.der for r in self.profile_shelf.roots() if r.trusted)

    @property
    def keeps_clock(self) -> bool:
        return self._kept.load().get(AUTOMATIC_CLOCK) is False

    def keep_clock(self, *, automatic: bool) -> None:
        """Let the phone set its clock itself, or no longer (Settings > General > Date & Time)."""
        self._kept.set(AUTOMATIC_CLOCK, automatic)
        if automatic:
            self.start_clock()

    def log(self, tag: str, level: str, message: str) -> None:
        super().log(_PROCESSES.get(tag, tag), level, message)

    @property
    def shown_proxy(self) -> str:
        endpoint = self.network.settings.http_proxy
        return "" if endpoint is None else str(endpoint)

    @property
    def proxy_choice(self) -> ProxyChoice:
        """The proxy that applies now."""
        joined = self.station.joined
        ssid = None if joined is None else joined.ssid
        return self.wifi_proxies.choose(self.profile_shelf.installed, ssid)

    def apply_settings(self) -> None:
        choice = self.proxy_choice
        endpoint = None if choice.proxy is None else choice.proxy.endpoint
        if choice.proxy is not None and endpoint is None:
            # There is nobody on this phone to run a PAC file's JavaScript; iOS, too, goes
            # directly where it cannot be had.
            self.log("settings", "WARN", f"automatic proxy of {choice.said_by} is not used")
        if endpoint != self.network.settings.http_proxy:
            told = f"{endpoint}, by {choice.said_by}" if endpoint is not None else "none"
            self.log("settings", "INFO", f"HTTP proxy: {told}")
        self._change(http_proxy=endpoint)

    def values(self, domain: str) -> Mapping[str, Plist]:
        if domain:
            return _DOMAINS.get(domain, {})
        identity, zone = self.identity, self._zone
        return {
            "ActivationState": "Activated",
            "BasebandStatus": "BBInfoAvailable",
            "BluetoothAddress": identity.wifi_address[:-2] + "ff",
            "BuildVersion": identity.build,
            "CPUArchitecture": "arm64e",
            "DeviceClass": "iPhone",
            "DeviceColor": "1",
            "DeviceName": identity.name,
            "HardwareModel": identity.hardware,
            "HardwarePlatform": "t8120",
            "ModelNumber": "MTP03",
            "PasswordProtected": False,
            "ProductName": "iPhone OS",
            "ProductType": identity.product_type,
            "ProductVersion": identity.version,
            "RegionInfo": "LL/A",
            "SerialNumber": identity.serial,
            "TimeZone": zone,
            "TimeZoneOffsetFromUTC": _offset(zone, self.now()),
            "Uses24HourClock": True,
            "WiFiAddress": identity.wifi_address,
        }

    def set_value(self, domain: str, key: str, value: Plist | None) -> None:
        match domain, key, value:
            case "", "DeviceName", str(name) if 0 < len(name) <= MAX_NAME and name.isprintable():
                self._kept.set(_NAME, name)
            case "", "TimeZone", str(zone) if _is_zone(zone):
                self._kept.set(_ZONE, zone)
            case "", "TimeIntervalSince1970", int() | float() as epoch if self.keeps_clock:
                if not EARLIEST <= epoch <= LATEST:
                    raise Prohibited(f"{epoch!r} is no time that the clock can be set to")
                self.set_clock(float(epoch))
            case _:
                raise Prohibited(f"{key} cannot be changed")

    @property
    def _zone(self) -> str:
        told = self._kept.load().get(_ZONE)
        return told if isinstance(told, str) and _is_zone(told) else "UTC"

    def _open_process(self, bundle_id: str) -> PhoneServices:
        name = self.process_names.get(bundle_id, bundle_id.rpartition(".")[2])
        return AppProcess(self, name, self.pids.take(bundle_id), self.opened)

    def _joined(self, network: Network | None, wire: Wire | None) -> None:
        super()._joined(network, wire)
        self.apply_settings()

    def _managed_networks(self) -> frozenset[str]:
        installed = self.profile_shelf.installed
        return frozenset(network.ssid for profile in installed for network in profile.networks)

    def _profiles_changed(self) -> None:
        """Let Wi-Fi be as the profiles say: what they bring is known, what they took away is
        forgotten."""
        with self._lock:
            before, self._managed = self._managed, self._managed_networks()
            for ssid in before - self._managed:
                for saved in self.saved_networks.items():
                    if saved.ssid == ssid:
                        self.forget(saved.id)
            for profile in self.profile_shelf.installed:
                for network in profile.networks:
                    if network.ssid not in before:
                        self.station.remember(
                            network.ssid, network.security, auto_join=network.auto_join
                        )
        self.apply_settings()


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def _offset(zone: str, at: float) -> float:
    """Return how many seconds the time in a zone is ahead of UTC then."""
    offset = datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return 0.0 if offset is None else offset.total_seconds()
