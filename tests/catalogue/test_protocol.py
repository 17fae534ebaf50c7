"""Attacks on the handshake: each anomaly has its attack, and no attack rests on nothing."""

from __future__ import annotations

from lab.catalogue import entries
from lab.catalogue.catalogue_entry import CatalogueEntry
from lab.model.anomaly import Anomaly
from lab.model.attack import Control
from lab.model.serving import Terminate
from lab.pki.hierarchy import LabPki
from tests.catalogue.serving import plan_of

CHAPTERS = ("handshakes", "protocol", "negotiation", "rough_links")


def served(entry: CatalogueEntry, pki: LabPki) -> Anomaly | None:
    serving = plan_of(entry, pki).serving
    return serving.anomaly if isinstance(serving, Terminate) else None


def own() -> list[CatalogueEntry]:
    return [e for e in entries() if e.serve.__module__.rpartition(".")[2] in CHAPTERS]


def test_every_anomaly_is_somebodys_attack(pki: LabPki) -> None:
    assert {served(entry, pki) for entry in own()} - {None} == set(Anomaly)


def test_who_has_the_anomaly_for_a_control_serves_one(pki: LabPki) -> None:
    relying = [entry for entry in entries() if entry.control is Control.ANOMALY]
    assert len(relying) >= 25
    assert [entry.slug for entry in relying if served(entry, pki) is None] == []
