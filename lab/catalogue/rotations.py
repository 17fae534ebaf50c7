"""The configurations of a rotation: which keys of a host its owner vouches for, phase by phase.

The keys are the one in use (``genuine``), the one kept apart for an emergency (``backup``), and
those that follow (``reserve`` 1, 2). The pinning of other hosts stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from lab.model.pins import Pin, PinKind
from lab.pinning.pins import pin_of
from lab.pki.credential import Credential
from lab.pki.hierarchy import LabPki

ENDING = timedelta(hours=1)
"""After which the pins of "ending" expire."""

Pins = Callable[[LabPki, str, datetime], tuple[Pin, ...]]


def _spki(*credentials: Credential) -> tuple[Pin, ...]:
    return tuple(pin_of(c.certificate, PinKind.SPKI_SHA256) for c in credentials)


def _leaf(*credentials: Credential) -> tuple[Pin, ...]:
    return tuple(pin_of(c.certificate, PinKind.LEAF_SHA256) for c in credentials)


ROTATIONS: Mapping[str, Pins] = {
    "old": lambda pki, host, _: _spki(pki.genuine(host)),
    "old_and_new": lambda pki, host, _: _spki(pki.genuine(host), pki.reserve(host, 1)),
    "new_and_old": lambda pki, host, _: _spki(pki.reserve(host, 1), pki.genuine(host)),
    "new": lambda pki, host, _: _spki(pki.reserve(host, 1)),
    "new_and_newer": lambda pki, host, _: _spki(pki.reserve(host, 1), pki.reserve(host, 2)),
    "newer": lambda pki, host, _: _spki(pki.reserve(host, 2)),
    "backup_and_new": lambda pki, host, _: _spki(pki.backup(host), pki.reserve(host, 1)),
    "ending": lambda pki, host, now: tuple(
        pin_of(c.certificate, PinKind.SPKI_SHA256, int((now + ENDING).timestamp()))
        for c in (pki.genuine(host), pki.backup(host))
    ),
    "old_leaf": lambda pki, host, _: _leaf(pki.genuine(host)),
    "old_and_new_leaf": lambda pki, host, _: _leaf(pki.genuine(host), pki.reserve(host, 1)),
}
"""Pins of the host under attack, by the name of the configuration."""
