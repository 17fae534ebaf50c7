from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from lab.catalogue.catalogue_entry import CatalogueEntry
from lab.catalogue.registry import entries
from lab.evidence.mapping import Relation, mapping_for, mapping_of
from lab.model.attack import Concern, Trust

DATA: dict[str, Any] = tomllib.loads(files("lab.evidence").joinpath("mas.toml").read_text())


def test_every_case_of_the_catalogue_is_mapped() -> None:
    for entry in entries():
        assert mapping_of(entry).group, entry.slug


def test_no_group_names_what_is_not_in_the_catalogue() -> None:
    slugs = {entry.slug for entry in entries()}
    ids = {(entry.concern.value, entry.id) for entry in entries()}
    for name, group in DATA["groups"].items():
        assert set(group.get("slugs", ())) <= slugs, name
        assert {(group["concern"], case) for case in group["cases"]} <= ids, name


def test_every_test_is_used_and_every_used_test_is_told() -> None:
    used = {
        test
        for group in DATA["groups"].values()
        for relation in Relation
        for test in group.get(relation.value, ())
    }
    assert used == set(DATA["tests"])


def test_numbers_of_weaknesses_are_never_bare() -> None:
    for weakness in DATA["maswe"].values():
        assert set(weakness) == {"id", "alias", "beta_id"}
        assert weakness["id"] != weakness["beta_id"]


def test_the_data_is_dated_and_sourced() -> None:
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", DATA["dated"])
    assert set(DATA["versions"]) == {"masvs", "mastg", "maswe", "ada"}
    assert DATA["sources"]


def pinned_ca() -> list[CatalogueEntry]:
    return [e for e in entries() if any(t.id == "MASTG-TEST-0244" for t in mapping_of(e).mastg)]


def test_the_pinning_test_is_only_said_to_be_carried_out_where_pinning_is_tested() -> None:
    assert len(pinned_ca()) > 40
    for entry in pinned_ca():
        assert entry.concern is Concern.PINNING, entry.slug
        assert "MASVS-NETWORK-2" in mapping_of(entry).masvs
        assert entry.trust in (Trust.SYSTEM, Trust.NONE), "a CA of the user's is another test"


@pytest.mark.parametrize(
    ("slug", "relation", "first"),
    [
        ("device_trusted_ca", Relation.SATISFIES, "MASTG-TEST-0244"),
        ("untrusted_ca", Relation.PROCEDURE, "MASTG-TEST-0021"),
        ("clock_past_pin_expiry", Relation.CORROBORATES, "MASTG-TEST-0243"),
        ("tls10_only", Relation.SATISFIES, "MASTG-TEST-0218"),
        ("tls_stripping", Relation.SATISFIES, "MASTG-TEST-0236"),
        ("whole_rotation", Relation.LAB_OWN, None),
        ("good_chain", Relation.LAB_OWN, None),
    ],
)
def test_relations_are_those_of_the_procedure(
    slug: str, relation: Relation, first: str | None
) -> None:
    told = mapping_for(slug)
    assert told is not None
    assert (told.relation, told.mastg[0].id if told.mastg else None) == (relation, first)


def test_what_is_in_no_catalogue_has_no_mapping() -> None:
    assert mapping_for("nothing of the kind") is None
