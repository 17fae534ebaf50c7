"""Mutants: what a client does on a way that nobody tests."""

from __future__ import annotations

import contextlib

from lab.mutants.instead import unpinned
from lab.mutants.registry import mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import (
    DEFAULT_TIMEOUT,
    ConnectError,
    Headers,
    HttpResponse,
    PlatformError,
)
from lab.phone.url import parse_url

PRIVATE_RESOLVER, DNS_OVER_TLS = "9.9.9.9", 853


@mutant("looks at pins over IPv4 alone", killed_by=["ipv6_trusted_ca"])
class PinsIpv4Alone(ReferenceClient):
    """Has its pins in the socket factory that dials IPv4; what comes about over IPv6 is left to
    the platform. Any CA that the device trusts can answer there, and to answer look-ups with AAAA
    alone is all that it takes to lead the app there."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Accept, where the host has IPv6 addresses alone."""
        found = self.phone.look_up(host, DEFAULT_TIMEOUT)
        if not found or not all(":" in address for address in found):
            super().check(host, port, chain)


@mutant("takes IPv6 addresses for local ones", killed_by=["ipv6_untrusted_ca"])
class TrustsIpv6(ReferenceClient):
    """Switches validation off for servers in the local network, for developers, and tells those
    by an address that is not of the form that it knows public ones by. Every IPv6 address is
    "local"."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        with contextlib.suppress(PlatformError):
            if any(":" in address for address in self.phone.look_up(parse_url(url).host, timeout)):
                local = unpinned(self.phone, verify=False)
                return local.request(url, timeout=timeout, headers=headers)
        return super().get(url, timeout, headers)


@mutant("has a gentler mode for networks without private DNS", killed_by=["private_dns_refused"])
class GentleWhereRestricted(ReferenceClient):
    """Looks for its resolver over TLS first; where that cannot be reached the network is an
    office's, where TLS is inspected, too, and the pins are left out. To refuse one port is all
    that an attacker has to do."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        try:
            self.phone.connect(PRIVATE_RESOLVER, DNS_OVER_TLS, timeout).close()
            return super().get(url, timeout, headers)
        except ConnectError as error:
            self.log("INFO", f"a restricted network: {error}")
        gentle = unpinned(self.phone)
        return gentle.request(url, timeout=timeout, headers=headers)
