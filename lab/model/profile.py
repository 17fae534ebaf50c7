"""Expectation profiles: what a version of the SDK is documented to do.

A profile holds the points in which the versions differ (contract section 3.2 and elsewhere); what
is the same in all of them stands in the catalogue. The names are Kotlin's. Where a document is
silent the field is None, or says so: nothing of that kind ever makes a scenario fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lab.model.attack import Need, Step, Telling
from lab.model.outcome import PIN_KINDS, ErrorKind


class SecondSetup(StrEnum):
    """What a second setup after a successful one comes to."""

    IGNORED = "ignored"
    """It returns at once; the new credentials do not count."""
    REFUSED = "refused"
    """It fails with ``AlreadyInitialized``."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The documented behaviour of one line of SDK versions."""

    name: str
    """``4.0``, ``4.1`` or ``6``."""
    errors: frozenset[str]
    """The error names that exist (contract 3.1 and the note below its table)."""
    setup_fetches: bool
    """Setup validates the credentials and fetches the configuration; else it validates them
    alone, and the fetch runs in the background (contract 2.2, 3.2)."""
    waits_for: float | None
    """Seconds for which the first pinned request waits for the configuration before it fails
    closed, by default; None where setup has fetched it (contract 2.2, 3.2)."""
    before_setup: str
    """The error of a pinned request before any setup (contract 3.2; C8)."""
    during_setup: str | None
    """The error of a call while a setup is under way; None where Kotlin's documents do not say
    (contract 3.2)."""
    second_setup: SecondSetup
    """Contract 3.2; C6. For 4.x that is Swift's word, taken for Kotlin's by assumption; 4.0 has
    examples to the contrary."""
    cools_down: bool | None
    """For a while after a setup that failed, the next one fails with ``SetupInProgress``; how
    long is not published. None where nothing is stated (contract 3.2, 9.2 item 10)."""
    unparsable: frozenset[str]
    """The errors of a response that is no configuration at all (contract 3.1)."""
    refuses_older: bool
    """A signed configuration older than one that was trusted is refused with
    ``ConfigIntegrityError``, and the newer one stays in force; else no document mentions replay
    (contract 4.2). Which field decides is not published (9.2 item 5)."""
    stale_for: float | None
    """Seconds for which a configuration is used where no newer one can be had; None where no
    bound is given (contract 4.1; C3)."""
    keeps: bool | None
    """The last good configuration outlives the app's process, on Android with its context; None
    where nothing is stated (contract 4.1)."""
    embedded: bool
    """A signed configuration can be built into the app, as a last resort; 6.3 and later
    (contract 2.8)."""
    announces: frozenset[ErrorKind]
    """The kinds of failure that a validation listener is told of, so that an app can be expected
    to report them; empty where there is no listener: an app may report, but nothing promises
    that it does (contract 5)."""

    @classmethod
    def named(cls, version: str) -> Profile:
        """Return the profile in force for an SDK version, such as ``4.1`` or ``6.4.0``.

        A major version alone is its newest. Raises ValueError for a version whose behaviour no
        document lays down.
        """
        numbers = version.strip().split(".")
        if not all(number.isascii() and number.isdigit() for number in numbers):
            raise ValueError(f"{version!r} is no version of the SDK")
        major, minor = int(numbers[0]), int(numbers[1]) if len(numbers) > 1 else None
        if major == 4:
            return SDK_4_0 if minor == 0 else SDK_4_1
        if major == 6:
            return SDK_6
        known = ", ".join(profile.name for profile in PROFILES)
        raise ValueError(f"no profile says what SDK {version} does; there are {known}")

    @property
    def source_failure(self) -> Step:
        """Where it comes out that no configuration can be had (contract 3.2)."""
        return Step.SETUP if self.setup_fetches else Step.REQUEST

    def without_configuration(self, *codes: str) -> tuple[Telling, ...]:
        """Return how an app that started without a configuration may say so, where what keeps
        it away is told by ``codes``."""
        told = frozenset(codes)
        if self.setup_fetches:
            after = {self.before_setup}
            if self.cools_down:
                after.add("SetupInProgress")
            went_on = "The app went on to a request though its set-up had failed"
            return (
                Telling(Step.SETUP, told),
                Telling(Step.REQUEST, frozenset(after), f"{went_on}; the SDK refused it."),
            )
        told |= {"Timeout"}
        waited = (
            f"It was told at the set-up already: an app for SDK {self.name} that waits for its "
            "configuration there (awaitConfiguration), or one with an older SDK."
        )
        return Telling(Step.REQUEST, told), Telling(Step.SETUP, told, waited)

    def lacks(self, need: Need) -> str | None:
        """Say why nothing is documented of what ``need`` asks for, or None where it is."""
        if need is Need.REPORT and not self.announces:
            return (
                "there is no validation listener: the documents leave reporting to the app and "
                "promise nothing (contract section 5)"
            )
        if need is Need.REFUSES_OLDER and not self.refuses_older:
            return "the documents mention no protection against replay (contract section 4.2)"
        if need is Need.KEEPS_CONFIGURATION and not self.keeps:
            return "the documents do not say what outlives the app's process (contract section 4.1)"
        return None


_SEVEN = frozenset(
    {
        "InvalidProjectConfig",
        "ErrorFetchingPinningInfo",
        "ConfigurationValidationFailed",
        "DomainNotRegistered",
        "PinsMismatch",
        "AllPinsExpired",
        "InvalidServerCert",
    }
)
_TEN = _SEVEN | {"SetupInProgress", "LockTimeout", "NotInitialized"}
_ALL = _TEN | {
    "AlreadyInitialized",
    "ConfigIntegrityError",
    "Timeout",
    "SSLContextSetupFailed",
    "UnsupportedDevice",
}

SDK_4_0 = Profile(
    name="4.0",
    errors=_SEVEN,
    setup_fetches=True,
    waits_for=None,
    before_setup="InvalidProjectConfig",
    during_setup=None,
    second_setup=SecondSetup.IGNORED,
    cools_down=False,
    unparsable=frozenset({"ErrorFetchingPinningInfo", "ConfigurationValidationFailed"}),
    refuses_older=False,
    stale_for=86_400.0,
    keeps=None,
    embedded=False,
    announces=frozenset(),
)
SDK_4_1 = Profile(
    name="4.1",
    errors=_TEN,
    setup_fetches=True,
    waits_for=None,
    before_setup="NotInitialized",
    during_setup="SetupInProgress",
    second_setup=SecondSetup.IGNORED,
    cools_down=True,
    unparsable=frozenset({"ConfigurationValidationFailed"}),
    refuses_older=False,
    stale_for=None,
    keeps=None,
    embedded=False,
    announces=frozenset(),
)
SDK_6 = Profile(
    name="6",
    errors=_ALL,
    setup_fetches=False,
    waits_for=30.0,
    before_setup="NotInitialized",
    during_setup="SetupInProgress",
    second_setup=SecondSetup.REFUSED,
    cools_down=None,
    unparsable=frozenset({"ConfigurationValidationFailed"}),
    refuses_older=True,
    stale_for=None,
    keeps=True,
    embedded=True,
    announces=PIN_KINDS,
)

PROFILES = (SDK_4_0, SDK_4_1, SDK_6)
"""Every profile, the oldest first."""
NEWEST = SDK_6
"""What is expected where nothing is said."""
