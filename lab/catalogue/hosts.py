"""The lab's own hosts and how each of them is pinned.

One signed configuration registers several domains, each pinned in another way, so that most
cases need no new configuration. All names are below ``acme.test``: ``.test`` never resolves
outside a lab (RFC 6761).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from lab.catalogue.rotations import ROTATIONS
from lab.model.pins import Mode, Pin, PinConfiguration, PinKind, PinnedDomain
from lab.pinning import forms
from lab.pinning.pins import all_pins, pin_of
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki
from lab.pki.kept_keys import kept_key
from lab.pki.keys import KeyType

DOMAIN = "acme.test"
PORT = 443
HOST = "api.acme.test"
"""The host under attack: SPKI SHA-256 pins of its key and of a backup key."""
UNREGISTERED = "www.acme.test"
COLLECTOR = "reports.acme.test"
CONFIGURATION_SERVICE = "config.acme.test"
EVIL = "evil.acme.test"
"""A host that belongs to the attacker: it may have certificates for it."""

LEAF = "leaf.acme.test"
SPKI512 = "spki512.acme.test"
LEAF512 = "leaf512.acme.test"
MOVED = "moved.acme.test"
"""Registered with pins of keys that its server does not use."""
SWAPPED = "swapped.acme.test"
"""Registered with the right digests, each in the other's field."""
OTHER_CASE = "case.acme.test"
"""Registered with the right digest, but upper and lower case letters are exchanged."""
SAME_BEGINNING = "half.acme.test"
"""Registered with a digest of which only the first half is right."""
EXPIRED = "expired.acme.test"
"""Every pin of it is past its expiry."""
EXPIRING = "expiring.acme.test"
"""Its pins expire a day from now."""
RENEWING = "renewing.acme.test"
"""The pin of its usual key has expired, that of its backup key has not."""
MIXED = "mixed.acme.test"
"""Pinned in all four ways, each of another key; its usual key is in the last pin."""
CA_PINNED = "ca.acme.test"
"""Pinned are its issuing CAs, in all four ways."""
ROOT_PINNED = "root.acme.test"
"""Pinned is the key of its root."""
NEVER_SEEN = "first.acme.test"
"""Registered; no scenario lets the app get to its genuine server."""
REGIONAL = f"eu.{HOST}"
"""Two labels below the domain."""
IDN = "xn--bcher-kva.acme.test"
"""``bücher.acme.test`` in A-labels (RFC 5890), as URLs and certificates carry it."""

SUBDOMAIN = f"v2.{HOST}"
"""Not registered, like the next three."""
DEEPER = f"eu.{SUBDOMAIN}"
LOOK_ALIKE = f"my{HOST}"
"""Ends in a registered host's name without being below it."""
PARENT = DOMAIN

WORKING = (HOST, LEAF, SPKI512, LEAF512, EXPIRING, MIXED, REGIONAL)
"""Hosts whose genuine chain the pins vouch for: a benign request to them succeeds."""
REGISTERED = (
    *(HOST, COLLECTOR, LEAF, SPKI512, LEAF512, MOVED, SWAPPED, OTHER_CASE, SAME_BEGINNING),
    *(EXPIRED, EXPIRING, RENEWING, MIXED, CA_PINNED, ROOT_PINNED, NEVER_SEEN),
    *(REGIONAL, IDN),
)
DECLARED = (
    *(*REGISTERED, UNREGISTERED, CONFIGURATION_SERVICE, EVIL),
    *(SUBDOMAIN, DEEPER, LOOK_ALIKE, PARENT),
)
"""Every host that the lab may open connections to; all others are out of scope."""


