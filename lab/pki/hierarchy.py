"""All authorities of a run: the honest side and the three kinds of attacker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from lab.pki.authority import Authority, Leaf
from lab.pki.credential import Credential

ESTABLISHED = timedelta(days=150)
"""How long ago the honest side's certificates begin: a device's clock can be moved back to a time
at which the owner was already there."""


class LabPki:
    """Authorities made fresh for one run, constrained to the declared domains.

    ``permitted`` are the DNS names, with everything below them, that any of the lab's roots may
    vouch for (critical nameConstraints, RFC 5280 section 4.2.1.10): a root that stayed behind
    on a device could not be used against anything else. Raises ValueError where there are
    none, or where one is empty, which would permit every name.
    """

    def __init__(self, permitted: Sequence[str] = ("acme.test",)) -> None:
        if not permitted or not all(permitted):
            raise ValueError("the lab's authorities must be limited to declared domains")
        self._since = datetime.now(UTC).replace(microsecond=0) - ESTABLISHED
        self.public_root = Authority.root(
            "Lab Public Root", permitted=permitted, not_before=self._since
        )
        """What every device of the lab trusts from the factory: twin of a public CA."""
        self.intermediate = self.public_root.subordinate("Lab Issuing CA", not_before=self._since)
        self.limited = self.public_root.subordinate("Lab Limited Issuing CA", path_length=0)
        """Another honest one, which may have no CA below it."""
        self.rogue_root = Authority.root("Lab Rogue Root", permitted=permitted)
        """In no store of any device."""
        self.rogue = self.rogue_root.subordinate("Lab Rogue Issuing CA")
        self.compromised_root = Authority.root("Lab Compromised Root", permitted=permitted)
        """In the system store of the device under attack."""
        self.compromised = self.compromised_root.subordinate("Lab Compromised Issuing CA")
        self.user_root = Authority.root("Lab User Root", permitted=permitted)
        """Installed by the device's user."""
        self.user = self.user_root.subordinate("Lab User Issuing CA")
        self.published_root = Authority.root("Lab Published-Key Root", permitted=permitted)
        """One whose private key everybody has, as it was in every copy of the product that
        installed it. Made for this run like all others: no such key is kept anywhere."""
        self.expired_root = Authority.root(
            "Lab Expired Root",
            permitted=permitted,
            not_after=datetime.now(UTC) - timedelta(hours=1),
        )
        self._genuine: dict[str, Credential] = {}
        self._backup: dict[str, Credential] = {}
        self._reserve: dict[tuple[str, int], Credential] = {}

    def genuine(self, host: str) -> Credential:
        """Return the certificate that the owner of ``host`` uses; always the same one."""
        return self._kept(self._genuine, host)

    def backup(self, host: str) -> Credential:
        """Return the certificate with the owner's backup key; always the same one."""
        return self._kept(self._backup, host)

    def reserve(self, host: str, number: int) -> Credential:
        """Return a further certificate of the owner's, with a key of its own; always the same one
        for the same number."""
        key = (host, number)
        return self._reserve.get(key) or self._reserve.setdefault(key, self._certified(host))

    def renewed(self, host: str, *, same_key: bool) -> Credential:
        """Issue another genuine certificate for ``host``, with its usual key or with a new one."""
        key = self.genuine(host).key if same_key else None
        return self.intermediate.issue(host, key=key)

    def _kept(self, kept: dict[str, Credential], host: str) -> Credential:
        # Several threads may ask: setdefault gives all of them the same one.
        return kept.get(host) or kept.setdefault(host, self._certified(host))

    def _certified(self, host: str) -> Credential:
        return self.intermediate.issue(Leaf((host,), not_before=self._since))
