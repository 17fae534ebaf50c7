"""The pin verdict about one served chain: pure, apart from what it remembers about leaves."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from cryptography import x509

from lab.model.pins import Mode, Pin, PinConfiguration
from lab.phone.sdk.errors import (
    AllPinsExpired,
    DomainNotRegistered,
    InvalidServerCert,
    PinsMismatch,
)
from lab.pinning.pins import live, matches

MAX_CHAIN = 64
"""Certificates of a chain; the SDK has a limit too, which is not published (contract 4.5)."""
REMEMBERED = 256
"""Leaves whose comparison with the pins of a host is remembered."""


class PinVerifier:
    """Judges chains under one configuration (contract section 10, steps 8 to 11).

    What is remembered of a leaf is which pins are of it. That depends on nothing but the leaf
    and the configuration, and a new configuration has a verifier of its own. The expiry of pins
    is looked at every time, so that no verdict outlives them.

    A wrong client overrides ``pins_for``, ``live``, ``candidates``, ``vouches`` or ``judge``.
    """

    def __init__(self, configuration: PinConfiguration, mode: Mode) -> None:
        self.mode = mode
        self._pins = {domain.host: domain.pins for domain in configuration.domains}
        self._vouching = functools.lru_cache(REMEMBERED)(self._compare)

    def pins_for(self, host: str) -> tuple[Pin, ...] | None:
        """Return the pins of exactly ``host``; None where it is not registered."""
        return self._pins.get(host)

    def live(self, pins: tuple[Pin, ...], now: float) -> tuple[Pin, ...]:
        """Return those pins that have not expired at ``now``, epoch seconds."""
        return live(pins, now)

    def candidates(self, chain: tuple[bytes, ...]) -> Sequence[bytes]:
        """Return the certificates of which one must have a pin: the leaf and no other."""
        return chain[:1]

    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        """Tell whether ``pin`` is a digest of ``certificate``."""
        return matches(pin, certificate)

    def judge(self, host: str, chain: tuple[bytes, ...], now: float) -> Pin | None:
        """Return the pin that vouches for ``chain``, served as ``host``.

        None where the host is not registered and the mode is permissive: such a connection has
        the platform's word only. ``host`` is in its sanitized form, ``chain`` is DER, leaf
        first, and ``now`` the phone's time in epoch seconds. Raises InvalidServerCert,
        DomainNotRegistered, AllPinsExpired and PinsMismatch.
        """
        if not 1 <= len(chain) <= MAX_CHAIN:
            raise InvalidServerCert(f"A certificate chain of {len(chain)}")
        pins = self.pins_for(host)
        if pins is None:
            if self.mode is Mode.PERMISSIVE:
                return None
            raise DomainNotRegistered(f"Domain '{host}' is not registered")
        found = [self._vouching(host, der) for der in self.candidates(chain)]
        usable = self.live(pins, now)
        if not usable:
            raise AllPinsExpired(f"All pins for domain '{host}' have expired")
        for pin in usable:
            if any(pin in vouching for vouching in found):
                return pin
        raise PinsMismatch(f"Certificate pinning failed for domain '{host}'")

    def _compare(self, host: str, der: bytes) -> frozenset[Pin]:
        """Return the pins of ``host``, live or not, that are digests of the certificate."""
        try:
            # DER and nothing else: a certificate may have the PEM of another one inside.
            certificate = x509.load_der_x509_certificate(der)
        except (ValueError, x509.InvalidVersion):
            raise InvalidServerCert(f"The certificate of '{host}' cannot be read") from None
        pins = self.pins_for(host) or ()
        return frozenset(pin for pin in pins if self.vouches(pin, certificate))