def standard(pki: LabPki, now: datetime) -> PinConfiguration:
    """Return the configuration that most cases run under."""
    past, soon = now - timedelta(hours=1), now + timedelta(days=1)
    pins: Mapping[str, tuple[Pin, ...]] = {
        HOST: _with_backup(pki, HOST, PinKind.SPKI_SHA256),
        COLLECTOR: (_spki(pki, COLLECTOR),),
        LEAF: _with_backup(pki, LEAF, PinKind.LEAF_SHA256),
        SPKI512: _with_backup(pki, SPKI512, PinKind.SPKI_SHA512),
        LEAF512: _with_backup(pki, LEAF512, PinKind.LEAF_SHA512),
        MOVED: (pin_of(pki.backup(MOVED).certificate, PinKind.SPKI_SHA256),),
        SWAPPED: _swapped(pki),
        OTHER_CASE: (_written(pki, OTHER_CASE, forms.other_case),),
        SAME_BEGINNING: (_written(pki, SAME_BEGINNING, forms.same_beginning),),
        EXPIRED: (_spki(pki, EXPIRED, past),),
        EXPIRING: (_spki(pki, EXPIRING, soon),),
        RENEWING: (
            _spki(pki, RENEWING, past),
            pin_of(pki.backup(RENEWING).certificate, PinKind.SPKI_SHA256, int(soon.timestamp())),
        ),
        MIXED: _mixed(pki),
        CA_PINNED: tuple(
            pin_of(authority.certificate, kind)
            for kind in PinKind
            for authority in (pki.intermediate, pki.limited)
        ),
        ROOT_PINNED: (pin_of(pki.public_root.certificate, PinKind.SPKI_SHA256),),
        NEVER_SEEN: (_spki(pki, NEVER_SEEN),),
        REGIONAL: (_spki(pki, REGIONAL),),
        IDN: (_spki(pki, IDN),),
    }
    return PinConfiguration(tuple(PinnedDomain(host, p) for host, p in pins.items()))


CONFIGURATIONS: Mapping[str, Mode] = {
    "standard": Mode.STRICT,
    "permissive": Mode.PERMISSIVE,
    "former": Mode.STRICT,
    "key_types": Mode.STRICT,
    **dict.fromkeys(forms.FORMS, Mode.STRICT),
    **dict.fromkeys(ROTATIONS, Mode.STRICT),
}
"""The configurations that entries ask for by name, and the mode they run in."""


def configuration(name: str, pki: LabPki, now: datetime) -> PinConfiguration:
    """Return the configuration called ``name``. Raises KeyError for an unknown name."""
    if name not in CONFIGURATIONS:
        raise KeyError(name)
    usual = standard(pki, now)
    pins = usual.pins_for(HOST)
    if name in forms.FORMS:
        pins = (_written(pki, HOST, forms.FORMS[name]),)
    elif name in ROTATIONS:
        pins = ROTATIONS[name](pki, HOST, now)
    elif name == "former":
        # Before the key was withdrawn that the attacker has got hold of.
        pins = (*pins, _spki(pki, EVIL))
    elif name == "key_types":
        made = (of_type(pki, HOST, kind).certificate for kind in KeyType)
        pins = (*pins, *(pin_of(certificate, PinKind.SPKI_SHA256) for certificate in made))
    return PinConfiguration(
        tuple(PinnedDomain(d.host, pins if d.host == HOST else d.pins) for d in usual.domains)
    )


def of_type(pki: LabPki, host: str, kind: KeyType) -> Credential:
    """Issue a genuine certificate for ``host`` with the owner's key of this kind."""
    return pki.intermediate.issue(host, key=kept_key(kind))


def _pin(pki: LabPki, host: str, kind: PinKind, expires: datetime | None = None) -> Pin:
    at = None if expires is None else int(expires.timestamp())
    return pin_of(pki.genuine(host).certificate, kind, at)


def _spki(pki: LabPki, host: str, expires: datetime | None = None) -> Pin:
    return _pin(pki, host, PinKind.SPKI_SHA256, expires)


def _with_backup(pki: LabPki, host: str, kind: PinKind) -> tuple[Pin, ...]:
    return (_pin(pki, host, kind), pin_of(pki.backup(host).certificate, kind))


def _written(pki: LabPki, host: str, form: Callable[..., str]) -> Pin:
    """Return a pin of the host's key whose digest is written down in another way."""
    return replace(_spki(pki, host), digest=form(pki.genuine(host).certificate))


def _swapped(pki: LabPki) -> tuple[Pin, ...]:
    digests = all_pins(pki.genuine(SWAPPED).certificate)
    return (
        Pin(PinKind.SPKI_SHA256, digests[PinKind.LEAF_SHA256]),
        Pin(PinKind.LEAF_SHA256, digests[PinKind.SPKI_SHA256]),
    )


def _mixed(pki: LabPki) -> tuple[Pin, ...]:
    return (
        pin_of(pki.reserve(MIXED, 1).certificate, PinKind.LEAF_SHA256),
        pin_of(pki.reserve(MIXED, 2).certificate, PinKind.SPKI_SHA512),
        pin_of(pki.reserve(MIXED, 3).certificate, PinKind.LEAF_SHA512),
        _spki(pki, MIXED),
    )
