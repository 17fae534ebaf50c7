"""Mutants: what they do without a configuration, or with one that is wrong: they go on."""

from __future__ import annotations

from lab.model.pins import PinConfiguration
from lab.mutants.registry import mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.configuration import ConfigurationKeeper, Held
from lab.phone.sdk.errors import (
    ConfigurationValidationFailed,
    ErrorFetchingPinningInfo,
    Timeout,
    TrustPinError,
)
from lab.phone.services import HttpProtocolError, PlatformError, SslHandshakeError

DAY = 86_400.0


class _Open(ReferenceClient):
    """Goes on without pins where ``excuses`` says so."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge the chain, unless there is an excuse."""
        try:
            super().check(host, port, chain)
        except TrustPinError as error:
            if not self.excuses(error):
                raise

    def excuses(self, error: TrustPinError) -> bool:
        """Tell whether this error is no reason to refuse."""
        raise NotImplementedError


@mutant(
    "goes on without pins where no configuration can be had",
    killed_by=[
        "service_down_cold_genuine",
        "service_down_cold_trusted_ca",
        "service_name_unknown_cold",
        "service_not_found_cold",
    ],
)
class ColdStartOpen(_Open):
    """The app must work at its first start, so it does, in every network that keeps the
    configuration away. The attacker's part is one line in a resolver's block list."""

    def excuses(self, error: TrustPinError) -> bool:
        """Excuse that there is none."""
        return isinstance(error, ErrorFetchingPinningInfo | Timeout)


@mutant(
    "goes on without pins where its configuration is refused",
    killed_by=["der_signature", "tampered_configuration", "configuration_truncated"],
)
class RefusedConfigurationOpen(_Open):
    """Catches the error of the verification, logs it, and goes on: the attacker need not forge a
    signature, a broken one will do."""

    def excuses(self, error: TrustPinError) -> bool:
        """Excuse what was refused."""
        return isinstance(error, ConfigurationValidationFailed)


# -- answers that are no configuration ----------------------------------------------------


class _GivesUp(ReferenceClient):
    """Gives pinning up for good when its source has shown some sign, of ``signs``."""

    signs: tuple[type[Exception], ...] = ()
    words = ""
    """What the error must say."""
    _unpinned = False

    def fetch(self, url: str, timeout: float) -> bytes:
        """Fetch, and look for the sign."""
        try:
            body = super().fetch(url, timeout)
        except self.signs as error:
            self._unpinned = self._unpinned or self.words in str(error)
            raise
        self._unpinned = self._unpinned or self.means_nothing(body)
        return body

    def means_nothing(self, body: bytes) -> bool:
        """Tell whether this answer is taken for a configuration without domains."""
        return False

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge the chain while pinning has not been given up."""
        try:
            super().check(host, port, chain)
        except TrustPinError:
            if not self._unpinned:
                raise


@mutant("takes 404 for nothing to pin", killed_by=["service_not_found_cold"])
class NotFoundOpen(_GivesUp):
    """No configuration for this project, so no pins for this project."""

    signs = (ErrorFetchingPinningInfo,)
    words = "HTTP 404"


@mutant("goes on without pins while its service has an error", killed_by=["service_error_cold"])
class ServerErrorOpen(_GivesUp):
    """Our own server's fault is no attack, somebody said. It need not be our own server's."""

    signs = (ErrorFetchingPinningInfo,)
    words = "HTTP 5"


@mutant("takes a redirect for nothing to pin", killed_by=["configuration_moved"])
class RedirectOpen(_GivesUp):
    """A switch over statuses: success, error, and a rest for which nobody wrote a line."""

    signs = (ErrorFetchingPinningInfo,)
    words = "HTTP 3"


@mutant(
    "reads an HTML page as an empty configuration",
    killed_by=["portal_page_cold", "portal_page_stale"],
)
class PortalPageOpen(_GivesUp):
    """A lenient parser finds no domains in the page of a captive portal, and none is pinned."""

    def means_nothing(self, body: bytes) -> bool:
        """Tell whether it is a page."""
        return body.lstrip().startswith(b"<")


@mutant("reads an empty answer as an empty configuration", killed_by=["empty_configuration"])
class EmptyAnswerOpen(_GivesUp):
    """Nothing is a list of nothing."""

    def means_nothing(self, body: bytes) -> bool:
        """Tell whether it is nothing."""
        return not body


@mutant("reads as much of a configuration as there is", killed_by=["configuration_truncated"])
class HalfConfigurationOpen(_GivesUp):
    """Reads the payload as a stream, domain by domain, and what was cut off is not pinned."""

    def means_nothing(self, body: bytes) -> bool:
        """Tell whether the end is missing."""
        return 0 < body.count(b".") < 2 and body.startswith(b"eyJ")


@mutant("goes on without pins where the answer breaks off", killed_by=["configuration_cut_off"])
class BrokenOffOpen(_GivesUp):
    """An exception in the midst of reading goes past the line that refuses."""

    signs = (PlatformError,)


@mutant("goes on without pins where the answer is too long", killed_by=["configuration_oversize"])
class TooLongOpen(_GivesUp):
    """A limit was set against attacks, and what lies behind it was not thought of."""

    signs = (HttpProtocolError,)
    words = "longer"


@mutant(
    "takes a certificate error of its service for an outage without pins",
    killed_by=["rogue_source_stale"],
)
class UntrustedSourceOpen(_GivesUp):
    """Takes the certificate error for one of the owner's, gives pinning up, and the attacker's
    certificate for the service has bought him the host."""

    signs = (SslHandshakeError,)


@mutant(
    "pins while its configuration service answers, and not otherwise",
    killed_by=["service_down_fresh_trusted_ca", "service_down_stale_trusted_ca"],
)
class OutageOpen(ReferenceClient):
    """Asks before each request whether pinning is "available": a switch that was meant for the
    owner, in the hands of whoever can close a port."""

    def check(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Judge the chain if the service can be reached."""
        assert self._project is not None, "the app is set up"
        try:
            self.fetch(self._project.sources[0], 1.0)
        except (PlatformError, TrustPinError):
            return
        super().check(host, port, chain)


