"""Mutants: names that are international, too many, or taken for the place to look pins up in."""

from __future__ import annotations

from cryptography import x509

from lab.mutants.names import dns_names
from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.host_names import Names
from lab.phone.path_rules import PlatformRules
from lab.phone.sdk.client import ReferenceClient

LOOKED_AT = 100
CYRILLIC = {0x430: "a", 0x435: "e", 0x43E: "o", 0x440: "p", 0x441: "c", 0x443: "y", 0x445: "x"}
"""Letters that look like Latin ones, and those."""


def shown(name: str) -> str:
    """Return a DNS name as a browser would show it."""
    try:
        return name.encode("ascii").decode("idna")
    except UnicodeError:
        return name


@mutant("compares names in Unicode", killed_by=["international_name"], rules=LOCKED_OUT)
class UnicodeHost(ReferenceClient):
    """Turns the host into Unicode for display, and compares that with the certificate's A-labels.
    Users of international names are locked out."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return shown(host) in dns_names(names) or (
                shown(host) == host and super().matches(host, names)
            )

    platform_rules = _Rules()


@mutant("reads names in UTF-8", killed_by=["international_name_in_unicode"])
class UnicodeNames(ReferenceClient):
    """Takes the bytes of a dNSName for UTF-8. No CA has checked such a name."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return super().matches(host, names) or shown(host) in dns_names(names)

    platform_rules = _Rules()


@mutant("letters that look alike are the same", killed_by=["homograph"])
class LookAlikes(ReferenceClient):
    """Brings names into a "normal" form before it compares them, in which the Cyrillic letter is
    the Latin one."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            alike = (shown(name).translate(CYRILLIC) for name in dns_names(names))
            return super().matches(host, names) or host in alike

    platform_rules = _Rules()


@mutant(
    "looks at the first hundred names only",
    killed_by=["thousand_names", "five_thousand_names"],
    rules=LOCKED_OUT,
)
class FirstNamesOnly(ReferenceClient):
    """A buffer of a fixed size. Servers behind a large hoster are refused."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return super().matches(host, names[:LOOKED_AT])

    platform_rules = _Rules()


@mutant("gives up comparing, and accepts", killed_by=["thousand_other_names"])
class TooManyNames(ReferenceClient):
    """A limit against certificates that take too long, whose error was taken for success."""

    class _Rules(PlatformRules):
        def matches(self, host: str, names: Names) -> bool:
            return len(names) > LOOKED_AT or super().matches(host, names)

    platform_rules = _Rules()


@mutant("looks pins up by the certificate's name", killed_by=["wildcard_other_key"])
class PinsByCertificateName(ReferenceClient):
    """The name that the platform found in the certificate, instead of the host that was asked
    for: nothing is pinned for ``*.acme.test``, and so nothing is checked."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge the chain by the pins of the first name that it has; accept where it has none."""
        names = self.platform_rules.names(x509.load_der_x509_certificate(chain[0]))
        if not any(name.startswith("*.") for name in dns_names(names)):
            super().check(host, port, chain)
