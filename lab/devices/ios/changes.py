"""What the lab changes on an iPhone: each thing is written down before, and put back at the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509

from lab.devices.android.link import CommandRefused
from lab.devices.android.settings_store import ca_name
from lab.devices.ios.apps import AppService, Build
from lab.devices.ios.items import AppItem, ProfilesItem, WifiItem, WifiProxyItem
from lab.devices.ios.profiles import ProfileService
from lab.devices.ios.reach import Reach
from lab.devices.ios.settings_page import Hand
from lab.devices.ios.supervision import Supervisor
from lab.devices.iphone_models import IosProxyWay
from lab.devices.item import Item
from lab.devices.journal import Journal
from lab.model.device import Endpoint
from lab.network.mobileconfig import (
    ROOTS,
    MobileConfig,
    Security,
    proxy_profile,
    root_profile,
    wifi_profile,
)


@dataclass(frozen=True, slots=True)
class IosWifi:
    """A network that the phone is to join."""

    ssid: str
    security: Security = "open"
    passphrase: str | None = field(default=None, repr=False)


class Changes:
    """The changes of one run to one iPhone. Methods raise DeviceLost, CommandRefused and
    JournalError; what a journal could not note is not done.

    With a ``supervisor`` profiles are installed silently; else ``hand`` installs them in Settings,
    and switches their roots on.
    """

    def __init__(
        self, reach: Reach, journal: Journal, hand: Hand, supervisor: Supervisor | None
    ) -> None:
        self._reach = reach
        self._journal = journal
        self._hand = hand
        self._supervisor = supervisor
        self._profiles = ProfileService(reach)
        self._apps = AppService(reach)
        self._roots: tuple[bytes, ...] | None = ()
        """What the store holds of the lab's; None where that is not known any more."""
        self._leading: tuple[IosProxyWay, Endpoint] | None = None
        self._joined = ""
        self._before = ""
        """The network that the phone had joined before the lab came."""

    def forget(self) -> None:
        """Assume nothing of what was changed before: the phone may have forgotten it."""
        self._roots = None
        self._leading = None
        self._joined = ""

    def install(self, bundle_id: str, build: Build) -> None:
        """Install the app under test from its build, with nothing of what it had stored."""
        item = AppItem(self._reach, bundle_id, build.sha256, self._journal.kept)
        self._journal.remember(item)
        kept = self._journal.kept / f"{build.sha256}.ipa"
        if not kept.exists():
            kept.write_bytes(build.content)
        self._apps.uninstall(bundle_id)
        self._apps.install(build)

    def lead(self, way: IosProxyWay, proxy: Endpoint, home: IosWifi | None) -> None:
        """Send the phone's traffic over an HTTP proxy, in the network ``home`` where the proxy is
        one network's: that which the phone has joined where that is None."""
        if self._leading == (way, proxy):
            return
        match way:
            case IosProxyWay.PROFILE:
                self._install(proxy_profile(proxy))
            case IosProxyWay.WIFI_PROFILE:
                if home is None:
                    raise CommandRefused("'wifi_profile' needs the network's name: 'home'")
                self._install(wifi_profile(home.ssid, home.security, home.passphrase, proxy))
            case IosProxyWay.BY_HAND:
                ssid = self._here() if home is None else home.ssid
                self._remember(WifiProxyItem(self._hand, ssid))
                with self._hand.at(f"setting the proxy of {ssid}") as page:
                    page.set_proxy(ssid, proxy.host, proxy.port)
        self._leading = way, proxy

    def lead_no_more(self, way: IosProxyWay, home: IosWifi | None) -> None:
        """Let the phone's traffic go its own way again."""
        if self._leading is None:
            return
        _, proxy = self._leading
        match way:
            case IosProxyWay.PROFILE:
                self._profiles.remove(proxy_profile(proxy).identifier)
            case IosProxyWay.WIFI_PROFILE:
                assert home is not None
                self._profiles.remove(wifi_profile(home.ssid).identifier)
            case IosProxyWay.BY_HAND:
                ssid = self._before if home is None else home.ssid
                with self._hand.at(f"turning the proxy of {ssid} off") as page:
                    page.set_proxy(ssid, None)
        self._leading = None

    def showed_settings(self) -> bool:
        """Tell whether Settings has come to the front since this was last asked."""
        return self._hand.was_there()

    def join(self, network: IosWifi) -> None:
        """Join a network. One with a passphrase is made known by a profile first."""
        if self._joined == network.ssid:
            return
        self._here()
        if network.passphrase is not None:
            self._install(wifi_profile(network.ssid, network.security, network.passphrase))
        with self._hand.at(f"joining {network.ssid}") as page:
            page.join(network.ssid)
        self._joined = network.ssid

    def go_home(self) -> None:
        """Go back to the network that the phone had joined before the lab came."""
        if self._joined and self._before and self._joined != self._before:
            with self._hand.at(f"joining {self._before}") as page:
                page.join(self._before)
            self._joined = self._before

    def trust(self, certificates: tuple[bytes, ...]) -> bool:
        """Make the store hold these DER certificates beside what was there, and tell whether
        anything had to be changed for that."""
        if self._roots == certificates:
            return False
        held = self._roots
        self._roots = None
        self._remember(ProfilesItem(self._reach))
        if held is None:
            # Nobody knows any more: all of the lab's roots go.
            for profile in self._profiles.installed():
                if profile.identifier.startswith(ROOTS):
                    self._profiles.remove(profile.identifier)
            held = ()
        for der in held:
            if der not in certificates:
                self._profiles.remove(root_profile(der).identifier)
        for der in certificates:
            if der not in held:
                self._trust(der)
        self._roots = certificates
        return True

    def _trust(self, der: bytes) -> None:
        self._install(root_profile(der))
        if self._supervisor is None:
            name = ca_name(x509.load_der_x509_certificate(der))
            with self._hand.at(f"trusting the CA {name}") as page:
                page.trust_root(name, on=True)

    def _install(self, profile: MobileConfig) -> None:
        self._remember(ProfilesItem(self._reach))
        if self._supervisor is not None:
            self._profiles.install(profile.content, self._supervisor)
            return
        self._profiles.offer(profile.content)
        with self._hand.at(f"installing the profile {profile.name}") as page:
            page.install_profile()
        if all(p.identifier != profile.identifier for p in self._profiles.installed()):
            raise CommandRefused(f"the profile {profile.name} was not installed")

    def _here(self) -> str:
        """Note the Wi-Fi as it is, and return the network that was joined at first."""
        item = WifiItem(self._hand)
        self._remember(item)
        if not self._before:
            with self._hand.at("reading the Wi-Fi network") as page:
                self._before = page.joined() or ""
        return self._before

    def _remember(self, *items: Item) -> None:
        for item in items:
            self._journal.remember(item)
