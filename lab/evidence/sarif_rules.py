"""The part of a SARIF file that says what was looked for: rules and taxonomies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lab.evidence.assessed import Assessed, case_name
from lab.evidence.gfm import escaped
from lab.evidence.plain import plain_line
from lab.evidence.record import ScenarioResult
from lab.evidence.taxonomies import Taxonomy, cwe, entries_of, masvs
from lab.evidence.words import documentation

LONGEST_DESCRIPTION = 1024
"""Characters of a description that GitHub's code scanning shows."""
MOST_TAGS = 20
"""That GitHub's code scanning takes for one rule."""

TAXONOMIES = masvs, cwe
"""In the order in which a run lists them."""

_INTERPRETED = re.compile(r"\](?=\()|\{(?=\d+\})")


def message(text: str, limit: int = LONGEST_DESCRIPTION) -> str:
    """Return ``text`` as a plain text message in which nothing is an embedded link or a
    placeholder (SARIF 2.1.0, sections 3.11.5 and 3.11.6)."""
    return plain_line(_INTERPRETED.sub(r"\g<0> ", text), limit)


def rules(told: Iterable[Assessed]) -> dict[str, dict[str, Any]]:
    """Return a rule for each case of the catalogue that is among ``told``, by its id."""
    found: dict[str, Assessed] = {}
    for one in told:
        name = case_name(one.result)
        # What a case speaks to depends on the platform: the device with most of it counts.
        if name not in found or _tests(one) > _tests(found[name]):
            found[name] = one
    return {name: _rule(name, one) for name, one in found.items()}


def _tests(one: Assessed) -> int:
    return 0 if one.mapping is None else len(one.mapping.mastg)


def _rule(name: str, one: Assessed) -> dict[str, Any]:
    result, mapping = one.result, one.mapping
    tags = ["security", *(f"external/cwe/cwe-{n}" for n in (mapping.cwe if mapping else ()))]
    tags += [test.id for test in (mapping.mastg if mapping else ())]
    about: dict[str, Any] = {"tags": tags[:MOST_TAGS]}
    if mapping is not None:
        about["relation"] = mapping.relation.value
        about["mastg"] = [
            {"id": t.id, "relation": t.relation.value, "commit": mapping.mastg_version}
            for t in mapping.mastg
        ]
        if (weakness := mapping.maswe) is not None:
            about["maswe"] = {
                "id": weakness.id,
                "alias": weakness.alias,
                "betaId": weakness.beta_id,
                "version": weakness.version,
            }
    related = [_relationship(taxonomy, taxon) for taxonomy, taxon in entries_of(mapping)]
    return {
        "id": name,
        "name": _identifier(result),
        "shortDescription": {"text": message(result.title) or name},
        "fullDescription": {"text": message(f"Served: {result.served}") or name},
        "help": _help(result),
        "defaultConfiguration": {"level": "error"},
        **({"relationships": related} if related else {}),
        "properties": about,
    }


def _identifier(result: ScenarioResult) -> str:
    """Return the case's name as one word in Pascal case (section 3.49.7)."""
    words = re.findall(r"[A-Za-z0-9]+", result.slug or result.case)
    return "".join(word[:1].upper() + word[1:] for word in words) or "Scenario"


def _help(result: ScenarioResult) -> dict[str, str]:
    told = [(name, text) for name, text in documentation(result.explain) if text]
    if not told:
        told = [("Served", result.served), ("Correct client", result.correct)]
    lines = [(message(name), message(text, 4000)) for name, text in told]
    marked = [(escaped(name), escaped(text)) for name, text in lines]
    return {
        "text": "\n\n".join(f"{name}: {text}" if name else text for name, text in lines),
        "markdown": "\n\n".join(f"**{name}:** {text}" if name else text for name, text in marked),
    }


def _relationship(taxonomy: Taxonomy, taxon: str) -> dict[str, Any]:
    return {
        "target": {
            "id": taxon,
            "index": list(taxonomy.taxa).index(taxon),
            "toolComponent": _reference(taxonomy),
        },
        "kinds": ["relevant"],
    }


def _reference(taxonomy: Taxonomy) -> dict[str, Any]:
    index = [of().name for of in TAXONOMIES].index(taxonomy.name)
    guid: Mapping[str, str] = {} if taxonomy.guid is None else {"guid": taxonomy.guid}
    return {"name": taxonomy.name, "index": index, **guid}


def references() -> list[dict[str, Any]]:
    """Return how the tool names the taxonomies that it supports."""
    return [_reference(of()) for of in TAXONOMIES]


def taxonomies() -> list[dict[str, Any]]:
    """Return the taxonomies, each with the entries that any case speaks to."""
    return [_component(of()) for of in TAXONOMIES]


def _component(taxonomy: Taxonomy) -> dict[str, Any]:
    return {
        "name": taxonomy.name,
        **({} if taxonomy.version is None else {"version": taxonomy.version}),
        **({} if taxonomy.guid is None else {"guid": taxonomy.guid}),
        "organization": taxonomy.organization,
        "informationUri": taxonomy.uri,
        "shortDescription": {"text": f"{taxonomy.name}, as far as the lab refers to it"},
        "isComprehensive": False,
        "contents": ["localizedData", "nonLocalizedData"],
        "taxa": [
            {"id": taxon, "shortDescription": {"text": text}}
            for taxon, text in taxonomy.taxa.items()
        ],
    }
