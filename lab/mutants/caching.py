"""Mutants: how long a configuration counts, what is kept of it, and when pins expire."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lab.model.pins import Pin, PinConfiguration
from lab.mutants.registry import FACTS, LOCKED_OUT, mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.configuration import ConfigurationKeeper, Held
from lab.phone.sdk.connecting import SDK_USER_AGENT
from lab.phone.sdk.errors import ErrorFetchingPinningInfo, PinsMismatch, TrustPinError
from lab.phone.sdk.verifier import PinVerifier
from lab.phone.services import PlatformError

# -- the cache ----------------------------------------------------------------------------


class _NeverFresh(ConfigurationKeeper):
    def is_fresh(self, held: Held, now: float) -> bool:
        return False


@mutant(
    "asks for its configuration before each request",
    killed_by=["service_down_fresh_genuine", "rotation_withdrawn_in_time"],
    rules=(*FACTS, *LOCKED_OUT),
)
class CacheNotUsed(ReferenceClient):
    """Has no cache, or one that it does not look at. Every request waits for the configuration
    service, which learns when the app is used."""

    keeper_class = _NeverFresh


class _FreshOrNothing(ConfigurationKeeper):
    def is_usable(self, held: Held, now: float) -> bool:
        return self.is_fresh(held, now)


@mutant(
    "refuses everything while its service is down",
    killed_by=["service_down_stale_genuine", "service_error_stale_genuine"],
    rules=LOCKED_OUT,
)
class StaleNotUsed(ReferenceClient):
    """Throws its configuration away when it is ten minutes old: every outage of the service is one
    of all apps."""

    keeper_class = _FreshOrNothing


class _DroppingRefused(ConfigurationKeeper):
    def accepts(self, version: int, highest: int) -> bool:
        accepted = super().accepts(version, highest)
        if not accepted:
            self._held = None
        return accepted


@mutant(
    "drops its configuration when it refuses another one",
    killed_by=["older_configuration_genuine"],
    rules=LOCKED_OUT,
)
class DropsWithTheRefused(ReferenceClient):
    """Empties its table before it reads into it. A node that lags behind is an outage, and so is
    whoever replays an old configuration."""

    keeper_class = _DroppingRefused


class _InMemory(ConfigurationKeeper):
    def take_up(self) -> None:
        return


@mutant(
    "forgets its configuration when it ends",
    killed_by=["launched_again_without_source"],
    rules=LOCKED_OUT,
)
class ForgetsAtExit(ReferenceClient):
    """Keeps its configuration in memory alone, so that each launch needs the service."""

    keeper_class = _InMemory


@mutant(
    "never tries again after a first start without a source",
    killed_by=["launched_again_after_cold_failure"],
    rules=LOCKED_OUT,
)
class GivesUpForGood(ReferenceClient):
    """Stores the result of its first start, and "failed" is one. Only a new installation helps."""

    def fetch(self, url: str, timeout: float) -> bytes:
        """Fetch, unless that has failed before."""
        failed = self.storage / "failed"
        if failed.exists():
            raise ErrorFetchingPinningInfo("Failed before")
        try:
            return super().fetch(url, timeout)
        except (PlatformError, TrustPinError):
            self.storage.mkdir(parents=True, exist_ok=True)
            failed.touch()
            raise


class _ClosedBySource(ConfigurationKeeper):
    source: bytes | None = None
    shut = False

    def is_usable(self, held: Held, now: float) -> bool:
        return not self.shut and super().is_usable(held, now)


@mutant(
    "shuts down when its service has another certificate",
    killed_by=["source_renewed"],
    rules=LOCKED_OUT,
)
class ShutsDownOnNewSource(ReferenceClient):
    """Pins its configuration service by the first certificate that it saw, and takes a renewal for
    an attack on everything."""

    keeper_class = _ClosedBySource

    def check_source(self, host: str, port: int, chain: tuple[bytes, ...]) -> None:
        """Compare the certificate with the first one."""
        super().check_source(host, port, chain)
        keeper = self._keeper
        assert isinstance(keeper, _ClosedBySource)
        keeper.source = keeper.source or chain[0]
        if keeper.source != chain[0]:
            keeper.shut = True
            raise PinsMismatch("The configuration service has another certificate")


# -- expiry -------------------------------------------------------------------------------


class _ByServersClock(PinVerifier):
    told: float | None = None

    def live(self, pins: tuple[Pin, ...], now: float) -> tuple[Pin, ...]:
        return super().live(pins, now if self.told is None else self.told)


@mutant(
    "goes by the server's Date for the expiry of pins",
    killed_by=["pins_after_expiry"],
)
class BelievesTheServersClock(ReferenceClient):
    """Does not trust the phone's clock, and asks one that is worse: the ``Date`` of an answer comes
    from whoever answers."""

    verifier_class = _ByServersClock
    _date: float | None = None

    def fetch(self, url: str, timeout: float) -> bytes:
        """Fetch, and note the time."""
        answer = self._http(SDK_USER_AGENT, None).request(url, timeout=timeout)
        date = answer.header("date")
        told = parsedate_to_datetime(date) if date else datetime.now(UTC)
        self._date = told.timestamp()
        return super().fetch(url, timeout)

    def verifier(self, configuration: PinConfiguration) -> PinVerifier:
        """Return a verifier that goes by the time that was noted."""
        made = super().verifier(configuration)
        assert isinstance(made, _ByServersClock)
        made.told = self._date
        return made


class _Aging(ConfigurationKeeper):
    @property
    def is_stale(self) -> bool:
        """Whether what is held is too old to be used without another try."""
        return self._held is not None and not self.is_fresh(self._held, self._phone.now())


class _Extending(PinVerifier):
    lenient = False

    def live(self, pins: tuple[Pin, ...], now: float) -> tuple[Pin, ...]:
        return pins if self.lenient else super().live(pins, now)


@mutant(
    "lets pins live longer while its service is down",
    killed_by=["expired_pins_without_source"],
)
class ExtendsExpiredPins(ReferenceClient):
    """Meets an outage with leniency. Who keeps the new pins away decides how long the old ones
    are good."""

    keeper_class = _Aging
    verifier_class = _Extending

    def verifier(self, configuration: PinConfiguration) -> PinVerifier:
        """Return a verifier that is lenient where the configuration is stale."""
        made, keeper = super().verifier(configuration), self._keeper
        assert isinstance(made, _Extending)
        made.lenient = isinstance(keeper, _Aging) and keeper.is_stale
        return made


class _Milliseconds(PinVerifier):
    def live(self, pins: tuple[Pin, ...], now: float) -> tuple[Pin, ...]:
        return tuple(p for p in pins if p.expires_at is None or p.expires_at > now * 1000)


@mutant(
    "takes the expiry of pins for milliseconds",
    killed_by=["pins_before_expiry"],
    rules=LOCKED_OUT,
)
class ExpiryInMilliseconds(ReferenceClient):
    """``System.currentTimeMillis()`` against seconds: every pin with an expiry is long past it, and
    one that has none hides the mistake."""

    verifier_class = _Milliseconds
