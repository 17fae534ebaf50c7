"""Attacks on the handshake: each anomaly has its attack, and no attack rests on nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lab.catalogue import Ground, entries
from lab.catalogue.registry import CatalogueEntry
from lab.model.anomaly import Anomaly
from lab.model.attack import Control
from lab.model.serving import Terminate
from lab.pki.hierarchy import LabPki

CHAPTERS = ("handshakes", "protocol", "negotiation", "rough_links")


@pytest.fixture(scope="module")
def pki() -> LabPki:
    return LabPki()


def served(entry: CatalogueEntry, pki: LabPki) -> Anomaly | None:
    plan = entry.plans(Ground(pki, entry.host, datetime.now(UTC)))[entry.host]
    return plan.serving.anomaly if isinstance(plan.serving, Terminate) else None


def own() -> list[CatalogueEntry]:
    return [e for e in entries() if e.serve.__module__.rpartition(".")[2] in CHAPTERS]


def test_every_anomaly_is_somebodys_attack(pki: LabPki) -> None:
    assert {served(entry, pki) for entry in own()} - {None} == set(Anomaly)


def test_who_has_the_anomaly_for_a_control_serves_one(pki: LabPki) -> None:
    relying = [entry for entry in entries() if entry.control is Control.ANOMALY]
    assert len(relying) >= 25
    assert [entry.slug for entry in relying if served(entry, pki) is None] == []
