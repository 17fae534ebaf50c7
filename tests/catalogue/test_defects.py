"""One defect per case: openssl finds in each chain what the attack says, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.catalogue import entries, hosts
from lab.model.outcome import Answer, ErrorKind
from lab.pinning.pins import pin_of
from lab.pki.hierarchy import LabPki
from tests.catalogue.openssl import rule
from tests.catalogue.serving import terminated

CHAPTERS = frozenset(
    f"lab.catalogue.{name}"
    for name in (
        *("names", "wildcards", "name_constraints", "validity"),
        *("chains", "intermediates", "certificates", "algorithms"),
    )
)
BY_CLOCK = frozenset({"clock_ahead_genuine_chain", "clock_behind_trusted_ca"})
"""It is the device's clock that is wrong, not the chain."""
OTHER_KEY = frozenset(
    {
        *("other_host", "parent_domain_other_key", "nul_in_san_other_key", "wildcard_other_key"),
        *("clock_behind_trusted_ca", "clock_past_pin_expiry"),
    }
)
"""The leaf has the attacker's key; everywhere else it has the pinned one."""

NAME = [(62, 0)]
ENTRIES = {entry.slug: entry for entry in entries() if entry.serve.__module__ in CHAPTERS}

# Numbers of openssl/x509_vfy.h, with the depth: 0 is the leaf.
FOUND: dict[str, list[tuple[int, int]]] = {
    "outside_permitted_names": [(47, 0)],
    "one_name_outside": [(47, 0)],
    "among_excluded_names": [(48, 0)],
    "outside_permitted_addresses": [(47, 0)],
    "among_excluded_addresses": [(48, 0)],
    "outside_permitted_subjects": [(47, 0)],
    "among_excluded_subjects": [(48, 0)],
    "expired_leaf": [(10, 0)],
    "not_yet_valid": [(9, 0)],
    "expired_intermediate": [(10, 1)],
    "early_intermediate": [(9, 1)],
    "minute_too_early": [(9, 0)],
    "minute_too_late": [(10, 0)],
    "incomplete_chain": [(20, 0)],
    "cyclic_chain": [(20, 2)],
    "endless_chain": [(20, 41)],
    "forged_leaf": [(7, 0)],
    "forged_intermediate": [(7, 1)],
    # 26 and 32 follow from 79: what is no CA's is not for signing either.
    "intermediate_denies_being_a_ca": [(79, 1), (26, 1)],
    "intermediate_without_basic_constraints": [(79, 1)],
    "intermediate_without_cert_sign": [(79, 1), (26, 1), (32, 1)],
    "path_too_long": [(25, 2)],
    "version_1_intermediate": [(79, 1), (26, 1)],
    "for_code_signing": [(26, 0)],
    "for_code_signing_critical": [(26, 0)],
    "for_nothing": [(26, 0)],
    "unknown_critical_extension": [(34, 0)],
    "unknown_critical_extension_above": [(34, 1)],
    "sha1_leaf": [(68, 0)],
    "md5_leaf": [(68, 0)],
    "sha1_intermediate": [(68, 1)],
    "md5_intermediate": [(68, 1)],
    "rsa_512_intermediate": [(67, 1)],
    "explicit_curve_intermediate": [(94, 1)],
    "spoofed_root": [(7, 0)],
    # Where Android's rules are others.
    "expired_root": [(10, 1)],
    "for_any_usage": [(26, 0)],
}
LAXER = {
    "common_name_without_san": "openssl falls back to the common name",
    "address_only": "openssl falls back to the common name",
    "wildcard_inside_a_label": "openssl takes wildcards inside a label",
    "p192_intermediate": "openssl knows the curve",
    "wildcard_other_key": "only the pins can refuse it",
    "clock_past_pin_expiry": "only the pins can refuse it",
}
"""What openssl likes, and a correct client on Android does not."""


@pytest.mark.parametrize("slug", ENTRIES)
def test_openssl_finds_the_one_defect(slug: str, pki: LabPki, tmp_path: Path) -> None:
    entry = ENTRIES[slug]
    store = {"public_root", entry.anchor} - {None}
    anchors = tuple(getattr(pki, str(name)).der for name in store)
    found = list(rule(terminated(entry, pki), anchors, tmp_path, host=entry.host).errors)
    expected = entry.expectation()
    if slug in LAXER or slug in BY_CLOCK:
        assert found == []
    elif expected.answer is Answer.REFUSED:
        due = FOUND.get(slug, NAME)
        assert found == due
        assert (due == NAME) is (ErrorKind.NAME in expected.kinds)
        assert (due[0][0] in (9, 10)) is (ErrorKind.TIME in expected.kinds)
    else:
        assert found == FOUND.get(slug, [])


@pytest.mark.parametrize("slug", ENTRIES)
def test_the_leaf_has_the_pinned_key_unless_the_attack_says_otherwise(
    slug: str, pki: LabPki
) -> None:
    entry = ENTRIES[slug]
    pins = hosts.standard(pki, datetime.now(UTC)).pins_for(entry.host)
    assert pins
    mine = {pin_of(terminated(entry, pki).chain[0], pin.kind).digest for pin in pins}
    assert bool(mine & {pin.digest for pin in pins}) is (slug not in OTHER_KEY)


def test_the_tables_name_attacks_that_there_are() -> None:
    assert {*FOUND, *LAXER, *BY_CLOCK, *OTHER_KEY} <= set(ENTRIES)
