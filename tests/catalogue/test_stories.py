"""Rotations and stories: what is published in each phase vouches for what it says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509

from lab.catalogue import CatalogueEntry, Ground, entries, hosts
from lab.catalogue.renewals import LIFE, NOTICE, TERM
from lab.catalogue.rotation import WITHDRAWN
from lab.catalogue.rotations import ROTATIONS
from lab.catalogue.stage import Launch
from lab.model.attack import Control, relayed
from lab.model.outcome import PIN_KINDS, Answer
from lab.model.pins import PinConfiguration
from lab.model.profile import PROFILES, Profile
from lab.pinning.pins import PinVerdict, check
from lab.pki.credential import Credential
from lab.pki.hierarchy import ESTABLISHED, LabPki
from tests.catalogue.serving import terminated

HOST = hosts.HOST
NOW = datetime.now(UTC)
STORIES = [one for one in entries() if one.before]


VOUCHED = {
    "old": {"old", "old, renewed"},
    "old_and_new": {"old", "old, renewed", "new"},
    "new_and_old": {"old", "old, renewed", "new"},
    "new": {"new"},
    "new_and_newer": {"new", "newer"},
    "newer": {"newer"},
    "backup_and_new": {"backup", "new"},
    "ending": {"old", "old, renewed", "backup"},
    "old_leaf": {"old"},
    "old_and_new_leaf": {"old", "new"},
}


def certificates(pki: LabPki) -> dict[str, Credential]:
    return {
        "old": pki.genuine(HOST),
        "old, renewed": pki.renewed(HOST, same_key=True),
        "backup": pki.backup(HOST),
        "new": pki.reserve(HOST, 1),
        "newer": pki.reserve(HOST, 2),
    }


def published(name: str, pki: LabPki) -> PinConfiguration:
    return hosts.configuration(name, pki, NOW)


def test_every_configuration_of_a_rotation_is_looked_at() -> None:
    assert set(VOUCHED) == set(ROTATIONS)


@pytest.mark.parametrize("name", VOUCHED)
def test_a_phase_vouches_for_its_own_certificates(name: str, pki: LabPki) -> None:
    pins = published(name, pki).pins_for(HOST)
    good = {
        called
        for called, made in certificates(pki).items()
        if check(pins, made.certificate, NOW.timestamp()) is PinVerdict.MATCH
    }
    assert good == VOUCHED[name]


@pytest.mark.parametrize("name", VOUCHED)
def test_other_hosts_stay_as_they_are(name: str, pki: LabPki) -> None:
    usual, now = published("standard", pki), published(name, pki)
    assert [d.host for d in now.domains] == [d.host for d in usual.domains]
    assert all(
        now.pins_for(d.host) == usual.pins_for(d.host) for d in usual.domains if d.host != HOST
    )


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(LIFE - 60.0, PinVerdict.MATCH), (LIFE + 1.0, PinVerdict.ALL_EXPIRED)],
)
def test_margins_around_the_expiry_hold(seconds: float, verdict: PinVerdict, pki: LabPki) -> None:
    pins = published("ending", pki).pins_for(HOST)
    at = NOW.timestamp() + seconds
    assert check(pins, pki.genuine(HOST).certificate, at) is verdict


def test_the_owner_was_there_before_the_first_renewal(pki: LabPki) -> None:
    assert ESTABLISHED.total_seconds() > 2 * TERM
    assert NOTICE < TERM
    chain = (*pki.reserve(HOST, 2).chain, pki.public_root.certificate)
    for certificate in chain:
        assert (NOW - certificate.not_valid_before_utc).total_seconds() > 2 * TERM
    for host in (hosts.CONFIGURATION_SERVICE, hosts.COLLECTOR):
        begin = pki.genuine(host).certificate.not_valid_before_utc
        assert (NOW - begin).total_seconds() > 2 * TERM


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.slug)
def test_a_story_is_told_stage_by_stage(story: CatalogueEntry, pki: LabPki) -> None:
    assert len({stage.title for stage in story.stages}) == len(story.stages)
    assert story.stages[-1] is story
    clocks = [stage.clock_offset for stage in story.stages]
    assert clocks == sorted(clocks)
    for stage in story.stages:
        assert set(stage.plans(Ground(pki, stage.host, NOW))) <= set(hosts.DECLARED)
        assert (stage.id, stage.slug, stage.host) == (story.id, story.slug, story.host)
        assert stage is story or not stage.before


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.slug)
@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_only_the_last_refusal_is_one_that_is_reported(
    story: CatalogueEntry, profile: Profile
) -> None:
    """The report of an earlier one would be told of as if it were the last one's."""
    for stage in story.stages[:-1]:
        expected = stage.expectation(profile)
        assert expected.answer is Answer.ACCEPTED or not expected.kinds & PIN_KINDS


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.slug)
def test_what_is_served_in_a_stage_fits_what_is_expected(
    story: CatalogueEntry, pki: LabPki
) -> None:
    """By the pins that are published by then, whatever a client makes of them."""
    name = "standard" if story.stages[0].fresh_start else story.configuration
    for stage in story.stages:
        name = stage.publishes or (stage.configuration if stage.fresh_start else name)
        if stage.expectation() == relayed():
            continue
        leaf = x509.load_der_x509_certificate(terminated(stage, pki).chain[0])
        verdict = check(published(name, pki).pins_for(HOST), leaf, NOW.timestamp())
        expected = stage.expectation()
        if expected.kinds & PIN_KINDS or expected.answer is Answer.ACCEPTED:
            accepted = expected.answer is Answer.ACCEPTED
            assert (verdict is PinVerdict.MATCH) is accepted, stage.title


def test_a_withdrawn_key_has_teeth() -> None:
    """The chain is the genuine CA's, so a client without pins must fall for it."""
    refusing = [one for one in entries() if one.expect == WITHDRAWN and one.id == "C20"]
    assert len(refusing) > 4
    assert {one.control for one in refusing} == {Control.UNPINNED}


def test_stages_before_a_launch_from_nothing_hold_nothing() -> None:
    for story in STORIES:
        assert story.launch is not Launch.AFRESH
