"""Mutants: which pins count: expiry and mode."""

from __future__ import annotations

from lab.model.pins import Mode, Pin, PinConfiguration
from lab.mutants.registry import LOCKED_OUT, mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.errors import AllPinsExpired
from lab.phone.sdk.verifier import PinVerifier


class _NoExpiry(PinVerifier):
    def live(self, pins: tuple[Pin, ...], now: float) -> tuple[Pin, ...]:
        return pins


@mutant(
    "ignores the expiry of pins",
    killed_by=["expired_pins_genuine_chain", "expired_pin_beside_live"],
)
class IgnoresExpiry(ReferenceClient):
    """``expires_at`` is optional, and so nobody reads it. A key that its owner has given up, and
    perhaps lost, is believed for as long as the app lives."""

    verifier_class = _NoExpiry


class _OpenWhenExpired(PinVerifier):
    def judge(self, host: str, chain: tuple[bytes, ...], now: float) -> Pin | None:
        try:
            return super().judge(host, chain, now)
        except AllPinsExpired:
            return None


@mutant(
    "has no pins for a host all of whose pins have expired",
    killed_by=["expired_pins_trusted_ca", "expired_pins_genuine_chain"],
)
class OpensOnExpiry(ReferenceClient):
    """As Android's network security configuration has it (``<pin-set expiration>``): pins that
    merely end. The attacker waits for the day."""

    verifier_class = _OpenWhenExpired


class _ExpiresTogether(PinVerifier):
    def live(self, pins: tuple[Pin, ...], now: float) -> tuple[Pin, ...]:
        return pins if super().live(pins, now) else ()


@mutant(
    "looks at expiry only where all pins of a host have expired",
    killed_by=["expired_pin_beside_live"],
)
class ExpiresTogether(ReferenceClient):
    """Looks whether there is a live pin, and then compares with all of them."""

    verifier_class = _ExpiresTogether


class _ExpiresWithFirst(PinVerifier):
    def live(self, pins: tuple[Pin, ...], now: float) -> tuple[Pin, ...]:
        alive = super().live(pins, now)
        return alive if len(alive) == len(pins) else ()


@mutant(
    "takes a host's earliest expiry for that of all its pins",
    killed_by=["live_pin_beside_expired"],
    rules=LOCKED_OUT,
)
class ExpiresWithTheFirst(ReferenceClient):
    """One date per host. Its users are locked out in the middle of a rotation that was done
    right."""

    verifier_class = _ExpiresWithFirst


class _AlwaysPermissive(PinVerifier):
    def __init__(self, configuration: PinConfiguration, mode: Mode) -> None:
        super().__init__(configuration, Mode.PERMISSIVE)


@mutant(
    "runs in permissive mode whatever it was set up with",
    killed_by=["unregistered_host", "parent_with_pinned_key"],
)
class PermissiveLeftOn(ReferenceClient):
    """The mode of the roll-out, left on in the release. Hosts that the owner forgot to register
    have no pinning."""

    verifier_class = _AlwaysPermissive


class _AlwaysStrict(PinVerifier):
    def __init__(self, configuration: PinConfiguration, mode: Mode) -> None:
        super().__init__(configuration, Mode.STRICT)


@mutant(
    "knows no permissive mode",
    killed_by=["permissive_unregistered", "subdomain_permissive"],
    rules=LOCKED_OUT,
)
class StrictForEver(ReferenceClient):
    """Refuses the third-party services that the mode is there for."""

    verifier_class = _AlwaysStrict


class _PermissiveIsOff(PinVerifier):
    def judge(self, host: str, chain: tuple[bytes, ...], now: float) -> Pin | None:
        return None if self.mode is Mode.PERMISSIVE else super().judge(host, chain, now)


@mutant(
    "takes permissive mode for no pinning at all",
    killed_by=["permissive_registered", "expired_pins_permissive"],
)
class PermissiveIsOff(ReferenceClient):
    """Report-only, as other products call such a mode. Here it is about unregistered hosts and
    nothing else (contract section 2.6)."""

    verifier_class = _PermissiveIsOff


class _PermissiveForgivesExpiry(PinVerifier):
    def judge(self, host: str, chain: tuple[bytes, ...], now: float) -> Pin | None:
        try:
            return super().judge(host, chain, now)
        except AllPinsExpired:
            if self.mode is Mode.PERMISSIVE:
                return None
            raise


@mutant(
    "lets hosts with expired pins through in permissive mode", killed_by=["expired_pins_permissive"]
)
class PermissiveForgivesExpiry(ReferenceClient):
    """The emergency exit that some documents of the 4.x SDKs advise for AllPinsExpired, and that
    the same documents say does not exist (contract 9.1, C7)."""

    verifier_class = _PermissiveForgivesExpiry
