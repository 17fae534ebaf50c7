"""Pins: what an app is told to expect of a server's leaf certificate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PinKind(StrEnum):
    """What a pin is a digest of. The values are the JWS claim names (contract section 1.2)."""

    LEAF_SHA256 = "sha256"
    LEAF_SHA512 = "sha512"
    SPKI_SHA256 = "spki_sha256"
    SPKI_SHA512 = "spki_sha512"


@dataclass(frozen=True, slots=True)
class Pin:
    """One digest of a leaf certificate or of its SubjectPublicKeyInfo.

    ``digest`` is the text as it stands in the configuration: standard padded base64. It is kept
    as text because a lab must be able to publish malformed pins too (catalogue C13, C17).
    ``expires_at`` is in epoch seconds; None means that the pin does not expire.
    """

    kind: PinKind
    digest: str
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class PinnedDomain:
    """A registered host (exact FQDN, lower case) with its alternative pins."""

    host: str
    pins: tuple[Pin, ...]


class Mode(StrEnum):
    """What the SDK does with a host that is not registered (contract section 2.6)."""

    STRICT = "strict"
    PERMISSIVE = "permissive"


@dataclass(frozen=True, slots=True)
class PinConfiguration:
    """What the app's owner publishes for one project: the payload of the signed configuration."""

    domains: tuple[PinnedDomain, ...]
    version: int = 1

    def pins_for(self, host: str) -> tuple[Pin, ...]:
        """Return the pins of ``host``, or an empty tuple where it is not registered."""
        return next((d.pins for d in self.domains if d.host == host), ())
