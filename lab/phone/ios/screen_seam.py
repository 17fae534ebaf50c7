"""What the screen of a virtual iPhone needs of the phone below it.

Settings reads and changes profiles, trust switches and Wi-Fi; the automation endpoint says which
phone it is. All methods may be called from any thread, also under the screen's lock: none of them
waits for the screen, or for the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lab.phone.services import PhoneServices
from lab.phone.ui import ScreenPhone


class Refused(Exception):
    """The phone does not do what its user asked for; the message is what an alert says."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A configuration profile as Settings shows it."""

    identifier: str
    """PayloadIdentifier: one installed profile each."""
    name: str
    """PayloadDisplayName, else the identifier."""
    organization: str = ""
    """PayloadOrganization."""
    contains: tuple[str, ...] = ()
    """What Settings calls its payloads, such as ``Certificate``, ``HTTP Proxy``,
    ``Wi-Fi Network``, ``VPN Settings``."""
    signed_by: str = ""
    """Name of the signer; empty for a profile that is not signed."""
    removable: bool = True
    """Not PayloadRemovalDisallowed."""


class Profiles(Protocol):
    """The configuration profiles of the phone."""

    def download(self, content: bytes) -> Profile:
        """Take a profile that came through the browser: it waits for its installation, instead
        of the one that waited before. ``content``: a plist, or a signed one (CMS). Raises
        Refused."""

    def waiting(self) -> Profile | None:
        """Return the profile that waits for its user: downloaded, or handed in over USB."""

    def install_waiting(self) -> Profile:
        """Install the profile that waits. Raises Refused where it cannot be, as a global proxy on
        a phone that is not supervised, or where none waits any more."""

    def drop_waiting(self) -> None:
        """Forget the profile that waits."""

    def installed(self) -> tuple[Profile, ...]:
        """Return what is installed, the oldest first."""

    def remove(self, identifier: str) -> None:
        """Remove a profile with all that it brought, its roots' trust switches, too. Raises
        Refused where it is not removable; one that is not installed is no matter."""


@dataclass(frozen=True, slots=True)
class RootSwitch:
    """A root certificate that a profile brought, and whether it is trusted for TLS."""

    sha256: str
    """Of its DER, lower-case hex: what it is switched by."""
    name: str
    """Common name of its subject, else the whole subject."""
    trusted: bool


class TrustSwitches(Protocol):
    """Settings > General > About > Certificate Trust Settings."""

    def roots(self) -> tuple[RootSwitch, ...]:
        """Return the roots that can be switched, in the order of their installation."""

    def switch(self, sha256: str, *, trusted: bool) -> None:
        """Trust a root for TLS, or no longer; one that is gone is no matter."""


class ProxyKind(StrEnum):
    """What a Wi-Fi network's ``Configure Proxy`` can be."""

    OFF = "Off"
    MANUAL = "Manual"
    AUTOMATIC = "Automatic"


@dataclass(frozen=True, slots=True)
class WifiProxy:
    """The HTTP proxy of one Wi-Fi network."""

    kind: ProxyKind = ProxyKind.OFF
    server: str = ""
    """Host, where it is manual."""
    port: int = 0
    url: str = ""
    """Where the PAC file is, where it is automatic; empty to ask the network (WPAD)."""


@dataclass(frozen=True, slots=True)
class WifiNetwork:
    """A network that is in reach, or that the phone remembers."""

    ssid: str
    joined: bool = False
    known: bool = False
    in_reach: bool = True
    managed: bool = False
    """A profile brought it: its proxy cannot be changed, nor can it be forgotten."""


class Wifi(Protocol):
    """Settings > Wi-Fi."""

    def networks(self) -> tuple[WifiNetwork, ...]:
        """Return what Settings lists, sorted by name."""

    def join(self, ssid: str) -> None:
        """Join an open network. Raises Refused where it is not in reach."""

    def forget(self, ssid: str) -> None:
        """Leave a network and forget it, its proxy, too. Raises Refused for a managed one."""

    def proxy(self, ssid: str) -> WifiProxy:
        """Return the proxy of a network; ``Off`` for one that is not known."""

    def set_proxy(self, ssid: str, proxy: WifiProxy) -> None:
        """Change the proxy of a known network. Raises Refused for a managed one, or for a proxy
        that cannot be used."""


class Identity(Protocol):
    """Which phone it is."""

    @property
    def udid(self) -> str:
        """As usbmuxd names it."""

    @property
    def name(self) -> str:
        """What its user calls it: lockdown's DeviceName."""

    @property
    def version(self) -> str:
        """Of iOS, such as ``18.5``: lockdown's ProductVersion."""

    @property
    def build(self) -> str:
        """Of iOS, such as ``22F76``: lockdown's BuildVersion."""

    @property
    def product_type(self) -> str:
        """Such as ``iPhone15,4``: lockdown's ProductType."""

    @property
    def model_name(self) -> str:
        """What is sold under that type, such as ``iPhone 15``."""

    @property
    def serial(self) -> str:
        """Lockdown's SerialNumber."""


class ScreenedPhone(PhoneServices, ScreenPhone, Protocol):
    """The phone below the screen."""

    @property
    def open_process(self) -> Callable[[str], PhoneServices]:
        """Called with an app's bundle id, returns what a new process of it runs on."""

    def pid_of(self, bundle_id: str) -> int:
        """Return the number of an app's latest process, 0 where there was none."""

    @property
    def identity(self) -> Identity: ...

    @property
    def profiles(self) -> Profiles: ...

    @property
    def trust_switches(self) -> TrustSwitches: ...

    @property
    def wifi(self) -> Wifi: ...
