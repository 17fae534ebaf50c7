"""A case: one attack of the catalogue, by one adversary, under one TLS version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lab.catalogue import CatalogueEntry, entries
from lab.model.attack import Adversary, Need, RouteKind, Trust
from lab.model.device import Device
from lab.model.profile import Profile
from lab.model.wire import TlsVersion

ALL_VERSIONS = (TlsVersion.TLS12, TlsVersion.TLS13)

_ROUTE = {
    Adversary.ROGUE_CA: RouteKind.PROXY,
    Adversary.COMPROMISED_CA: RouteKind.PROXY,
    Adversary.ROGUE_WIFI: RouteKind.WIFI,
}
_ROUTE_NEEDS = {RouteKind.PROXY: Need.PROXY, RouteKind.WIFI: Need.WIFI}
_TRUST_NEEDS = {Trust.SYSTEM: Need.SYSTEM_STORE, Trust.USER: Need.USER_STORE}


@dataclass(frozen=True)
class Case:
    """What one scenario puts in front of a device."""

    entry: CatalogueEntry
    adversary: Adversary
    version: TlsVersion | None
    """None where no handshake with the adversary takes place."""

    @property
    def id(self) -> str:
        """Unique in the catalogue: ``B4-device_trusted_ca-tls1.3``."""
        parts = (self.entry.id, self.entry.slug, self.version)
        return "-".join(str(part) for part in parts if part)

    @property
    def route(self) -> RouteKind:
        return _ROUTE[self.adversary]

    @property
    def versions(self) -> tuple[TlsVersion, ...]:
        """The TLS versions that the adversary is willing to speak."""
        return ALL_VERSIONS if self.version is None else (self.version,)

    @property
    def needs(self) -> tuple[Need, ...]:
        """All that the device must be able to do, what follows from route and trust included."""
        implied = {_ROUTE_NEEDS[self.route]}
        if self.entry.trust in _TRUST_NEEDS:
            implied.add(_TRUST_NEEDS[self.entry.trust])
        return tuple(sorted(self.entry.needs | implied))

    def unmet(self, device: Device, profile: Profile | None = None) -> str | None:
        """Say why this case cannot be tried on ``device``, or why nothing is documented of what
        an SDK of this profile, else the device's own, does in it; None where it can be tried."""
        expected = profile or device.profile
        lacking = next((why for need in self.needs if (why := device.lacks(need))), None)
        silent = next((why for need in self.needs if (why := expected.lacks(need))), None)
        return lacking or (silent and f"SDK {expected.name}: {silent}")


def cases(adversary: Adversary | None = None) -> Iterator[Case]:
    """Yield every case of the catalogue, or those of one adversary."""
    for entry in entries():
        for attacker in entry.adversaries:
            if adversary in (None, attacker):
                for version in entry.versions or (None,):
                    yield Case(entry, attacker, version)
