"""Which published requirements a case of the catalogue speaks to, and in which way.

All ids are in one dated file, ``mas.toml``, not in the code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from lab.catalogue.catalogue_entry import CatalogueEntry
from lab.catalogue.registry import entries


class Relation(StrEnum):
    """What a case is to a published test."""

    SATISFIES = "satisfies"
    """The test's own rule was carried out."""
    PROCEDURE = "procedure"
    """The procedure of a test that is deprecated, and still cited, was carried out."""
    CORROBORATES = "corroborates"
    """Seen from outside what a static test looks for in the code."""
    LAB_OWN = "lab-own"
    """No published test asks for this."""


@dataclass(frozen=True, slots=True)
class MastgTest:
    """An OWASP MASTG test, and what the case is to it."""

    id: str
    title: str
    platform: str
    """``network``, ``android`` or ``ios``."""
    relation: Relation
    rule: str
    """When it fails, in the lab's words."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """An OWASP MASWE weakness. The alias is the best key: numbers were given out anew."""

    id: str
    alias: str
    beta_id: str
    """Its number before 2026, which means another weakness now."""
    version: str


@dataclass(frozen=True, slots=True)
class MasMapping:
    """What one case is evidence for."""

    group: str
    """Name of the group in ``mas.toml``."""
    relation: Relation
    """The closest of its relations to a test."""
    masvs: tuple[str, ...]
    """OWASP MASVS controls."""
    masvs_version: str
    mastg: tuple[MastgTest, ...]
    mastg_version: str
    """Commit of the MASTG."""
    maswe: Weakness | None
    profiles: tuple[str, ...]
    """MAS profiles: ``L1``, ``L2``, ``R``, ``P``."""
    cwe: tuple[int, ...]
    ada: tuple[str, ...]
    """Requirements of ADA MASA."""
    ada_version: str
    attacks: tuple[str, ...]
    """OWASP MAS-ATTACK ids."""
    note: str
    dated: str
    """When the mapping was drawn up."""


CLOSEST = (Relation.SATISFIES, Relation.PROCEDURE, Relation.CORROBORATES)


def mapping_of(entry: CatalogueEntry) -> MasMapping:
    """Return what ``entry`` is evidence for. Raises LookupError where ``mas.toml`` does not say."""
    groups = mas_data()["groups"]
    for name, group in groups.items():
        if entry.slug in group.get("slugs", ()):
            return _mapping(name)
    for name, group in groups.items():
        if group["concern"] == entry.concern.value and entry.id in group["cases"]:
            return _mapping(name)
    raise LookupError(f"mas.toml says nothing of {entry.id} {entry.slug} ({entry.concern.value})")


@cache
def mapping_for(slug: str) -> MasMapping | None:
    """Return what the case called ``slug`` is evidence for; None where it is in no catalogue, or
    nobody has said."""
    entry = by_slug().get(slug)
    try:
        return None if entry is None else mapping_of(entry)
    except LookupError:
        return None


def mappings() -> tuple[MasMapping, ...]:
    """Return every mapping of ``mas.toml``, in its order."""
    return tuple(map(_mapping, mas_data()["groups"]))


@cache
def by_slug() -> Mapping[str, CatalogueEntry]:
    """Return the catalogue by the entries' names."""
    return {entry.slug: entry for entry in entries()}


@cache
def mas_data() -> dict[str, Any]:
    """Return the content of ``mas.toml``."""
    text = files("lab.evidence").joinpath("mas.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def _mapping(name: str) -> MasMapping:
    data = mas_data()
    group, versions = data["groups"][name], data["versions"]
    tests = tuple(
        MastgTest(id=test, relation=relation, **data["tests"][test])
        for relation in CLOSEST
        for test in group.get(relation.value, ())
    )
    weakness = group.get("maswe")
    return MasMapping(
        group=name,
        relation=tests[0].relation if tests else Relation.LAB_OWN,
        masvs=tuple(group.get("masvs", ())),
        masvs_version=versions["masvs"],
        mastg=tests,
        mastg_version=versions["mastg"],
        maswe=Weakness(**data["maswe"][weakness], version=versions["maswe"]) if weakness else None,
        profiles=tuple(group.get("profile", ())),
        cwe=tuple(group.get("cwe", ())),
        ada=tuple(group.get("ada", ())),
        ada_version=versions["ada"],
        attacks=tuple(group.get("attacks", ())),
        note=group.get("note", ""),
        dated=data["dated"],
    )