# -- caches that nobody believes any more -------------------------------------------------


class _Doubtful(ErrorFetchingPinningInfo):
    """What is held is not to be used."""


class _Doubting(ConfigurationKeeper):
    def current(self, timeout: float | None = None) -> PinConfiguration:
        found = super().current(timeout)
        held = self._held
        if held is not None and self.doubts(held, self._phone.now()):
            raise _Doubtful("The pinning configuration is not to be used")
        return found

    def is_usable(self, held: Held, now: float) -> bool:
        # So that it comes to the doubt.
        return True

    def doubts(self, held: Held, now: float) -> bool:
        """Tell whether ``held`` is not to be used."""
        raise NotImplementedError


class _OpenInDoubt(_Open):
    def excuses(self, error: TrustPinError) -> bool:
        """Excuse that what is held cannot be used."""
        return isinstance(error, _Doubtful)


class _Lapsing(_Doubting):
    def doubts(self, held: Held, now: float) -> bool:
        return now - held.fetched_at >= DAY


@mutant("goes on without pins when they are a day old", killed_by=["service_down_for_a_day"])
class LapsesAfterADay(_OpenInDoubt):
    """Throws away what is too old to be right. The attacker keeps the new one away for a day."""

    keeper_class = _Lapsing


class _FromTheFuture(_Doubting):
    def doubts(self, held: Held, now: float) -> bool:
        return now < held.fetched_at


@mutant("goes on without pins when the clock was set back", killed_by=["clock_set_back"])
class ClockSetBackOpen(_OpenInDoubt):
    """An age below zero counts as a damaged cache. Whoever answers the phone's question for the
    time (NTP, unsigned) switches pinning off."""

    keeper_class = _FromTheFuture


class _StoredOnly(_Doubting):
    def doubts(self, held: Held, now: float) -> bool:
        return held.stored


@mutant(
    "goes on without pins until the first fetch after a launch",
    killed_by=["launched_again_without_source_trusted_ca"],
)
class UnpinnedUntilFetched(_OpenInDoubt):
    """Reads what it stored, and uses it for nothing but to know the version. Until the service
    has answered nothing is pinned."""

    keeper_class = _StoredOnly
