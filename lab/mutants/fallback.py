"""Mutants: what is done instead, once a pinned connection has failed, and past the pinned one."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from lab.model.verdict import Verdict
from lab.mutants.instead import in_clear, unpinned
from lab.mutants.registry import mutant
from lab.phone.network import NetworkStack
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.errors import TrustPinError
from lab.phone.services import (
    DEFAULT_TIMEOUT,
    Cancellation,
    Headers,
    HttpResponse,
    PhoneServices,
    PlatformError,
)
from lab.phone.state import PhoneState

B4 = "device_trusted_ca"


@mutant("retries without pins", killed_by=[B4])
class RetriesUnpinned(ReferenceClient):
    """Takes a pin failure for a misconfiguration and tries again with the default client, so that
    users are not locked out: pinning that only slows an attacker down."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        """Try again without pins where they do not match."""
        try:
            return super().get(url, timeout, headers)
        except TrustPinError:
            return unpinned(self.phone).request(url, timeout=timeout, headers=headers)


@mutant("falls back to HTTP", killed_by=[B4, "tls_stripping"])
class FallsBackToHttp(ReferenceClient):
    """Asks over http what could not be had over https, as clients of the nineties and some update
    checkers still do. Whoever can break a connection reads the next one."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        """Try again in clear where it fails."""
        try:
            return super().get(url, timeout, headers)
        except (TrustPinError, PlatformError):
            return unpinned(self.phone).request(in_clear(url), timeout=timeout, headers=headers)


@mutant("follows a redirect out of TLS", killed_by=["redirect_into_cleartext"])
class FollowsToHttp(ReferenceClient):
    """Leaves OkHttp's ``followSslRedirects`` as it is by default, in an app whose network security
    configuration allows cleartext."""

    changes_scheme = True


@mutant("a second client without pins asks the same host", killed_by=[B4])
class AnalyticsBeside(ReferenceClient):
    """Pins its own client and ships an analytics library that reports to the same host with one of
    its own (Tapioca, CERT/CC 2014, found such apps by the hundred)."""

    def get(
        self, url: str, timeout: float = DEFAULT_TIMEOUT, headers: Headers = ()
    ) -> HttpResponse:
        """Tell the analytics first."""
        if url.startswith("https:"):
            with suppress(PlatformError):
                unpinned(self.phone).request(f"{url}?event=request", timeout=timeout)
        return super().get(url, timeout, headers)


class _PastTheProxy:
    """A phone whose proxy setting is ignored. Implements ``PhoneServices`` by leaving all else to
    the phone."""

    def __init__(self, phone: PhoneServices) -> None:
        self._phone = phone

    def __getattr__(self, name: str) -> object:
        return getattr(self._phone, name)

    def connect(
        self, host: str, port: int, timeout: float, cancellation: Cancellation | None = None
    ) -> socket.socket:
        """Connect as if no proxy was set."""
        state = getattr(self._phone, "_phone", self._phone)
        assert isinstance(state, PhoneState), "mutants run on the virtual phone"
        direct = NetworkStack(replace(state.network.settings, http_proxy=None))
        return direct.connect(host, port, timeout, cancellation)


@mutant(
    "ignores the proxy setting",
    killed_by=["device_trusted_ca_http2_only"],
    rules=["baseline_worked"],
    outcome=Verdict.INCONCLUSIVE,
)
class IgnoresProxy(ReferenceClient):
    """Opens its connections by itself, as Flutter's and many native stacks do. It has no pins and
    is not attacked either: its traffic never passes the adversary. A lab that takes this silence
    for pinning would call it safe."""

    def __init__(self, phone: PhoneServices, storage: Path) -> None:
        past: PhoneServices = _PastTheProxy(phone)  # type: ignore[assignment]
        super().__init__(past, storage)

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Accept."""
