"""The stages of a story: whether one came to what it should, and whose requests are private."""

from __future__ import annotations

from collections.abc import Sequence

from lab.catalogue import CatalogueEntry, hosts
from lab.judge.reading import own
from lab.model.attack import Attempt
from lab.model.outcome import Answer
from lab.model.publication import Carrier
from lab.model.trial import Fact, Phase
from lab.model.wire import WireClass


def asked_by(phase: Phase) -> bool:
    """Tell from the wire whether the device asked for its configuration in this phase."""
    return bool(own(phase, hosts.CONFIGURATION_SERVICE))


def as_expected(phase: Phase, facts: Sequence[Fact]) -> bool:
    """Tell whether a stage came to what it should, by the app and by the wire.

    No verdict: one that did not is the decisive one, and goes to the judge.
    """
    expected, outcome = phase.expectation, phase.outcome
    assert expected is not None, "every stage expects something"
    shapes = {c.wire_class for c in own(phase, phase.host)} - {WireClass.TCP_ONLY}
    seen = bool(shapes) or expected.attempt is not Attempt.REQUIRED
    right = outcome.answer is Answer.ACCEPTED or expected.is_right_reason(outcome)
    as_told = outcome.answer is expected.answer and right and shapes <= expected.wire
    return seen and as_told and all(fact.holds for fact in facts)


def private_hosts(entry: CatalogueEntry) -> frozenset[str]:
    """Return the owner's other hosts, whose requests nobody else must get to read.

    Nothing is documented of pins of the configuration service (contract section 9.2 item 1):
    whoever has a certificate for it that the device trusts may be asked. What such a carrier
    hands out is judged by the signature alone.
    """
    private = {hosts.COLLECTOR, hosts.CONFIGURATION_SERVICE} - {entry.host}
    if entry.hands_out.carrier in (Carrier.RENEWED, Carrier.COMPROMISED_CA):
        private -= {hosts.CONFIGURATION_SERVICE}
    return frozenset(private)


def told(title: str, phase: Phase) -> Fact:
    """Return what is said of a stage that came to what it should."""
    return Fact("stage", True, f"{title}: {phase.outcome.answer}, as it should be.")
