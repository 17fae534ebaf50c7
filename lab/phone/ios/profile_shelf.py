"""The configuration profiles of an iPhone: installed, or waiting for their user."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509

from lab.phone.ios.profile import BadProfile, ConfigurationProfile, read_profile
from lab.phone.kept import Json, Kept

MAX_INSTALLED = 50
MAX_TOTAL = 700_000
"""Bytes of all profiles together."""

_PROFILES, _TRUSTED = "profiles", "trusted roots"


@dataclass(frozen=True, slots=True)
class Root:
    """A root certificate that a profile brought."""

    der: bytes
    trusted: bool
    """Whether it counts for TLS."""

    @property
    def sha256(self) -> str:
        """Of its DER, lower-case hex."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def name(self) -> str:
        """Common name of its subject, else the whole subject."""
        subject = x509.load_der_x509_certificate(self.der).subject
        names = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return str(names[0].value) if names else subject.rfc4514_string()


class ProfileShelf:
    """Installs and removes profiles, and says which of their roots count. Remembers all of it in
    ``kept``. May be used from any thread.

    ``supervised`` phones alone take a global HTTP proxy (Apple, GlobalHTTPProxy: "Requires
    supervision"). ``changed`` is told of each change.
    """

    def __init__(self, kept: Kept, changed: Callable[[], None], *, supervised: bool) -> None:
        self._kept = kept
        self._tell = changed
        self._supervised = supervised
        self._lock = threading.RLock()
        before = kept.load()
        self._installed = _read_kept(before.get(_PROFILES))
        trusted = before.get(_TRUSTED)
        self._trusted = {str(each) for each in trusted} if isinstance(trusted, list) else set()
        self._waiting: ConfigurationProfile | None = None

    @property
    def installed(self) -> tuple[ConfigurationProfile, ...]:
        """What is installed, the oldest first."""
        return self._installed

    @property
    def waiting(self) -> ConfigurationProfile | None:
        """The profile that waits for its user; it does not outlive a restart."""
        return self._waiting

    def offer(self, content: bytes) -> ConfigurationProfile:
        """Let a profile wait for its user instead of the one that waited. Raises BadProfile."""
        profile = self._acceptable(content)
        with self._lock:
            self._waiting = profile
        return profile

    def install_waiting(self) -> ConfigurationProfile:
        """Install the profile that waits, as its user. Its roots do not count until they are
        switched on (Apple support 102390). Raises BadProfile where none waits."""
        with self._lock:
            profile, self._waiting = self._waiting, None
            if profile is None:
                raise BadProfile("There is no profile to install.")
            self._put(profile)
        self._tell()
        return profile

    def drop_waiting(self) -> None:
        """Forget the profile that waits."""
        with self._lock:
            self._waiting = None

    def install(self, content: bytes) -> ConfigurationProfile:
        """Install a profile for a supervisor: its roots count at once. Raises BadProfile."""
        profile = self._acceptable(content)
        with self._lock:
            self._put(profile)
            self._trusted |= {Root(der, trusted=True).sha256 for der in profile.roots}
            self._keep()
        self._tell()
        return profile

    def remove(self, identifier: str) -> None:
        """Remove a profile with all that it brought. Raises BadProfile where it is not installed,
        or not to be removed."""
        with self._lock:
            found = next((p for p in self._installed if p.identifier == identifier), None)
            if found is None:
                raise BadProfile(f"The profile {identifier[:100]!r} is not installed.")
            if not found.removable:
                raise BadProfile(f"The profile {found.name!r} cannot be removed.")
            self._installed = tuple(p for p in self._installed if p is not found)
            self._keep()
        self._tell()

    def roots(self) -> tuple[Root, ...]:
        """Return the roots that profiles brought, in the order of their installation."""
        found = dict.fromkeys(der for profile in self._installed for der in profile.roots)
        made = (Root(der, trusted=False) for der in found)
        return tuple(Root(each.der, each.sha256 in self._trusted) for each in made)

    def switch(self, sha256: str, *, trusted: bool) -> None:
        """Let a root count for TLS, or no longer; one that is gone is no matter."""
        with self._lock:
            if trusted and any(root.sha256 == sha256 for root in self.roots()):
                self._trusted.add(sha256)
            else:
                self._trusted.discard(sha256)
            self._keep()
        self._tell()

    def _acceptable(self, content: bytes) -> ConfigurationProfile:
        profile = read_profile(content)
        others = [p for p in self._installed if p.identifier != profile.identifier]
        if profile.proxy is not None and not self._supervised:
            raise BadProfile("A global HTTP proxy can only be installed on a supervised iPhone.")
        if profile.proxy is not None and any(p.proxy is not None for p in others):
            raise BadProfile("Only one global HTTP proxy can be installed.")
        total = sum(len(each.content) for each in (*others, profile))
        if len(others) >= MAX_INSTALLED or total > MAX_TOTAL:
            raise BadProfile("Too many profiles are installed.")
        return profile

    def _put(self, profile: ConfigurationProfile) -> None:
        others = (p for p in self._installed if p.identifier != profile.identifier)
        self._installed = (*others, profile)
        self._keep()

    def _keep(self) -> None:
        # A root that comes again has to be switched on again.
        there = {root.sha256 for root in self.roots()}
        self._trusted &= there
        content: list[Json] = [base64.b64encode(p.content).decode() for p in self._installed]
        self._kept.set(_PROFILES, content)
        trusted: list[Json] = [*sorted(self._trusted)]
        self._kept.set(_TRUSTED, trusted)


def _read_kept(told: Json) -> tuple[ConfigurationProfile, ...]:
    found = []
    for each in told if isinstance(told, list) else []:
        try:
            found.append(read_profile(base64.b64decode(str(each), validate=True)))
        except (BadProfile, ValueError):
            # Kept by somebody else: it cannot be used.
            continue
    return tuple(found)
