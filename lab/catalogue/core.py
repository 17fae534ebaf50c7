"""The core of the catalogue: a few attacks of each of its rows, for a quick answer."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

from lab.catalogue.catalogue_entry import CatalogueEntry
from lab.catalogue.registry import entries

PER_ROW = 2
"""Entries of each row: what the row is about, and what is most unlike it."""


@cache
def core() -> frozenset[str]:
    """Return the slugs of the first entries of each row."""
    rows: dict[str, list[CatalogueEntry]] = defaultdict(list)
    for each in entries():
        rows[each.id].append(each)
    return frozenset(each.slug for row in rows.values() for each in row[:PER_ROW])
