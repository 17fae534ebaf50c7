"""Mutants: what they leave out of a configuration, and then do not pin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.model.pins import Pin, PinConfiguration, PinKind, PinnedDomain
from lab.mutants.reading import believed, claims_of, is_owners
from lab.mutants.registry import mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.configuration import ConfigurationKeeper
from lab.phone.sdk.errors import (
    ConfigurationValidationFailed,
)
from lab.phone.sdk.verifier import PinVerifier
from lab.pinning.jws import SPEC
from lab.pinning.pins import parse_wire_digest

# -- configurations with mistakes ---------------------------------------------------------


class _Lenient(ConfigurationKeeper):
    """Leaves out what it cannot use of a configuration that the owner signed. A host that has no
    pin then stays in the table, without one."""

    def verify(self, token: bytes) -> PinConfiguration:
        try:
            return super().verify(token)
        except ConfigurationValidationFailed:
            if not is_owners(token, self.project.public_key):
                raise
            return self._read(claims_of(token))

    def _read(self, claims: dict[str, Any]) -> PinConfiguration:
        bare: list[str] = []
        kept: list[Mapping[str, Any]] = []
        for domain in self.domains(claims):
            pins = [pin for pin in domain["pins"] if self.is_usable_pin(pin)]
            if pins:
                kept.append({**domain, "pins": pins})
            else:
                bare.append(domain["domain"])
        read = believed({**claims, "domains": kept})
        return PinConfiguration(
            (*read.domains, *(PinnedDomain(host, ()) for host in bare)), read.version
        )

    def domains(self, claims: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the registrations that are taken up."""
        listed: list[dict[str, Any]] = claims["domains"]
        return listed

    def is_usable_pin(self, pin: dict[str, Any]) -> bool:
        """Tell whether a pin is taken up."""
        return True


class _NoneIsFine(PinVerifier):
    def judge(self, host: str, chain: tuple[bytes, ...], now: float) -> Pin | None:
        return None if self.pins_for(host) == () else super().judge(host, chain, now)


class _Leaving(ReferenceClient):
    verifier_class = _NoneIsFine


@mutant("takes an empty list of pins for no pinning", killed_by=["empty_pins", "empty_pins_stale"])
class EmptyPinsOpen(_Leaving):
    """``all(matches(pin) for pin in pins)``, which is true of none."""

    keeper_class = _Lenient


class _KnownKinds(_Lenient):
    def is_usable_pin(self, pin: dict[str, Any]) -> bool:
        return any(kind in pin for kind in PinKind)


@mutant("leaves out pins of unknown kinds, and pins nothing then", killed_by=["unknown_pin_kind"])
class UnknownKindsOpen(_Leaving):
    """Made to be ready for kinds to come. A host with nothing but such pins is in the table, and
    unpinned."""

    keeper_class = _KnownKinds


class _WellFormed(_Lenient):
    def is_usable_pin(self, pin: dict[str, Any]) -> bool:
        try:
            for kind in PinKind:
                if kind in pin:
                    parse_wire_digest(pin[kind], kind)
        except ValueError:
            return False
        return True


@mutant(
    "leaves out malformed pins, and pins nothing then",
    killed_by=["pin_not_base64", "pin_of_wrong_length"],
)
class MalformedPinsOpen(_Leaving):
    """Catches the decoder's error pin by pin, so that one bad pin does no harm; the last one
    does."""

    keeper_class = _WellFormed


class _FromPayload(_Lenient):
    """Looks at every configuration in this way, not only at those that were refused."""

    def verify(self, token: bytes) -> PinConfiguration:
        read = super().verify(token)
        return self._read(claims_of(token)) if is_owners(token, self.project.public_key) else read


class _Unambiguous(_FromPayload):
    def is_usable_pin(self, pin: dict[str, Any]) -> bool:
        return sum(kind in pin for kind in PinKind) == 1


@mutant("leaves out pins with several digests", killed_by=["conflicting_digests"])
class SeveralDigestsOpen(_Leaving):
    """Takes a pin that says two things for none, where the dashboard's own rule is that one of
    them goes before the other (contract section 9.1, C17)."""

    keeper_class = _Unambiguous


class _OnceOnly(_Lenient):
    def domains(self, claims: dict[str, Any]) -> list[dict[str, Any]]:
        listed = super().domains(claims)
        names = [domain["domain"] for domain in listed]
        once = [domain for domain in listed if names.count(domain["domain"]) == 1]
        twice = {name: None for name in names if names.count(name) > 1}
        return [*once, *({"domain": name, "pins": []} for name in twice)]


@mutant("pins no host that is registered twice", killed_by=["duplicate_domain"])
class DuplicatesOpen(_Leaving):
    """A table that cannot hold two entries of one name ends up with an empty one."""

    keeper_class = _OnceOnly


class _OwnSpec(_FromPayload):
    def domains(self, claims: dict[str, Any]) -> list[dict[str, Any]]:
        listed = super().domains(claims)
        known = claims.get("spec") == SPEC
        return listed if known else [{**domain, "pins": []} for domain in listed]


@mutant("pins nothing where the format is newer than the client", killed_by=["unknown_spec"])
class UnknownSpecOpen(_Leaving):
    """Better no pinning than no network, for a client that was not updated: the owner's next
    format switches the old clients' pinning off."""

    keeper_class = _OwnSpec
