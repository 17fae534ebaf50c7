"""What an iPhone's user does in Settings: profiles, trust switches, Wi-Fi."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.model.device import Endpoint
from lab.phone.ios.profile import BadProfile, ConfigurationProfile, PayloadProxy
from lab.phone.ios.profile_shelf import ProfileShelf
from lab.phone.ios.screen_seam import (
    Profile,
    ProxyKind,
    Refused,
    RootSwitch,
    WifiNetwork,
    WifiProxy,
)
from lab.phone.ios.wifi_proxies import managed_network

if TYPE_CHECKING:
    from lab.phone.ios.state import IPhoneState


class UserProfiles:
    """Implements ``screen_seam.Profiles``."""

    def __init__(self, shelf: ProfileShelf) -> None:
        self._shelf = shelf

    def download(self, content: bytes) -> Profile:
        try:
            return _shown(self._shelf.offer(content))
        except BadProfile as error:
            raise Refused(str(error)) from None

    def waiting(self) -> Profile | None:
        waiting = self._shelf.waiting
        return None if waiting is None else _shown(waiting)

    def install_waiting(self) -> Profile:
        try:
            return _shown(self._shelf.install_waiting())
        except BadProfile as error:
            raise Refused(str(error)) from None

    def drop_waiting(self) -> None:
        self._shelf.drop_waiting()

    def installed(self) -> tuple[Profile, ...]:
        return tuple(map(_shown, self._shelf.installed))

    def remove(self, identifier: str) -> None:
        if all(profile.identifier != identifier for profile in self._shelf.installed):
            return
        try:
            self._shelf.remove(identifier)
        except BadProfile as error:
            raise Refused(str(error)) from None


class UserTrust:
    """Implements ``screen_seam.TrustSwitches``."""

    def __init__(self, shelf: ProfileShelf) -> None:
        self._shelf = shelf

    def roots(self) -> tuple[RootSwitch, ...]:
        return tuple(RootSwitch(r.sha256, r.name, r.trusted) for r in self._shelf.roots())

    def switch(self, sha256: str, *, trusted: bool) -> None:
        self._shelf.switch(sha256, trusted=trusted)


class UserWifi:
    """Implements ``screen_seam.Wifi``."""

    def __init__(self, phone: IPhoneState) -> None:
        self._phone = phone

    def networks(self) -> tuple[WifiNetwork, ...]:
        phone = self._phone
        joined = phone.station.joined
        here = {network.ssid for network in phone.access_points()}
        known = {network.ssid for network in phone.saved_networks.items()}
        return tuple(
            WifiNetwork(
                ssid,
                joined=joined is not None and joined.ssid == ssid,
                known=ssid in known,
                in_reach=ssid in here,
                managed=self._is_managed(ssid),
            )
            for ssid in sorted(here | known)
        )

    def join(self, ssid: str) -> None:
        if not self._phone.join(ssid):
            raise Refused(f"Unable to join the network “{ssid}”")

    def forget(self, ssid: str) -> None:
        self._refuse_managed(ssid)
        self._phone.wifi_proxies.set(ssid, None)
        for network in self._phone.saved_networks.items():
            if network.ssid == ssid:
                self._phone.forget(network.id)

    def proxy(self, ssid: str) -> WifiProxy:
        managed = managed_network(self._phone.profile_shelf.installed, ssid)
        proxy = self._phone.wifi_proxies.get(ssid) if managed is None else managed.proxy
        if proxy is None:
            return WifiProxy()
        if proxy.endpoint is None:
            return WifiProxy(ProxyKind.AUTOMATIC, url=proxy.pac_url)
        return WifiProxy(ProxyKind.MANUAL, proxy.endpoint.host, proxy.endpoint.port)

    def set_proxy(self, ssid: str, proxy: WifiProxy) -> None:
        self._refuse_managed(ssid)
        wanted = {
            ProxyKind.OFF: None,
            ProxyKind.MANUAL: PayloadProxy(Endpoint(proxy.server, proxy.port)),
            ProxyKind.AUTOMATIC: PayloadProxy(pac_url=proxy.url),
        }[proxy.kind]
        try:
            self._phone.wifi_proxies.set(ssid, wanted)
        except ValueError as error:
            raise Refused(str(error)) from None

    def _is_managed(self, ssid: str) -> bool:
        return managed_network(self._phone.profile_shelf.installed, ssid) is not None

    def _refuse_managed(self, ssid: str) -> None:
        if self._is_managed(ssid):
            raise Refused(f"“{ssid}” is managed by a profile")


def _shown(profile: ConfigurationProfile) -> Profile:
    return Profile(
        profile.identifier,
        profile.name,
        profile.organization,
        profile.contains,
        profile.signed_by,
        profile.removable,
    )
