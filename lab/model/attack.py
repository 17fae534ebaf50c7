"""An attack as a value: who attacks, what is expected of a correct client, what must be there."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from lab.model.outcome import Answer, AppOutcome, ErrorKind
from lab.model.wire import REJECTED, WireClass


class Adversary(StrEnum):
    """The three attackers."""

    ROGUE_CA = "rogue_ca"
    """Signs with a CA that the device does not trust, or that only its user added."""
    COMPROMISED_CA = "compromised_ca"
    """Signs with a CA in the device's system store."""
    ROGUE_WIFI = "rogue_wifi"
    """Owns address, resolver and gateway of the network that the device joined."""


class RouteKind(StrEnum):
    """How a device's traffic reaches the adversary."""

    PROXY = "proxy"
    """The device's global HTTP proxy setting."""
    WIFI = "wifi"
    """The device has joined the adversary's access point."""


class Trust(StrEnum):
    """In which store of the device the adversary's root is."""

    NONE = "none"
    USER = "user"
    SYSTEM = "system"


class Control(StrEnum):
    """Which unpinned client shows that the attack has teeth."""

    UNPINNED = "unpinned"
    """Trusts what the device trusts, has no pins: must be intercepted."""
    CARELESS = "careless"
    """Ignores certificate errors, as a user who taps them away: must be intercepted."""
    CLEARTEXT = "cleartext"
    """Speaks plain HTTP: must be seen in clear."""
    NONE = "none"
    """Nothing is intercepted in this case, so there is nothing to prove."""


class Need(StrEnum):
    """What a case needs of a device; where it lacks that, the case is NOT_APPLICABLE."""

    CONFIGURATION = "configuration"
    """The app takes its pins from a configuration that the lab signs."""
    USER_STORE = "user_store"
    SYSTEM_STORE = "system_store"
    CLOCK = "clock"
    REPORT = "report"
    PROXY = "proxy"
    """The device's traffic can be sent over an HTTP proxy."""
    WIFI = "wifi"
    PERMISSIVE = "permissive"
    PIN_EXPIRY = "pin_expiry"
    REGISTRATION = "registration"
    """The app knows registered hosts from unregistered ones."""
    LEAF_PINS = "leaf_pins"
    """The app can pin the whole certificate, not the public key alone."""
    SHA512_PINS = "sha512_pins"
    SAN_ONLY = "san_only"
    """The client takes names from the subjectAltName alone (RFC 9525 section 6.3), never the CN."""
    REFUSES_OLDER = "refuses_older"
    """The SDK is documented to refuse a configuration older than one that it trusted."""


class Subject(StrEnum):
    """Which client of the device is attacked."""

    APP = "app"
    """The app under test."""
    UNPINNED = "unpinned"
    """The unpinned control client: shows what the attack does to an app without pins."""
    CARELESS = "careless"
    """A deliberately wrong client, which the lab must catch."""


class Concern(StrEnum):
    """What a case is about, in OWASP MASVS terms (v2.1.0); the value is the control's id."""

    PINNING = "MASVS-NETWORK-2"
    VALIDATION = "MASVS-NETWORK-1"
    CLEARTEXT = "MASVS-NETWORK-1 (cleartext)"
    AVAILABILITY = "availability"
    """The opposite failure: locking users out. No MASVS control; the lab's own."""


class Attempt(StrEnum):
    """Whether a try of the app must be seen on the wire for the case to count."""

    REQUIRED = "required"
    """A connection to the host must be seen."""
    LOOKED_UP = "looked_up"
    """The name must have been looked up; the network lets it go no further."""
    OPTIONAL = "optional"
    """A client may refuse before it connects; its own words are then the evidence."""


class Step(StrEnum):
    """What the app was doing when it said how things stand."""

    SETUP = "setup"
    """Setting its SDK up."""
    REQUEST = "request"
    """Making a request."""


class Publication(StrEnum):
    """What the configuration service hands out while an attack is in force."""

    RIGHT = "right"
    """The configuration that the app's owner published last."""
    OLDER = "older"
    """One that the owner signed before, whose pins vouch for the attacker's certificate."""
    FORGED = "forged"
    """One whose pins vouch for the attacker's certificate, signed with the attacker's key."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One way in which a refusal may be told, where the SDK's documents lay that down."""

    step: Step
    codes: frozenset[str]
    """The documented error names that are right at this step."""
    note: str = ""
    """What the reader is told where it happens at this step; empty where that is usual."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a correct client does."""

    answer: Answer
    wire: frozenset[WireClass]
    """The classes that a correct client's connections may have."""
    kinds: frozenset[ErrorKind] = field(default_factory=frozenset)
    """The kinds of error that are right; empty for an accepted request."""
    attempt: Attempt = Attempt.REQUIRED
    told: tuple[Telling, ...] = ()
    """At which step and by which names the refusal may be told; empty where nothing is laid
    down. Each name is a right reason, whatever its kind."""

    def is_right_reason(self, outcome: AppOutcome) -> bool:
        """Tell whether a refusal names a reason that is right."""
        named = frozenset[str]().union(*(telling.codes for telling in self.told))
        return bool(outcome.kinds & self.kinds) or outcome.code in named


def refuse(
    *kinds: ErrorKind, attempt: Attempt = Attempt.REQUIRED, told: tuple[Telling, ...] = ()
) -> Expectation:
    """Expect a refusal for one of ``kinds``, without a byte of application data."""
    wire = REJECTED | {WireClass.PREFACE_ONLY}
    if attempt is not Attempt.REQUIRED:
        wire |= {WireClass.TCP_ONLY}
    return Expectation(Answer.REFUSED, wire, frozenset(kinds), attempt, told)


def unreachable(attempt: Attempt = Attempt.REQUIRED) -> Expectation:
    """Expect a network error and nothing more than a connection that went nowhere."""
    wire = frozenset({WireClass.TCP_ONLY, WireClass.HANDSHAKE_REJECTED})
    return Expectation(Answer.REFUSED, wire, frozenset({ErrorKind.NETWORK}), attempt)


def accept() -> Expectation:
    """Expect the request to be made to the lab's responder and answered."""
    return Expectation(Answer.ACCEPTED, frozenset({WireClass.INTERCEPTED}))


def relayed() -> Expectation:
    """Expect the request to reach the genuine endpoint unopened."""
    return Expectation(Answer.ACCEPTED, frozenset({WireClass.RELAYED}))
