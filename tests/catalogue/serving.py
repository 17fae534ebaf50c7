"""What an attack serves as the host that it is on."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.catalogue import CatalogueEntry, Ground
from lab.model.serving import HostPlan, Terminate
from lab.pki.hierarchy import LabPki


def plan_of(entry: CatalogueEntry, pki: LabPki) -> HostPlan:
    return entry.plans(Ground(pki, entry.host, datetime.now(UTC)))[entry.host]


def terminated(entry: CatalogueEntry, pki: LabPki) -> Terminate:
    """Return what an attack with a chain of its own serves."""
    serving = plan_of(entry, pki).serving
    assert isinstance(serving, Terminate)
    return serving
