"""Which HTTP proxy an iPhone's apps go through: a profile's, or that of the Wi-Fi network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.model.device import Endpoint
from lab.phone.ios.profile import ConfigurationProfile, PayloadProxy, PayloadWifi
from lab.phone.kept import Json, Kept

MAX_PROXIES = 500
MAX_TEXT = 1000
"""Characters of a server's name or an address."""

_PROXIES = "wifi proxies"


@dataclass(frozen=True, slots=True)
class ProxyChoice:
    """The proxy that applies."""

    proxy: PayloadProxy | None = None
    """None where there is none."""
    said_by: str = ""
    """What says so, for the log."""


class WifiProxies:
    """The proxies that the user has set, network by network. Remembers them in ``kept``. May be
    used from any thread. ``changed`` is told of each change."""

    def __init__(self, kept: Kept, changed: Callable[[], None]) -> None:
        self._kept = kept
        self._tell = changed
        self._lock = threading.Lock()
        told = kept.load().get(_PROXIES)
        self._proxies = {
            ssid: proxy
            for ssid, value in (told if isinstance(told, dict) else {}).items()
            if (proxy := _proxy(value)) is not None
        }

    def get(self, ssid: str) -> PayloadProxy | None:
        """Return the proxy of a network, None for none."""
        return self._proxies.get(ssid)

    def set(self, ssid: str, proxy: PayloadProxy | None) -> None:
        """Change the proxy of a network; None turns it off. Raises ValueError for one that cannot
        be used."""
        if proxy is not None:
            _check(proxy)
        with self._lock:
            proxies = {name: each for name, each in self._proxies.items() if name != ssid}
            if proxy is not None:
                if len(proxies) >= MAX_PROXIES:
                    raise ValueError("too many networks have a proxy")
                proxies[ssid] = proxy
            self._proxies = proxies
            told: Json = {name: _told(each) for name, each in proxies.items()}
            self._kept.set(_PROXIES, told)
        self._tell()

    def choose(self, profiles: Sequence[ConfigurationProfile], joined: str | None) -> ProxyChoice:
        """Return the proxy that applies in the network ``joined``: the global one of a profile
        first, then the network's, which a profile may have brought."""
        for profile in profiles:
            if profile.proxy is not None:
                return ProxyChoice(profile.proxy, f"profile {profile.name}")
        if joined is None:
            return ProxyChoice()
        managed = managed_network(profiles, joined)
        if managed is not None:
            return ProxyChoice(managed.proxy, f"the profile of {joined}")
        return ProxyChoice(self._proxies.get(joined), f"the settings of {joined}")


def managed_network(profiles: Sequence[ConfigurationProfile], ssid: str) -> PayloadWifi | None:
    """Return what the newest profile that has this network says of it."""
    found = [n for profile in profiles for n in profile.networks if n.ssid == ssid]
    return found[-1] if found else None


def _check(proxy: PayloadProxy) -> None:
    server = "" if proxy.endpoint is None else proxy.endpoint.host
    if proxy.endpoint is not None and not (server and 0 < proxy.endpoint.port < 65536):
        raise ValueError("a server and a port are needed")
    if max(len(server), len(proxy.pac_url)) > MAX_TEXT:
        raise ValueError("too long")


def _told(proxy: PayloadProxy) -> Json:
    if proxy.endpoint is None:
        return {"pac": proxy.pac_url}
    return {"server": proxy.endpoint.host, "port": proxy.endpoint.port}


def _proxy(told: Json) -> PayloadProxy | None:
    match told:
        case {"server": str(server), "port": int(port)}:
            return PayloadProxy(Endpoint(server, port))
        case {"pac": str(url)}:
            return PayloadProxy(pac_url=url)
    return None
