"""What attacks on the configuration have in common: times, what is served, what is expected, and
how they are entered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.catalogue.attackers import COMPROMISED
from lab.catalogue.ground import Attack, Expecting, Ground
from lab.catalogue.hosts import CONFIGURATION_SERVICE, EVIL
from lab.catalogue.make import TLS13_ONLY, terminate
from lab.catalogue.registry import entry
from lab.model.attack import Adversary, Attempt, Expectation, Need, Step, Telling, refuse
from lab.model.outcome import ErrorKind
from lab.model.profile import Profile
from lab.model.publication import Publication
from lab.model.serving import HostPlan, Interfere, Interference, Serving, Terminate
from lab.model.wire import TlsVersion

FRESH = 590.0
"""Seconds: the cache is good for ten minutes (contract section 4.1)."""
STALE = 610.0
DAY = 86_400.0

EITHER = refuse(ErrorKind.PIN, ErrorKind.CONFIGURATION)
"""By the pins that are held, or because none are held any more: where the documents do not say
which, both are right."""


def genuine(ground: Ground) -> Terminate:
    """The genuine chain."""
    return terminate(ground.pki.genuine(ground.host))


def trusted_ca(ground: Ground) -> Terminate:
    """The pinning case B4."""
    return terminate(ground.pki.compromised.issue(ground.host))


def attackers_key(ground: Ground) -> Terminate:
    """A leaf of a CA in the system store, with the key that forged configurations vouch for."""
    return terminate(ground.pki.compromised.issue(ground.host, key=ground.pki.genuine(EVIL).key))


def without_service(ground: Ground, serving: Serving) -> dict[str, HostPlan]:
    """Serve this, while nothing listens at the configuration service."""
    down = Interfere(Interference.REFUSE)
    return {ground.host: HostPlan(serving), CONFIGURATION_SERVICE: HostPlan(down, cleartext=down)}


def no_source(profile: Profile) -> Expectation:
    """Fail closed: there is no configuration, and none can be had."""
    told = profile.without_configuration("ErrorFetchingPinningInfo")
    return refuse(ErrorKind.CONFIGURATION, attempt=Attempt.OPTIONAL, told=told)


def refused_source(profile: Profile) -> Expectation:
    """Fail closed: there is no configuration, and the one that came is to be refused."""
    # Once what came is refused, nothing is to be had from any source: both names are documented.
    told = profile.without_configuration(
        "ConfigurationValidationFailed", "ErrorFetchingPinningInfo"
    )
    return refuse(ErrorKind.CONFIGURATION, attempt=Attempt.OPTIONAL, told=told)


def closed(profile: Profile) -> Expectation:
    """Fail closed, in any way. What becomes of a configuration with such a mistake in it is not
    documented (contract section 9.2 item 2): it may be refused, or in parts ignored."""
    kinds = (
        ErrorKind.CONFIGURATION,
        ErrorKind.PIN,
        ErrorKind.PINS_EXPIRED,
        ErrorKind.UNREGISTERED,
    )
    codes = frozenset(
        {
            "ConfigurationValidationFailed",
            "ErrorFetchingPinningInfo",
            "ConfigIntegrityError",
            "PinsMismatch",
            "AllPinsExpired",
            "DomainNotRegistered",
            "Timeout",
            "SetupInProgress",
            profile.before_setup,
        }
    )
    told = (Telling(Step.REQUEST, codes), Telling(Step.SETUP, codes))
    return refuse(*kinds, attempt=Attempt.OPTIONAL, told=told)


def cold(
    title: str,
    expected: Expecting,
    hands_out: Publication,
    *,
    id: str = "C19",
    adversaries: Sequence[Adversary] = COMPROMISED,
    versions: Sequence[TlsVersion] = TLS13_ONLY,
) -> Callable[[Attack], Attack]:
    """Hand this to an app that starts for the first time."""
    return entry(
        id,
        title,
        adversaries=adversaries,
        expect=expected,
        needs=[Need.CONFIGURATION],
        fresh_start=True,
        asks_configuration=True,
        hands_out=hands_out,
        versions=versions,
    )


def stale(
    title: str,
    hands_out: Publication,
    *,
    id: str = "C19",
    expected: Expectation | Expecting = EITHER,
    versions: Sequence[TlsVersion] = TLS13_ONLY,
) -> Callable[[Attack], Attack]:
    """Hand this to an app that holds a configuration which is more than ten minutes old."""
    return entry(
        id,
        title,
        adversaries=COMPROMISED,
        expect=expected,
        needs=[Need.CONFIGURATION, Need.CLOCK],
        asks_configuration=True,
        clock_offset=STALE,
        hands_out=hands_out,
        versions=versions,
    )
