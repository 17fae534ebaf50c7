"""What else the app is asked for while an attack is in force."""

from __future__ import annotations

from collections.abc import Mapping

from lab.catalogue import CatalogueEntry
from lab.model.serving import HostPlan
from lab.model.trial import SideAttempt
from lab.trial.seat import Seat


def ask_beside(
    seat: Seat, entry: CatalogueEntry, plans: Mapping[str, HostPlan]
) -> tuple[SideAttempt, ...]:
    """Let the app request the other hosts of ``entry``, under whatever is armed."""
    made = []
    for host, expectation in entry.beside.items():
        outcome = seat.ask(host, entry.subject)
        served = plans[host].digests if host in plans else ()
        made.append(SideAttempt(host, outcome, expectation, served, seat.known_pins(host)))
    return tuple(made)
