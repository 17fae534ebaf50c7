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
    ANOMALY = "anomaly"
    """No client: the TLS library of every one on the device refuses this. The adversary must
    have seen its anomaly go out on the attacked connection."""
    NONE = "none"
    """Nothing is intercepted in this case, so there is nothing to prove."""


class Need(StrEnum):
    """What a case needs of a device; where it lacks that, the case is NOT_APPLICABLE."""

    CONFIGURATION = "configuration"
    """The app takes its pins from a configuration that the lab signs."""
    USER_STORE = "user_store"
    USER_STORE_APART = "user_store_apart"
    """Apps ignore the CAs that the device's user installed, unless they opt in."""
    SYSTEM_STORE = "system_store"
    CLOCK = "clock"
    REPORT = "report"
    """The app tells somebody about refusals: a collector, its log or its user."""
    COLLECTOR = "collector"
    """The app sends its failure reports to the lab's collector."""
    LOG = "log"
    """The phone's log tells when the SDK began and ended what it did."""
    PROXY = "proxy"
    """The device's traffic can be sent over an HTTP proxy."""
    WIFI = "wifi"
    IPV6 = "ipv6"
    """The rogue network can lead the device over IPv6."""
    SEGMENT = "segment"
    """The device shares a segment with the attacker, whose frames reach it (ARP)."""
    PERMISSIVE = "permissive"
    PIN_EXPIRY = "pin_expiry"
    REGISTRATION = "registration"
    """The app knows registered hosts from unregistered ones."""
    LEAF_PINS = "leaf_pins"
    """The app can pin the whole certificate, not the public key alone."""
    SHA512_PINS = "sha512_pins"
    ED25519 = "ed25519"
    """The platform's TLS offers Ed25519 signatures."""
    SAN_ONLY = "san_only"
    """The client takes names from the subjectAltName alone (RFC 9525 section 6.3), never the CN."""
    ANDROID_RULES = "android_rules"
    """Where RFC 5280 leaves a choice to the platform, it decides as Android does."""
    PLAIN_X509 = "plain_x509"
    """The platform asks nothing of a server's certificate that RFC 5280 does not: it may be valid
    for any length of time, and have no extendedKeyUsage."""
    MODERN_TLS = "modern_tls"
    """The client is meant to speak nothing below TLS 1.2."""
    MODERN_HELLO = "modern_hello"
    """The client is meant to offer nothing that it would refuse."""
    SEVERAL_REQUESTS = "several_requests"
    """One run of the client makes several requests: connections and TLS sessions outlive one."""
    REDIRECTS = "redirects"
    """The client follows redirects, and has pins for each host that they lead to."""
    REFUSES_OLDER = "refuses_older"
    """The SDK is documented to refuse a configuration older than one that it trusted."""
    KEEPS_CONFIGURATION = "keeps_configuration"
    """The SDK is documented to keep its last configuration when the app's process ends."""


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


class CollectorFault(StrEnum):
    """What is wrong with the collector of failure reports while an attack is in force."""

    NONE = "none"
    REFUSES = "refuses"
    """Nothing listens."""
    RESETS = "resets"
    """Connections are taken and reset."""
    HANGS = "hangs"
    """Connections are taken and nothing is answered, not even the ClientHello."""
    SLOW = "slow"
    """The report is read; the answer comes when all is well again."""
    ERROR = "error"
    """Status 500."""
    BUSY = "busy"
    """Status 429: come again later (RFC 6585 section 4)."""
    REJECTS = "rejects"
    """Status 422, for these very reports also afterwards."""
    TOO_LARGE = "too_large"
    """Status 413, for these very reports also afterwards."""
    LOSES_ANSWER = "loses_answer"
    """The report is stored, and the connection breaks before that is said."""

    @property
    def is_final(self) -> bool:
        """Whether the collector says that it will never take the report."""
        return self in (CollectorFault.REJECTS, CollectorFault.TOO_LARGE)


class Figure(StrEnum):
    """What the founding document promises a figure for ("Performance Impact")."""

    SETUP = "setup"
    """Setting the SDK up: about 100 ms, once."""
    FETCH = "fetch"
    """Fetching the configuration: 50 to 200 ms."""
    VALIDATION = "validation"
    """Looking at a certificate for the first time: 1 to 5 ms."""
    LOOK_UP = "look-up"
    """Looking at one that is known: below 1 ms."""


class ReportsDue(StrEnum):
    """How many reports a correct client owes for the refusals that it promises to report."""

    EACH = "each"
    """One of each refusal."""
    FIRST = "first"
    """The first of each kind and host; others may be left out, none may come twice."""
    NONE = "none"
    """It may deliver none; at most one of each refusal."""


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
