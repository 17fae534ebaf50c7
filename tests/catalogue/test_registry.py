from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from cryptography import x509

from lab.catalogue import CatalogueEntry, Ground, entries, entry, hosts
from lab.catalogue.registry import CHAPTERS
from lab.catalogue.slow_networks import TOO_SLOW
from lab.model.attack import Adversary, Control, Need, Trust, refuse
from lab.model.outcome import Answer, ErrorKind
from lab.model.profile import PROFILES, SDK_6
from lab.model.serving import DnsLie, HostPlan, Relay, Serving, Terminate
from lab.pinning.pins import matches
from lab.pki.hierarchy import LabPki

ROWS = {
    "A1", "A2", "A3", "A4", "A5", "A6", "B1", "B2", "B3", "B4", "B5", "B6", "B8", "B9",
    "C1", "C2", "C3", "C6", "C7", "C10", "C11", "C12", "C13", "C15", "C16", "C19", "D1", "D3",
    "E1", "E2", "E6", "F6", "H1", "H2", "H3", "H4", "I1", "I2", "I5",
}  # fmt: skip


@pytest.fixture(scope="module")
def pki() -> LabPki:
    return LabPki((hosts.DOMAIN,))


def ground(pki: LabPki, of: CatalogueEntry) -> Ground:
    return Ground(pki, of.host, datetime.now(UTC))


def test_every_row_that_was_promised_is_there() -> None:
    assert {e.id for e in entries()} >= ROWS


def test_every_attack_belongs_to_a_chapter_in_order() -> None:
    chapters = [e.serve.__module__.rpartition(".")[2] for e in entries()]
    assert sorted(chapters, key=CHAPTERS.index) == chapters


ORDER = """\
import json
from lab.catalogue import entries
from lab.catalogue.core import core
print(json.dumps([[one.slug for one in entries()], sorted(core())]))
"""


@pytest.mark.parametrize("first", ["connections", "promises"])
def test_the_order_does_not_depend_on_what_was_imported_first(first: str) -> None:
    """Nor which entries are in the core: those that come first in their row."""
    clean, other = (
        json.loads(subprocess.check_output([sys.executable, "-c", script], text=True))
        for script in (ORDER, f"import lab.catalogue.{first}\n{ORDER}")
    )
    assert other == clean


def test_titles_tell_the_entries_of_an_adversary_apart() -> None:
    seen = [(e.id, e.title, a) for e in entries() for a in e.adversaries]
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("one", entries(), ids=lambda e: e.slug)
def test_an_attack_says_what_happens_to_its_own_host(one: CatalogueEntry, pki: LabPki) -> None:
    plans = one.plans(ground(pki, one))
    assert one.host in plans
    assert set(plans) <= set(hosts.DECLARED)


@pytest.mark.parametrize("one", entries(), ids=lambda e: e.slug)
def test_an_attack_that_forges_has_a_control(one: CatalogueEntry, pki: LabPki) -> None:
    """Without one, nothing would show that the attack has teeth. Where the genuine chain is
    refused, there is nothing to fall for; nor where the host's name leads nowhere."""
    plan = one.plans(ground(pki, one))[one.host]
    answered = plan.dns not in (DnsLie.NXDOMAIN, DnsLie.SILENCE)
    reachable = answered and plan.dns_delay < TOO_SLOW
    refused = one.expectation().answer is Answer.REFUSED and not one.must_be_caught
    if isinstance(plan.serving, Terminate) and reachable and refused:
        genuine = plan.serving.chain == pki.genuine(one.host).chain_der
        assert genuine or one.control is not Control.NONE


@pytest.mark.parametrize("one", entries(), ids=lambda e: e.slug)
def test_versions_differ_in_how_a_refusal_is_told_and_in_nothing_else(one: CatalogueEntry) -> None:
    """None of them may let an attack through."""
    due = [dataclasses.replace(one.expectation(profile), told=()) for profile in PROFILES]
    assert due == [due[0]] * len(PROFILES)
    assert dataclasses.replace(one.expectation(), told=()) == due[0]


def test_what_is_told_without_a_configuration_depends_on_the_version() -> None:
    found = {one.slug: one for one in entries()}
    told = {
        slug: {profile.name: one.expectation(profile).told for profile in PROFILES}
        for slug, one in found.items()
    }
    depending = {slug for slug, by_name in told.items() if len(set(by_name.values())) > 1}
    assert depending >= {
        "service_down_cold_genuine",
        "service_down_cold_trusted_ca",
        "forged_configuration_cold",
    }
    assert [slug for slug in depending if Need.CONFIGURATION not in found[slug].needs] == []
    assert told["service_down_cold_genuine"]["6"] == SDK_6.without_configuration(
        "ErrorFetchingPinningInfo"
    )


@pytest.mark.parametrize("slug", ["forged_configuration_stale", "older_configuration_replayed"])
def test_the_former_configuration_vouches_for_the_attackers_key(slug: str, pki: LabPki) -> None:
    """Else a client that takes it would refuse all the same, and nothing would be shown."""
    one = next(e for e in entries() if e.slug == slug)
    serving = one.plans(ground(pki, one))[one.host].serving
    assert isinstance(serving, Terminate)
    leaf = x509.load_der_x509_certificate(serving.chain[0])
    now = datetime.now(UTC)
    former = hosts.configuration("former", pki, now).pins_for(one.host)
    standard = hosts.configuration("standard", pki, now).pins_for(one.host)
    assert any(matches(pin, leaf) for pin in former)
    assert not any(matches(pin, leaf) for pin in standard)
    assert set(standard) < set(former)


@pytest.mark.parametrize("one", entries(), ids=lambda e: e.slug)
def test_a_root_is_named_where_a_store_is(one: CatalogueEntry, pki: LabPki) -> None:
    assert (one.anchor is None) == (one.trust is Trust.NONE)
    assert one.anchor is None or hasattr(pki, one.anchor)


@pytest.mark.parametrize("name", hosts.CONFIGURATIONS)
def test_every_configuration_registers_the_same_hosts(name: str, pki: LabPki) -> None:
    made = hosts.configuration(name, pki, datetime.now(UTC))
    assert [d.host for d in made.domains] == list(hosts.REGISTERED)
    assert all(d.pins for d in made.domains)


def test_an_unknown_configuration_is_refused(pki: LabPki) -> None:
    with pytest.raises(KeyError):
        hosts.configuration("nonesuch", pki, datetime.now(UTC))


def test_all_hosts_are_names_that_no_resolver_outside_knows() -> None:
    assert all(host.endswith(".test") for host in hosts.DECLARED)


def register(name: str, text: str | None) -> None:
    def attack(ground: Ground) -> Serving | HostPlan:
        return Relay()

    attack.__name__ = name
    attack.__doc__ = text
    entry("Z1", "Z", adversaries=[Adversary.ROGUE_CA], expect=refuse(ErrorKind.PIN))(attack)


@pytest.mark.parametrize(
    "text",
    [None, "Served: x.\n\nCorrect client: y.", "Served:\n\nCorrect client: y."],
    ids=["none", "half", "empty"],
)
def test_an_attack_that_is_not_explained_is_not_in_the_catalogue(text: str | None) -> None:
    before = entries()
    with pytest.raises(ValueError, match="its docstring lacks"):
        register("unexplained", text)
    assert entries() == before


def test_two_attacks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two catalogue entries are called good_chain"):
        register("good_chain", entries()[0].explanation)
