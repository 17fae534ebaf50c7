"""The published requirements by name, as SARIF and the checklist list them; from ``mas.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from lab.evidence.mapping import MasMapping, mas_data


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """A published list of requirements or weaknesses."""

    name: str
    organization: str
    uri: str
    guid: str | None
    """By which other SARIF files know it."""
    version: str | None
    taxa: Mapping[str, str]
    """What ``mas.toml`` says of each entry, by its id."""


@cache
def masvs() -> Taxonomy:
    """Return the controls of the OWASP MASVS that ``mas.toml`` names."""
    return _taxonomy("masvs", controls(), mas_data()["versions"]["masvs"])


@cache
def cwe() -> Taxonomy:
    """Return the entries of the CWE that ``mas.toml`` names, by numbers without a prefix."""
    return _taxonomy("cwe", mas_data()["cwe"], None)


def controls() -> Mapping[str, str]:
    """Return what the MASVS controls ask for, in the lab's words, by their ids."""
    told: Mapping[str, str] = mas_data()["controls"]
    return told


def entries_of(mapping: MasMapping | None) -> tuple[tuple[Taxonomy, str], ...]:
    """Return the entries of both taxonomies that a case speaks to."""
    if mapping is None:
        return ()
    return (
        *((masvs(), control) for control in mapping.masvs),
        *((cwe(), str(number)) for number in mapping.cwe),
    )


def _taxonomy(name: str, taxa: Mapping[str, str], version: str | None) -> Taxonomy:
    told = mas_data()["taxonomies"][name]
    return Taxonomy(
        told["name"], told["organization"], told["uri"], told.get("guid"), version, taxa
    )
