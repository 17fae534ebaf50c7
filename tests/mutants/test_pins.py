"""Wrong pin checks are wrong where their attacks are, and right where nothing is the matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from lab.catalogue import entries, hosts
from lab.model.pins import Mode, PinConfiguration
from lab.mutants.registry import Mutant, mutants
from lab.phone.sdk.errors import PinsMismatch, TrustPinError
from lab.phone.sdk.project import sanitize
from lab.phone.sdk.verifier import PinVerifier
from lab.pki.hierarchy import LabPki
from tests.catalogue.serving import terminated

ATTACKS = {entry.slug: entry for entry in entries()}
CHAPTERS = {"pins", "pin_sets", "scope", "keys", "forms"}
COMPARING = [
    one
    for one in mutants()
    if one.client.verifier_class is not PinVerifier
    and one.client.__module__.rpartition(".")[2] in CHAPTERS
]
"""Those that are wrong in how they compare, and so need no phone to be seen wrong."""
NEEDS_MORE = {"ComparesTheRoot", "ComparesKeysOfLeaves"}
"""They look at the phone's store, or at what they saw before."""


@dataclass(frozen=True)
class Case:
    """What is served in one attack, and what it is compared with."""

    host: str
    chain: tuple[bytes, ...]
    configuration: PinConfiguration
    mode: Mode
    now: float

    def accepted_by(self, verifier: type[PinVerifier]) -> bool:
        """Tell whether a client with this verifier would go on."""
        try:
            verifier(self.configuration, self.mode).judge(self.host, self.chain, self.now)
        except TrustPinError:
            return False
        return True


def case(pki: LabPki, slug: str) -> Case:
    attack, now = ATTACKS[slug], datetime.now(UTC)
    return Case(
        sanitize(attack.host),
        terminated(attack, pki).chain,
        hosts.configuration(attack.configuration, pki, now),
        hosts.CONFIGURATIONS[attack.configuration],
        now.timestamp(),
    )


KILLERS = [(one, slug) for one in COMPARING if one.name not in NEEDS_MORE for slug in one.killed_by]


@pytest.mark.parametrize(
    ("one", "slug"), KILLERS, ids=lambda part: part if isinstance(part, str) else part.name
)
def test_a_wrong_comparison_is_wrong_about_its_attack(one: Mutant, slug: str, pki: LabPki) -> None:
    attacked = case(pki, slug)
    assert attacked.accepted_by(PinVerifier) != attacked.accepted_by(one.client.verifier_class)


def test_keys_of_leaves_are_compared_once_the_right_leaf_was_seen(pki: LabPki) -> None:
    (one,) = (one for one in COMPARING if one.name == "ComparesKeysOfLeaves")
    renewed = case(pki, "renewed_same_key_leaf")
    right = pki.genuine(renewed.host).chain_der
    verifier = one.client.verifier_class(renewed.configuration, renewed.mode)
    with pytest.raises(PinsMismatch):
        verifier.judge(
            renewed.host, pki.renewed(renewed.host, same_key=True).chain_der, renewed.now
        )
    assert verifier.judge(renewed.host, right, renewed.now)
    assert verifier.judge(renewed.host, renewed.chain, renewed.now)


@pytest.mark.parametrize("one", COMPARING, ids=lambda one: one.name)
def test_a_wrong_comparison_is_right_about_the_genuine_chain(one: Mutant, pki: LabPki) -> None:
    """Else the benign request would fail, and no verdict could be believed."""
    assert case(pki, "good_chain").accepted_by(one.client.verifier_class)
