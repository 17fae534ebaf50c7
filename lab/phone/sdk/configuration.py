"""Which configuration is in force: fetched, cached, kept through outages, never rolled back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.model.pins import PinConfiguration
from lab.model.profile import NEWEST, Profile
from lab.phone.sdk.errors import (
    ConfigIntegrityError,
    ConfigurationValidationFailed,
    ErrorFetchingPinningInfo,
    Timeout,
    TrustPinError,
)
from lab.phone.sdk.project import Project
from lab.phone.sdk.storage import ConfigurationFiles
from lab.phone.services import Cancelled, PhoneServices, PlatformError
from lab.pinning.jws import ConfigurationRefused, verify_configuration

FRESH_FOR = 600.0
"""Seconds during which a configuration is used without another fetch (contract 4.1)."""
STALE_FOR = 86_400.0
"""Seconds during which it is used where no newer one can be had. That bound stands in the
documents of 4.0 alone; for the others it is an assumption (contract C3)."""
RETRY_AFTER = 5.0
"""Seconds after a failed refresh in which a usable configuration is used without another try."""
PASSES = 2
"""How often the list of sources is gone through before a fetch has failed (contract 4.1)."""
REFRESH_CAP = 2.0
"""Seconds that a fetch may take while there is a configuration to go on with."""
COLD_CAP = 6.0
"""Seconds that a fetch may take where nothing works without it."""

Fetch = Callable[[str, float], bytes]
"""Called as fetch(url, timeout). Returns the body; raises PlatformError or TrustPinError."""


@dataclass(frozen=True, slots=True)
class Held:
    """A configuration that was verified."""

    configuration: PinConfiguration
    fetched_at: float
    """Epoch seconds on the phone's clock."""
    stored: bool = False
    """It was read from the disk at this start: never fresh, so that each start fetches."""


