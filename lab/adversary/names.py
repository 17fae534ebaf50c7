"""Which name an address of the lab's networks stands for, and how names are written."""

from __future__ import annotations

from collections.abc import Iterable

ATTACKER_ADDRESS = "203.0.113.66"
"""Where a lying resolver sends the device (TEST-NET-3, RFC 5737)."""
ATTACKER_ADDRESS_6 = "2001:db8:66::66"
"""The same over IPv6 (RFC 3849)."""

_ATTACKERS = frozenset({ATTACKER_ADDRESS, ATTACKER_ADDRESS_6})

HONEST_PREFIX = "198.51.100."
"""Every declared host has an address of its own here (TEST-NET-2, RFC 5737)."""

MAX_HOSTS = 254
MAX_NAME = 253
"""Characters of a DNS name in text form (RFC 1035 section 2.3.4)."""


class Names:
    """The declared hosts with the addresses that stand for them.

    Raises ValueError for more hosts than there are addresses.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        declared = dict.fromkeys(normal(host) for host in hosts)
        if len(declared) > MAX_HOSTS:
            raise ValueError(f"at most {MAX_HOSTS} hosts can be declared, not {len(declared)}")
        self._addresses = {host: f"{HONEST_PREFIX}{n}" for n, host in enumerate(declared, 1)}
        self._names = {address: host for host, address in self._addresses.items()}

    @property
    def hosts(self) -> tuple[str, ...]:
        """The declared hosts."""
        return tuple(self._addresses)

    def address_of(self, host: str) -> str | None:
        """Return the address that an honest resolver gives for ``host``, None where undeclared."""
        return self._addresses.get(host)

    def name_of(self, destination: str) -> str | None:
        """Return the name that a destination stands for; None for an attacker's own address."""
        host = normal(destination)
        return None if host in _ATTACKERS else self._names.get(host, host)


def normal(host: str) -> str:
    """Return ``host`` as it is compared and recorded: lower case, without the final dot.

    International names are in A-labels (RFC 5890), whichever way they came. What is not printable
    ASCII even so is escaped, what is too long for a name is cut off.
    """
    return printable(_in_a_labels(host[:MAX_NAME]).removesuffix(".")).lower()


def _in_a_labels(host: str) -> str:
    if host.isascii():
        return host
    try:
        # mitmproxy shows the names that it has read in U-labels.
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host


def printable(text: str) -> str:
    """Return ``text`` with everything but printable ASCII escaped; it came from the outside."""
    return text.encode("unicode_escape").decode("ascii")
