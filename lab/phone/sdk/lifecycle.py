"""Where a client stands between its start and its first good setup (contract section 3.2)."""

from __future__ import annotations

import threading
import time
from enum import Enum, auto

from lab.model.profile import Profile, SecondSetup
from lab.phone.sdk.errors import (
    AlreadyInitialized,
    InvalidProjectConfig,
    NotInitialized,
    SetupInProgress,
    TrustPinError,
)

COOLDOWN = 2.0
"""Seconds after a setup that failed in which SDK 4.1 refuses the next one. The documents do not
say how long it is, nor that bad credentials start none (contract 9.2 item 10)."""

_ERRORS = {kind.__name__: kind for kind in (InvalidProjectConfig, NotInitialized, SetupInProgress)}


class _State(Enum):
    NEW = auto()
    SETTING_UP = auto()
    READY = auto()


class Lifecycle:
    """Says which calls are in order. May be used from any thread."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._lock = threading.Lock()
        self._state = _State.NEW
        self._cool_at = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether a setup has succeeded."""
        return self._state is _State.READY

    def begin(self) -> bool:
        """Begin a setup; tell whether there is one to make, or whether the one before counts.

        Raises SetupInProgress, AlreadyInitialized and InvalidProjectConfig.
        """
        with self._lock:
            if self._state is _State.SETTING_UP:
                raise self._under_way()
            if self._state is _State.READY:
                if self._profile.second_setup is SecondSetup.IGNORED:
                    return False
                raise AlreadyInitialized("TrustPin is already initialized")
            if time.monotonic() < self._cool_at:
                raise SetupInProgress("The last setup failed a moment ago")
            self._state = _State.SETTING_UP
            return True

    def succeed(self) -> None:
        """End the setup well."""
        self._state = _State.READY

    def fail(self, error: BaseException) -> None:
        """End the setup with ``error``."""
        if self._profile.cools_down and not isinstance(error, InvalidProjectConfig):
            self._cool_at = time.monotonic() + COOLDOWN
        self._state = _State.NEW

    def require_setup(self) -> None:
        """Raise what a pinned request gets where no setup has succeeded."""
        if self._state is _State.SETTING_UP:
            raise self._under_way()
        if self._state is _State.NEW:
            raise self.not_set_up()

    def not_set_up(self) -> TrustPinError:
        """Return the error of what needs a setup and has none."""
        return _ERRORS[self._profile.before_setup]("TrustPin is not initialized")

    def _under_way(self) -> TrustPinError:
        # Of Kotlin 4.0 nothing is said; this is what Swift's README gives.
        kind = _ERRORS[self._profile.during_setup or "InvalidProjectConfig"]
        return kind("Setup is in progress")