class ConfigurationKeeper:
    """Holds the configuration of one project. May be used from any thread.

    At most one thread fetches; others wait for what comes of it. A wrong client overrides
    ``verify``, ``accepts``, ``is_fresh`` or ``is_usable``.
    """

    def __init__(
        self,
        project: Project,
        files: ConfigurationFiles,
        phone: PhoneServices,
        fetch: Fetch,
        profile: Profile = NEWEST,
    ) -> None:
        self.project = project
        self.profile = profile
        self._files = files
        self._phone = phone
        self._fetch = fetch
        self._held: Held | None = None
        self._highest: int | None = None
        self._fetching = threading.Lock()
        self._attempts = 0
        self._failed_at: float | None = None
        self._failure: TrustPinError | None = None
        """Why nothing is held; None where something is, or nothing was tried."""

    @property
    def held(self) -> PinConfiguration | None:
        """What was verified last, however old; nothing is fetched."""
        return None if self._held is None else self._held.configuration

    @property
    def usable(self) -> PinConfiguration | None:
        """What is in force as things are; nothing is fetched."""
        held = self._held
        usable = held is not None and self.is_usable(held, self._phone.now())
        return held.configuration if held is not None and usable else None

    def start(self) -> None:
        """Take up what an earlier start left, and fetch.

        A source that cannot be reached does no harm while what was left is usable. Raises
        ErrorFetchingPinningInfo, ConfigurationValidationFailed and ConfigIntegrityError.
        """
        with self._turn():
            self._take_up()
            try:
                self._refresh()
            except ErrorFetchingPinningInfo as error:
                if self.usable is None:
                    raise
                self._log("WARN", f"{error}; using the stored configuration")

    def take_up(self) -> None:
        """Take up what an earlier start left. Nothing is fetched."""
        with self._turn():
            self._take_up()

    def prefetch(self) -> None:
        """Fetch for the first time, unless a request has been quicker. Raises PlatformError
        where that is cancelled, and nothing else: what it failed for is told to who asks for
        the configuration."""
        with self._turn():
            if not self._attempts:
                self._try_refresh()

    def current(self, timeout: float | None = None) -> PinConfiguration:
        """Return the configuration in force, after a fetch where it is not fresh.

        Whatever a fetch fails for, the configuration before it stays in force while it is
        usable. Raises what the last fetch failed for where none is, and Timeout where another
        thread's fetch takes longer than ``timeout`` seconds.
        """
        # Before what is held is looked at: a fetch that ends in between must not be missed.
        attempts = self._attempts
        held = self._held
        if held is not None and self.is_fresh(held, self._phone.now()):
            self._log("DEBUG", "Using cached configuration")
            return held.configuration
        with self._turn(timeout):
            # Who waited here takes what has come of it, good or bad, and does not try again.
            if self._attempts == attempts and self._due():
                self._try_refresh()
            usable, failure = self.usable, self._failure
        if usable is None:
            # A new one each time: several threads may raise it at once.
            kind = ErrorFetchingPinningInfo if failure is None else type(failure)
            raise kind(str(failure or "No usable pinning configuration"))
        return usable

    def verify(self, token: bytes) -> PinConfiguration:
        """Check a token (contract section 10, step 4). Raises ConfigurationValidationFailed."""
        try:
            return verify_configuration(token, self.project.public_key, now=self._phone.now())
        except ConfigurationRefused as error:
            raise ConfigurationValidationFailed(f"Configuration refused: {error}") from None

    def accepts(self, version: int, highest: int) -> bool:
        """Tell whether a configuration may follow one that was trusted (step 5). Any may where
        the documents mention no protection against older ones (contract 4.2)."""
        return version >= highest or not self.profile.refuses_older

    def is_fresh(self, held: Held, now: float) -> bool:
        """Tell whether ``held`` may be used without a fetch. Not where the clock went backwards:
        then nobody knows how old it is."""
        return not held.stored and 0 <= now - held.fetched_at < FRESH_FOR

    def is_usable(self, held: Held, now: float) -> bool:
        """Tell whether ``held`` may be used where nothing newer can be had. A clock that went
        backwards makes nothing old, else a drained battery would lock the user out."""
        return now - held.fetched_at < STALE_FOR

    @contextmanager
    def _turn(self, timeout: float | None = None) -> Iterator[None]:
        """Be the only one to fetch or to take up. Raises Timeout."""
        if not self._fetching.acquire(timeout=-1 if timeout is None else timeout):
            raise Timeout("The pinning configuration did not arrive in time")
        try:
            yield
        finally:
            self._fetching.release()

    def _due(self) -> bool:
        """Tell whether to fetch now. Short after a failure a usable configuration will do."""
        if self._failed_at is None or self.usable is None:
            return True
        return not 0 <= self._phone.now() - self._failed_at < RETRY_AFTER

    def _try_refresh(self) -> None:
        try:
            self._refresh()
        except TrustPinError as error:
            self._log("WARN", f"Configuration not refreshed: {error.code}: {error}")

    def _take_up(self) -> None:
        stored = self._files.load()
        self._highest = stored.highest
        if stored.token is None:
            return
        try:
            configuration = self.verify(stored.token)
            self._check_version(configuration)
        except TrustPinError as error:
            self._log("WARN", f"The stored configuration is ignored: {error.code}: {error}")
            return
        self._highest = configuration.version
        self._held = Held(configuration, stored.fetched_at, stored=True)

    def _refresh(self) -> None:
        """Fetch a configuration and put it in force. The last refusal of what was fetched
        counts for more than the fact that nothing else could be fetched."""
        deadline = time.monotonic() + (COLD_CAP if self.usable is None else REFRESH_CAP)
        tries = list(self.project.sources) * PASSES
        failure: TrustPinError = ErrorFetchingPinningInfo("Failed to fetch configuration")
        try:
            for number, url in enumerate(tries):
                timeout = (deadline - time.monotonic()) / (len(tries) - number)
                if timeout <= 0:
                    break
                try:
                    self._adopt(self._fetch(url, timeout))
                    self._failed_at = self._failure = None
                    return
                except (ConfigurationValidationFailed, ConfigIntegrityError) as error:
                    failure = error
                    self._log("WARN", f"{error.code}: {error}")
                except Cancelled:
                    raise
                except (PlatformError, TrustPinError) as error:
                    host = urlsplit(url).hostname
                    self._log("WARN", f"Failed to fetch configuration from {host}: {error}")
            self._failed_at, self._failure = self._phone.now(), failure
            raise failure
        finally:
            self._attempts += 1

    def _adopt(self, token: bytes) -> None:
        configuration = self.verify(token)
        self._check_version(configuration)
        held = Held(configuration, self._phone.now())
        self._highest = configuration.version
        self._held = held
        self._log("INFO", f"Configuration version {configuration.version} in force")
        self._files.save(token, held.fetched_at, configuration.version)

    def _check_version(self, configuration: PinConfiguration) -> None:
        highest = self._highest
        if highest is not None and not self.accepts(configuration.version, highest):
            # Which check it was is deliberately not told (contract section 3.1).
            raise ConfigIntegrityError("The configuration was refused by the integrity check")

    def _log(self, level: str, message: str) -> None:
        self._phone.log("TrustPin", level, message)
