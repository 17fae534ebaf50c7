"""What an access point is to be like, checked before anything is touched."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum

NETWORK = "192.168.77.0/24"
"""The network that phones get their addresses from, where nothing else is said."""
DOOR_PORT, RESOLVER_PORT = 46_443, 46_053
"""Where a run listens on the access point's address: for connections, and for questions. Fixed, so
that runs need no rights of their own."""

MAX_SSID = 32
"""Bytes (IEEE 802.11-2020 section 9.4.2.2)."""
PASSPHRASE = re.compile(r"[ -~]{8,63}")
"""IEEE 802.11-2020 annex J.4."""
INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
"""Names that every program takes; the kernel's own limit is 15 bytes."""

_EVERYWHERE = frozenset(range(1, 12))
_WIDE = frozenset({12, 13})
_LOW_5 = frozenset({36, 40, 44, 48})
_HIGH_5 = frozenset({149, 153, 157, 161, 165})
_RADAR = frozenset(range(52, 145, 4))
_TO_11 = frozenset({"US", "CA", "TW", "PR"})
_HIGH_5_FREE = frozenset({"US", "CA", "TW", "PR", "AU", "NZ", "BR", "CN", "IN", "SG", "MX"})


class BadPlan(ValueError):
    """There cannot be such an access point; the message says why, in one sentence."""


class Security(StrEnum):
    """How a network is secured."""

    OPEN = "open"
    WPA2 = "wpa2"
    """WPA2-Personal: a passphrase, AES-CCMP."""
    WPA3 = "wpa3"
    """WPA3-Personal: SAE, protected management frames, no way back to WPA2."""


@dataclass(frozen=True, slots=True)
class AccessPlan:
    """An access point that is to be. Raises BadPlan for one that cannot be."""

    interface: str
    """The interface with the radio."""
    ssid: str
    country: str
    """ISO 3166-1 alpha-2: whose rules for radio are kept."""
    channel: int
    domain: str
    """The lab's domain: questions for it are the run's to answer."""
    addresses: tuple[str, ...]
    """Networks that stand for the lab's hosts: what goes there is taken to the run."""
    security: Security = Security.OPEN
    passphrase: str | None = field(default=None, repr=False)
    upstream: str | None = None
    """The interface to the internet, for what is not the lab's; None for no internet."""
    network: str = NETWORK

    def __post_init__(self) -> None:
        for name in filter(None, (self.interface, self.upstream)):
            if not INTERFACE.fullmatch(name):
                raise BadPlan(f"{name!r} is no interface's name")
        if self.interface == self.upstream:
            raise BadPlan("the way to the internet must be another interface than the radio's")
        if not 0 < len(self.ssid.encode("utf-8", "replace")) <= MAX_SSID or not (
            self.ssid.isprintable()
        ):
            raise BadPlan(f"a network's name has 1 to {MAX_SSID} bytes of printable text")
        if (self.security is Security.OPEN) is not (self.passphrase is None):
            raise BadPlan("a passphrase goes with wpa2 and wpa3, and with them alone")
        if self.passphrase is not None and not PASSPHRASE.fullmatch(self.passphrase):
            raise BadPlan("a passphrase has 8 to 63 characters of printable ASCII")
        _check_channel(self.country, self.channel)
        if self.hosts.prefixlen > 24:
            raise BadPlan(f"{self.network} is too small: give a /24 or a larger network")

    @property
    def hosts(self) -> ipaddress.IPv4Network:
        """The network of the phones. Raises BadPlan."""
        try:
            network = ipaddress.IPv4Network(self.network)
        except ValueError:
            raise BadPlan(f"{self.network!r} is no network") from None
        if not network.is_private:
            raise BadPlan(f"{self.network} is other people's; take a private network")
        return network

    @property
    def router(self) -> str:
        """The access point's own address."""
        return str(self.hosts[1])

    @property
    def range(self) -> tuple[str, str]:
        """The first and the last address that is handed out."""
        return str(self.hosts[10]), str(self.hosts[250])


def _check_channel(country: str, channel: int) -> None:
    """Raise BadPlan where an access point may not use a channel without further ado.

    The kernel has the last word: its table is newer (wireless-regdb), and ``hostapd`` passes on
    what it says.
    """
    if not re.fullmatch("[A-Z]{2}", country):
        raise BadPlan(f"{country!r} is no country: give two capital letters, such as DE")
    if channel in _RADAR:
        raise BadPlan(
            f"channel {channel} is shared with radar, which an access point must listen for; take "
            "1 to 11, or 36 to 48"
        )
    allowed = _EVERYWHERE | _LOW_5
    if country not in _TO_11:
        allowed |= _WIDE
    if country in _HIGH_5_FREE:
        allowed |= _HIGH_5
    if channel not in allowed:
        told = ", ".join(map(str, sorted(allowed)))
        raise BadPlan(f"channel {channel} is none for access points in {country}: {told}")
