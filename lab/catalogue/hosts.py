"""The lab's own hosts and how each of them is pinned.

One signed configuration registers several domains, each pinned in another way, so that most
cases need no new configuration. All names are below ``acme.test``: ``.test`` never resolves
outside a lab (RFC 6761).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.model.pins import Mode, Pin, PinConfiguration, PinKind, PinnedDomain
from lab.pinning.pins import all_pins, pin_of
from lab.pki.hierarchy import LabPki

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
EXPIRED = "expired.acme.test"
"""Every pin of it is past its expiry."""
EXPIRING = "expiring.acme.test"
"""Its pins expire a day from now."""

WORKING = (HOST, LEAF, SPKI512, LEAF512, EXPIRING)
"""Hosts whose genuine chain the pins vouch for: a benign request to them succeeds."""
REGISTERED = (HOST, COLLECTOR, LEAF, SPKI512, LEAF512, MOVED, SWAPPED, EXPIRED, EXPIRING)
DECLARED = (*REGISTERED, UNREGISTERED, CONFIGURATION_SERVICE, EVIL)
"""Every host that the lab may open connections to; all others are out of scope."""


def standard(pki: LabPki, now: datetime) -> PinConfiguration:
    """Return the configuration that most cases run under."""
    both = (_spki(pki, HOST), pin_of(pki.backup(HOST).certificate, PinKind.SPKI_SHA256))
    past, soon = now - timedelta(hours=1), now + timedelta(days=1)
    pins: Mapping[str, tuple[Pin, ...]] = {
        HOST: both,
        COLLECTOR: (_spki(pki, COLLECTOR),),
        LEAF: (_pin(pki, LEAF, PinKind.LEAF_SHA256),),
        SPKI512: (_pin(pki, SPKI512, PinKind.SPKI_SHA512),),
        LEAF512: (_pin(pki, LEAF512, PinKind.LEAF_SHA512),),
        MOVED: (pin_of(pki.backup(MOVED).certificate, PinKind.SPKI_SHA256),),
        SWAPPED: _swapped(pki),
        EXPIRED: (_spki(pki, EXPIRED, past),),
        EXPIRING: (_spki(pki, EXPIRING, soon),),
    }
    return PinConfiguration(tuple(PinnedDomain(host, p) for host, p in pins.items()))


CONFIGURATIONS: Mapping[str, Mode] = {
    "standard": Mode.STRICT,
    "permissive": Mode.PERMISSIVE,
    "sha1": Mode.STRICT,
    "hex": Mode.STRICT,
    "former": Mode.STRICT,
}
"""The configurations that entries ask for by name, and the mode they run in."""


def configuration(name: str, pki: LabPki, now: datetime) -> PinConfiguration:
    """Return the configuration called ``name``. Raises KeyError for an unknown name."""
    usual = standard(pki, now)
    pins = {
        "standard": usual.pins_for(HOST),
        "permissive": usual.pins_for(HOST),
        "sha1": (Pin(PinKind.SPKI_SHA256, _as_sha1(pki.genuine(HOST).certificate)),),
        "hex": (Pin(PinKind.SPKI_SHA256, _as_hex(pki.genuine(HOST).certificate)),),
        # Before the key was withdrawn that the attacker has got hold of.
        "former": (*usual.pins_for(HOST), _spki(pki, EVIL)),
    }[name]
    return PinConfiguration(
        tuple(PinnedDomain(d.host, pins if d.host == HOST else d.pins) for d in usual.domains)
    )


def _pin(pki: LabPki, host: str, kind: PinKind, expires: datetime | None = None) -> Pin:
    at = None if expires is None else int(expires.timestamp())
    return pin_of(pki.genuine(host).certificate, kind, at)


def _spki(pki: LabPki, host: str, expires: datetime | None = None) -> Pin:
    return _pin(pki, host, PinKind.SPKI_SHA256, expires)


def _swapped(pki: LabPki) -> tuple[Pin, ...]:
    digests = all_pins(pki.genuine(SWAPPED).certificate)
    return (
        Pin(PinKind.SPKI_SHA256, digests[PinKind.LEAF_SHA256]),
        Pin(PinKind.LEAF_SHA256, digests[PinKind.SPKI_SHA256]),
    )


def _subject_public_key_info(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _as_sha1(certificate: x509.Certificate) -> str:
    """Return the right key's digest, made with a hash that no pin kind uses."""
    digest = hashlib.sha1(_subject_public_key_info(certificate), usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


def _as_hex(certificate: x509.Certificate) -> str:
    """Return the right digest as the founding document prints it, not as the wire carries it."""
    return hashlib.sha256(_subject_public_key_info(certificate)).hexdigest()
