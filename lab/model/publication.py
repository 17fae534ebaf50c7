"""What the app is handed when it asks for its configuration, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Token(StrEnum):
    """The configuration itself: whose it is, and what is wrong with it."""

    RIGHT = "right"
    """The configuration that the app's owner published last."""
    OLDER = "older"
    """One that the owner signed before, whose pins vouch for the attacker's certificate."""
    NOT_YET = "not_yet"
    """Signed by the owner, valid from tomorrow on (``nbf``), and vouches for the attacker's
    certificate: a key change that was prepared and then called off."""

    # From here to OTHER_PROJECT: pins that vouch for the attacker's certificate, and a signature
    # that is not the owner's.
    FORGED = "forged"
    """Signed with the attacker's key."""
    TAMPERED = "tampered"
    """Another payload under header and signature of the right one."""
    ALG_NONE = "alg_none"
    """Not signed, and says so: ``alg`` "none" (RFC 7518 section 3.6)."""
    HS256 = "hs256"
    """An HMAC whose secret is the owner's public key (RFC 8725 section 2.1)."""
    ZERO_SIGNATURE = "zero_signature"
    """r and s are zero, which ECDSA must refuse (CVE-2022-21449)."""
    JWK_HEADER = "jwk_header"
    """Brings the attacker's key along (RFC 7515 section 4.1.3)."""
    X5C_HEADER = "x5c_header"
    """Brings the attacker's certificate along (RFC 7515 section 4.1.6)."""
    JKU_HEADER = "jku_header"
    """Says where the attacker's key can be fetched (RFC 7515 section 4.1.2)."""
    OTHER_PROJECT = "other_project"
    """Signed rightly for another project, which is the attacker's own: its ``kid`` says so."""

    # The right configuration in a form that is not the documented one.
    DER_SIGNATURE = "der_signature"
    """Signed by the owner, the signature as X.509 writes it (DER) instead of r and s."""
    EMPTY = "empty"
    """Nothing at all."""

    # From here on: signed rightly by the owner, whose own mistake it is.
    EMPTY_PINS = "empty_pins"
    """The host is registered with an empty list of pins."""
    DUPLICATE_DOMAIN = "duplicate_domain"
    """The host is registered twice, with different pins."""
    UNKNOWN_PIN_TYPE = "unknown_pin_type"
    """All that is given for the host is a digest of a kind that does not exist."""
    BAD_BASE64 = "bad_base64"
    """The host's only pin is not base64."""
    WRONG_LENGTH = "wrong_length"
    """The host's only pin is a byte short."""
    CONFLICTING_DIGESTS = "conflicting_digests"
    """The host's only pin gives the right key's digest and another certificate's."""
    UNKNOWN_SPEC = "unknown_spec"
    """Written to a version of the format that does not exist."""


class Fault(StrEnum):
    """How the configuration service fails its clients (contract section 10, Server).

    That nothing listens, or nothing is answered at all, is an outage (``TlsService``).
    """

    NONE = "none"
    NOT_FOUND = "not_found"
    """Status 404."""
    SERVER_ERROR = "server_error"
    """Status 500."""
    HTML = "html"
    """Status 200 with an HTML page, as a captive portal has it."""
    TRUNCATED = "truncated"
    """Status 200 with the first half of the configuration, complete as far as HTTP can tell."""
    CUT = "cut"
    """The connection breaks in the middle of the body."""
    SLOW = "slow"
    """The second half of the body comes a minute after the first."""
    OVERSIZE = "oversize"
    """The configuration followed by line feeds, twice as long as a client should read."""
    REDIRECT = "redirect"
    """Status 302 to another path on the same host; the configuration is really there."""
    CLEAR_REDIRECT = "clear_redirect"
    """The same by plain http."""
    HANG = "hang"
    """The request is read and never answered."""


class Carrier(StrEnum):
    """Who answers in the name of the configuration service."""

    SERVICE = "service"
    """The service itself, through the network."""
    RENEWED = "renewed"
    """The service with a certificate that its CA has renewed, with a new key."""
    ROGUE_CA = "rogue_ca"
    """The adversary, with a certificate of a CA that the device does not trust."""
    COMPROMISED_CA = "compromised_ca"
    """The adversary, with a certificate of the CA in the device's system store."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What the app is handed when it asks for its configuration while an attack is in force."""

    token: Token = Token.RIGHT
    fault: Fault = Fault.NONE
    carrier: Carrier = Carrier.SERVICE

    @property
    def is_right(self) -> bool:
        """Whether a client that asks gets what the owner published last, from the owner."""
        return self.token is Token.RIGHT and self.fault is Fault.NONE


RIGHT = Publication()
"""All is as the owner wants it."""
