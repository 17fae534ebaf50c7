"""Mutants: what a client does where the network takes its time, or has been good before."""

from __future__ import annotations

import time
from pathlib import Path

from lab.mutants.registry import mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.services import DEFAULT_TIMEOUT, Headers, HttpResponse, PhoneServices

PATIENCE = 0.3
"""Seconds."""


@mutant(
    "has a time limit for its checks, and lets pass what exceeds it",
    killed_by=["name_answered_late", "connection_served_late"],
)
class ChecksWithinItsTime(ReferenceClient):
    """Has promised its users not to slow requests down: where 0.3 seconds are over, the pins are
    left out "for once". Whoever owns the network decides how long things take."""

    _began = 0.0

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        self._began = time.monotonic()
        return super().get(url, timeout, headers)

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Accept, where the time is over."""
        if time.monotonic() - self._began < PATIENCE:
            super().check(host, port, chain)


@mutant(
    "takes a server's address for a proof of who it is",
    # And by the neighbour, where there can be one.
    killed_by=["device_trusted_ca"],
)
class RemembersTheAddress(ReferenceClient):
    """Looks at the pins once for each address that a host has, as a DNS answer that has not changed
    leads to the same machine. Whoever is on the way there answers in its place."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        super().__init__(phone, storage)
        self._right: set[tuple[str, str]] = set()

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Accept, where the host is still where it was."""
        here = {(host, address) for address in self.phone.look_up(host, DEFAULT_TIMEOUT)}
        if not here <= self._right:
            super().check(host, port, chain)
            self._right |= here
