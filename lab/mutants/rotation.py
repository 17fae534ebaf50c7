"""Mutants: which configuration is in force, for how long, and what expires."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from cryptography import x509

from lab.model.pins import Pin, PinConfiguration, PinnedDomain
from lab.mutants.memory import HoldsOnToTheFirstLeaf
from lab.mutants.registry import LEAK, LOCKED_OUT, mutant
from lab.phone.sdk.client import ReferenceClient
from lab.phone.sdk.configuration import ConfigurationKeeper, Held
from lab.phone.sdk.errors import PinsMismatch
from lab.phone.sdk.verifier import PinVerifier
from lab.pinning.pins import public_key_info

EITHER_WAY = (*LEAK, *LOCKED_OUT)
"""The rules of a mutant that refuses the right key and accepts the wrong one."""

# -- what is in force ---------------------------------------------------------------------


class _AlwaysFresh(ConfigurationKeeper):
    def is_fresh(self, held: Held, now: float) -> bool:
        return True


@mutant(
    "never refreshes its configuration",
    killed_by=["rotation_withdrawn_too_late", "rotation_switched", "whole_rotation"],
    rules=EITHER_WAY,
)
class NeverRefreshes(ReferenceClient):
    """Fetches at its start and never again. A phone that is not switched off trusts a stolen key
    for weeks, and is locked out by the switch."""

    keeper_class = _AlwaysFresh


class _TwiceAtMost(ConfigurationKeeper):
    def is_fresh(self, held: Held, now: float) -> bool:
        return self._attempts > 1 or super().is_fresh(held, now)


@mutant(
    "refreshes its configuration once and no more",
    killed_by=["managed_renewals"],
    rules=LOCKED_OUT,
)
class RefreshesOnce(ReferenceClient):
    """A timer that is not set again when it has run out."""

    keeper_class = _TwiceAtMost


class _FirstOfProcess(ConfigurationKeeper):
    first: PinConfiguration | None = None

    def current(self, timeout: float | None = None) -> PinConfiguration:
        newest = super().current(timeout)
        if self.first is None:
            self.first = newest
        return self.first


@mutant(
    "puts a new configuration in force at its next launch only",
    killed_by=["rotation_withdrawn_too_late", "rotation_switched"],
    rules=EITHER_WAY,
)
class UpdatesAtLaunch(ReferenceClient):
    """Fetches and stores, and goes on with what its trust manager was made with."""

    keeper_class = _FirstOfProcess


def _with_more(
    configuration: PinConfiguration, others: PinConfiguration | None
) -> PinConfiguration:
    """Return a configuration in which the pins of ``others`` count, too."""
    if others is None:
        return configuration
    return replace(
        configuration,
        domains=tuple(
            PinnedDomain(d.host, tuple(dict.fromkeys((*d.pins, *others.pins_for(d.host)))))
            for d in configuration.domains
        ),
    )


class _Adding(ConfigurationKeeper):
    def verify(self, token: bytes) -> PinConfiguration:
        return _with_more(super().verify(token), self.held)


@mutant(
    "adds new pins to the old ones",
    killed_by=["rotation_withdrawn_too_late", "whole_rotation", "backup_key_emergency"],
)
class NeverForgetsAPin(ReferenceClient):
    """Merges what it gets into its table. No key can be withdrawn any more."""

    keeper_class = _Adding


class _WithBuiltIn(ConfigurationKeeper):
    built_in: PinConfiguration | None = None
    """What the first configuration ever held, as if it had been built into the app."""

    def verify(self, token: bytes) -> PinConfiguration:
        fetched = super().verify(token)
        if _WithBuiltIn.built_in is None:
            _WithBuiltIn.built_in = fetched
        return self.together(fetched, _WithBuiltIn.built_in)

    def together(self, fetched: PinConfiguration, built_in: PinConfiguration) -> PinConfiguration:
        """Return what counts of the two."""
        return _with_more(fetched, built_in)


@mutant("accepts its built-in pins, too", killed_by=["rotation_withdrawn_key"])
class BuiltInPinsToo(ReferenceClient):
    """Has the pins of its release day in its network security configuration, beside those that it
    fetches. They are withdrawn with the last user of that release."""

    keeper_class = _WithBuiltIn


class _BuiltInFirst(_WithBuiltIn):
    def together(self, fetched: PinConfiguration, built_in: PinConfiguration) -> PinConfiguration:
        kept = (PinnedDomain(d.host, built_in.pins_for(d.host) or d.pins) for d in fetched.domains)
        return replace(fetched, domains=tuple(kept))


@mutant(
    "prefers its built-in pins",
    killed_by=["rotation_new_key_alone"],
    rules=LOCKED_OUT,
)
class BuiltInPinsFirst(ReferenceClient):
    """Fetches, and for hosts that it knows from its release day goes by what it knows."""

    keeper_class = _BuiltInFirst


class _Replacing(ConfigurationKeeper):
    def verify(self, token: bytes) -> PinConfiguration:
        fetched, held = super().verify(token), self.held
        if held is None:
            return fetched
        domains = []
        for domain in fetched.domains:
            known = held.pins_for(domain.host)
            new = tuple(pin for pin in domain.pins if pin not in known)
            domains.append(PinnedDomain(domain.host, new or domain.pins))
        return replace(fetched, domains=tuple(domains))


@mutant(
    "drops the old pins as soon as there are new ones",
    killed_by=["rotation_announced", "whole_rotation"],
    rules=LOCKED_OUT,
)
class DropsOldPins(ReferenceClient):
    """Takes an update for a replacement, pin by pin: out of service from the day on which the new
    key is announced until the server is switched."""

    keeper_class = _Replacing


class _FirstPin(PinVerifier):
    def pins_for(self, host: str) -> tuple[Pin, ...] | None:
        pins = super().pins_for(host)
        return None if pins is None else pins[:1]


@mutant(
    "ignores the backup pin",
    killed_by=[
        "rotation_both_old_in_use",
        "rotation_both_new_in_use",
        "backup_key_emergency",
        "yearly_leaf_renewed",
    ],
    rules=LOCKED_OUT,
)
class BackupPinIgnored(ReferenceClient):
    """Takes the pin that comes first. Nobody notices until the day of the emergency."""

    verifier_class = _FirstPin


class _TwoPins(PinVerifier):
    def live(self, pins: tuple[Pin, ...], now: float) -> tuple[Pin, ...]:
        alive = super().live(pins, now)
        return alive if len(alive) > 1 else ()


@mutant(
    "insists on a backup pin",
    killed_by=["rotation_old_key_alone", "rotation_new_key_alone"],
    rules=LOCKED_OUT,
)
class InsistsOnBackup(ReferenceClient):
    """Enforces the advice at the wrong place: it is the owner's part to have a backup pin
    (TrustKit's assertion is one of its developers' builds)."""

    verifier_class = _TwoPins


class _SameIssuer(PinVerifier):
    issuers: ClassVar[dict[str, bytes]] = {}
    """What is learnt outlives the configuration."""

    def judge(self, host: str, chain: tuple[bytes, ...], now: float) -> Pin | None:
        try:
            return super().judge(host, chain, now)
        except PinsMismatch:
            if _SameIssuer.issuers.get(host) == _issuer(chain[0]):
                return None
            raise
        finally:
            _SameIssuer.issuers.setdefault(host, _issuer(chain[0]))


def _issuer(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).issuer.public_bytes()


@mutant(
    "takes another key of the same CA for a renewal",
    killed_by=["rotation_forgotten"],
)
class GuessesRenewals(ReferenceClient):
    """Helps itself where the owner forgot to publish a key: the same CA will do. Whoever gets that
    CA to issue him a certificate is helped just as well."""

    verifier_class = _SameIssuer


@mutant(
    "remembers certificates where it was told keys",
    killed_by=["renewal_with_the_same_key"],
    rules=LOCKED_OUT,
)
class RemembersTheCertificate(HoldsOnToTheFirstLeaf):
    """Caches its verdict by the certificate's digest, and takes another certificate of the host
    for an attack, whatever key is in it."""


class _KeyOfLeaf(PinVerifier):
    keys: ClassVar[set[bytes]] = set()
    """What is learnt outlives the configuration."""

    def vouches(self, pin: Pin, certificate: x509.Certificate) -> bool:
        return super().vouches(pin, certificate) or public_key_info(certificate) in _KeyOfLeaf.keys

    def judge(self, host: str, chain: tuple[bytes, ...], now: float) -> Pin | None:
        pin = super().judge(host, chain, now)
        _KeyOfLeaf.keys.add(public_key_info(x509.load_der_x509_certificate(chain[0])))
        return pin


@mutant(
    "accepts the key that it once saw in a pinned certificate",
    killed_by=["renewal_breaks_a_leaf_pin"],
)
class LearnsTheKey(ReferenceClient):
    """Makes renewals easy for owners who pin certificates: it remembers the key. They had pinned
    the certificate to have exactly this not happen."""

    verifier_class = _KeyOfLeaf
